"""`mapleproof kernel`: builds of a kernel's own maple tree, for `--port kernel:PATH`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from props.cli_values import complete_kernel_seed, complete_sanitizers, out_option

if TYPE_CHECKING:
    from rich.table import Table

    from impl.kernel.build import Build
    from props.kernel_seeds import Found

BAD_INPUT = 2
MISSED = 1

sanitize_option = click.option(
    "--sanitize",
    default="",
    metavar="LIST",
    shell_complete=complete_sanitizers,
    help="Compiler's sanitizers for a kernel's tree: address,undefined.",
)
debug_option = click.option(
    "--debug", is_flag=True, help="Switch the kernel's own validation of the tree on."
)


def kernel_variant(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say how a kernel's tree is built."""
    return sanitize_option(debug_option(command))


def port_of(name: str, sanitize: str, debug: bool, seeded: str | None) -> tuple[str, str | None]:
    """The port that a user means, and the seed that is left to plant: one for a kernel's tree is built in.
    Raises PortError."""
    from impl.kernel.build import Variant
    from props.choose_port import PortError, is_kernel, with_variant

    if not is_kernel(name):
        if sanitize or debug:
            raise PortError(f"--sanitize and --debug are for the port kernel:PATH, not for {name}")
        return name, seeded
    variant = Variant(sanitize, debug, seeded or "")
    return (name if variant == Variant() else with_variant(name, variant)), None


def seeds_of(port: str) -> Iterator[tuple[str, str]]:
    """Names of the mistakes that can be seeded into what is behind a port, and what each breaks or does."""
    from impl.kernel.seeds import SEEDS
    from props.choose_port import is_kernel
    from props.seeded.planting import KNOWN

    if is_kernel(port):
        yield from ((seed.name, f"{seed.function}(): {seed.promise}, but not with this") for seed in SEEDS)
    else:
        yield from ((seed.name, seed.what) for seed in KNOWN.values())


@click.group()
def kernel() -> None:
    """The C maple tree of a kernel's sources, built in userspace.

    Nothing is written into the kernel's tree, and none of its code is kept with this program: a build lies in
    the user's cache folder.

    Exit status: 0 done; 1 a mistake was not found; 2 bad usage, or sources that cannot be built.
    """


@kernel.command("build")
@click.argument("path", metavar="PATH", type=click.Path())
@kernel_variant
def build_command(path: str, sanitize: str, debug: bool) -> None:
    """Build the tree in PATH: a checkout, an unpacked source package, or its tarball.

    Exit status: 0 built, or built before; 2 bad usage, no kernel tree, no compiler, or an error of the
    compiler.
    """
    from rich.console import Console

    from impl.kernel.build import Variant, build
    from impl.kernel.errors import KernelBuildError
    from impl.kernel.source import resolve

    try:
        built = build(resolve(path), Variant(sanitize=sanitize, debug=debug))
    except KernelBuildError as error:
        print(error, file=sys.stderr)
        sys.exit(BAD_INPUT)
    Console(highlight=False, soft_wrap=True).print(_line(built))


@kernel.command("list")
def list_command() -> None:
    """Tell what was built: the kernel, how, which operations its tree lacks, and where its sources are.

    Exit status: 0 always.
    """
    from rich.console import Console
    from rich.table import Table

    from impl.kernel.build import list_builds

    table = Table()
    for column in ("Linux", "variant", "lacks", "sources"):
        table.add_column(column)
    for built in list_builds():
        table.add_row(built.version, str(built.variant), _lacks(built), built.source)
    Console(soft_wrap=True).print(table)


@kernel.command("seeds")
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete_kernel_seed)
@click.option(
    "--path",
    metavar="PATH",
    type=click.Path(),
    help="Kernel tree; default: $MAPLEPROOF_KERNEL or Debian's linux-source.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0),
    default=60.0,
    show_default=True,
    help="How long to look for each.",
)
@click.option("--suite", is_flag=True, help="Run the kernel's own userspace suite on each too. Takes long.")
@click.option(
    "--suite-seconds",
    type=click.FloatRange(min=1),
    default=600.0,
    show_default=True,
    help="How long the kernel's suite may take for each.",
)
@out_option
@click.option(
    "--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write every figure."
)
def seeds_command(
    names: tuple[str, ...],
    path: str | None,
    seconds: float,
    suite: bool,
    suite_seconds: float,
    out: str,
    json_file: Path | None,
) -> None:
    """Put one-line mistakes into copies of a kernel's tree, all where none is named, and see how soon each is
    found.

    Exit status: 0 each is found, and its case passes without the mistake; 1 one is not; 2 bad usage, or a
    tree that cannot be built.
    """
    from rich.console import Console

    from impl.kernel.errors import KernelBuildError
    from impl.kernel.source import find, resolve
    from props.choose_port import KERNEL, PortError
    from props.kernel_seeds import chosen, compare, search

    console = Console(soft_wrap=True, highlight=False)
    found = []
    try:
        tree = resolve(path) if path else find()
        for seed in chosen(names):
            one = search(f"{KERNEL}{tree}", seed, seconds, Path(out))
            if suite:
                one.suite = compare(tree, seed, suite_seconds)
            found.append(one)
            console.print(f"{seed.name}: {_told(one)}", markup=False)
    except (KernelBuildError, PortError) as error:
        print(error, file=sys.stderr)
        sys.exit(BAD_INPUT)
    console.print(_seed_table(found))
    if json_file is not None:
        import json

        json_file.write_text(json.dumps([one.as_json() for one in found], indent=1) + "\n")
    sys.exit(0 if all(one.confirmed for one in found) else MISSED)


def _told(one: Found) -> str:
    words = (
        f"{one.sort}, {one.steps} steps, {one.seconds:.1f} s"
        if one.case
        else f"missed in {one.seconds:.0f} s"
    )
    return f"{words}; the kernel's suite: {one.suite}" if one.suite else words


def _seed_table(found: list[Found]) -> Table:
    from rich.table import Table

    table = Table("seed", "function", "found as")
    for heading in ("steps", "operations", "seconds", "kernel's suite"):
        table.add_column(heading, justify="right")
    for one in found:
        row = (str(one.steps), f"{one.operations:,}", f"{one.seconds:.1f}", str(one.suite or ""))
        table.add_row(one.seed.name, one.seed.function, one.sort or "missed", *row)
    return table


def _line(built: Build) -> str:
    return f"Linux {built.version}, {built.variant}: lacks {_lacks(built)}"


def _lacks(built: Build) -> str:
    return ", ".join(built.lacks) or "nothing"
