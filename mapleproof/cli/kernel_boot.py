"""`mapleproof kernel boot`: a whole kernel, built out of its sources and booted."""

from __future__ import annotations

import sys

import click

BAD_INPUT = 2
ARCHITECTURES = ("um", "x86")


@click.command("boot")
@click.argument("path", metavar="PATH", type=click.Path())
@click.option(
    "--arch",
    type=click.Choice(ARCHITECTURES),
    default="um",
    show_default=True,
    help="User Mode Linux, or x86-64 in QEMU without KVM.",
)
@click.option("--sanitize", is_flag=True, help="With KASAN.")
@click.option(
    "--debug",
    is_flag=True,
    help="With DEBUG_VM, the maple tree's own validation, checks of page tables, kmemleak.",
)
@click.option(
    "--levels",
    type=click.Choice(("4", "5")),
    help="Levels of page tables that x86 is booted with; default: 4.",
)
@click.option("--seeds", is_flag=True, help="With the known mistakes put in, of which a boot chooses.")
def boot_command(path: str, arch: str, sanitize: bool, debug: bool, levels: str | None, seeds: bool) -> None:
    """Build the kernel in PATH, and see that it boots: a whole source tree, its tarball, or a version that is
    at hand.

    Nothing is written into the tree: all lies in the user's cache folder, and after an edit only what depends
    on it is compiled again. What was booted is `--port booted:PATH` of check, replay and show.

    Exit status: 0 it is built and boots; 2 bad usage, something is missing, or it does not build or boot.
    """
    from rich.console import Console

    from mapleproof.impl.kernel.booted.build import build
    from mapleproof.impl.kernel.booted.config import Variant
    from mapleproof.impl.kernel.booted.edits import NOTHING, edits_for
    from mapleproof.impl.kernel.booted.machine import Guest
    from mapleproof.impl.kernel.booted.whole import resolve
    from mapleproof.impl.kernel.errors import KernelBuildError

    console = Console(highlight=False, soft_wrap=True, markup=False)
    try:
        tree = resolve(path)
        variant = Variant(arch, sanitize, debug, int(levels or 0), "seeds" if seeds else "")
        edits = edits_for(str(tree), NOTHING)[0] if seeds else {}
        built = build(tree, variant, edits=edits, tell=console.print)
        with Guest(built) as guest:
            began = guest.seconds
    except KernelBuildError as error:
        print(error, file=sys.stderr)
        sys.exit(BAD_INPUT)
    made = f"built in {built.seconds:.0f} s" if built.seconds else "built before"
    console.print(f"Linux {built.version}, {built.variant}: {made}, up after {began:.1f} s")
