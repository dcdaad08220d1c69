"""`mapleproof kernel`: builds of a kernel's own maple tree, for `--port kernel:PATH`."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from impl.kernel.build import Build, Variant, build, list_builds
from impl.kernel.errors import KernelBuildError
from impl.kernel.seeds import SEEDS
from impl.kernel.source import find, resolve
from props.choose_port import KERNEL, PortError, is_kernel, with_variant
from props.kernel_seeds import Found, chosen, compare, search
from props.seeded.planting import KNOWN

BAD_INPUT = 2
MISSED = 1

sanitize_option = click.option(
    "--sanitize",
    default="",
    metavar="LIST",
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
    if not is_kernel(name):
        if sanitize or debug:
            raise PortError(f"--sanitize and --debug are for the port kernel:PATH, not for {name}")
        return name, seeded
    variant = Variant(sanitize, debug, seeded or "")
    return (name if variant == Variant() else with_variant(name, variant)), None


def seeds_of(port: str) -> Iterator[tuple[str, str]]:
    """Names of the mistakes that can be seeded into what is behind a port, and what each breaks or does."""
    if is_kernel(port):
        yield from ((seed.name, f"{seed.function}(): {seed.promise}, but not with this") for seed in SEEDS)
    else:
        yield from ((seed.name, seed.what) for seed in KNOWN.values())


@click.group()
def kernel() -> None:
    """Build the C maple tree of a kernel's sources in userspace, and list what was built.

    Nothing is written into the kernel's tree, and none of its code is kept with this program: a build lies in
    the user's cache folder.
    """


@kernel.command("build")
@click.argument("path", metavar="PATH")
@kernel_variant
def build_command(path: str, sanitize: str, debug: bool) -> None:
    """Build the tree in PATH: a checkout, an unpacked source package, or its tarball."""
    try:
        built = build(path, Variant(sanitize=sanitize, debug=debug))
    except KernelBuildError as error:
        print(error, file=sys.stderr)
        sys.exit(BAD_INPUT)
    Console(highlight=False, soft_wrap=True).print(_line(built))


@kernel.command("list")
def list_command() -> None:
    """What was built, and what each build can do."""
    table = Table()
    for column in ("Linux", "variant", "lacks", "sources"):
        table.add_column(column)
    for built in list_builds():
        table.add_row(built.version, str(built.variant), _lacks(built), built.source)
    Console(soft_wrap=True).print(table)


@kernel.command("seeds")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--path", metavar="PATH", help="Kernel tree; default: $MAPLEPROOF_KERNEL or Debian's linux-source."
)
@click.option(
    "--seconds", type=click.FloatRange(min=0), default=60.0, show_default=True, help="For each seed."
)
@click.option("--suite", is_flag=True, help="Run the kernel's own userspace suite on each too. Takes long.")
@click.option(
    "--suite-seconds", type=click.FloatRange(min=1), default=600.0, show_default=True, help="For each seed."
)
@click.option(
    "--out", default="mapleproof-out", show_default=True, metavar="DIR", help="Where cases are written."
)
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Every figure.")
def seeds_command(
    names: tuple[str, ...],
    path: str | None,
    seconds: float,
    suite: bool,
    suite_seconds: float,
    out: str,
    json_file: Path | None,
) -> None:
    """Put one-line mistakes into copies of a kernel's tree, and see how soon each is found.

    Exit status 1 where one is not found, or is not confirmed: its case must pass without the mistake.
    """
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
