"""The `mapleproof` command.

Exit status: 0 all holds; 1 a difference or a broken invariant; 2 bad usage or bad input.
"""

import os
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any, cast, get_args

import click
from rich.console import Console

from props.answers import Level
from props.case import CaseReader
from props.case_lines import CaseError
from props.check import Options, run
from props.check_view import View, event_lines, ktap, table
from props.choose_port import PortError, choose_port
from props.maps import MapsError, load_space, running_spaces
from props.difference import Difference
from props.ports import Port
from props.replay import replay
from props.report import explain
from props.seeding import Seed, planted
from props.seeds import BY_NAME, SEEDS
from props.units import LANES

DIFFERS = 1
BAD_INPUT = 2


@click.group()
@click.version_option(package_name="mapleproof")
def main() -> None:
    """Test maple trees, and what fork does with them, against a reference model."""


@main.command("replay")
@click.argument("cases", nargs=-1, required=True, metavar="CASE...", type=click.Path(path_type=Path))
@click.option("--port", "port_name", default="impl", metavar="impl|model|kernel:PATH", show_default=True)
@click.option("--level", type=click.Choice(get_args(Level)), default="exact", show_default=True)
@click.option("--seeded", metavar="NAME", help="Plant a known mistake first; check --seeded list names them.")
def replay_command(cases: tuple[Path, ...], port_name: str, level: str, seeded: str | None) -> None:
    """Carry out case files, and tell where an answer is not the one in the file."""
    console = Console(highlight=False, soft_wrap=True, markup=False)
    try:
        make_port = choose_port(port_name)
        differs = False
        with planted(_seed(seeded)) if seeded else nullcontext():
            for path in cases:
                differs |= _replay_one(console, path, make_port, cast(Level, level))
    except (CaseError, PortError) as error:
        print(error, file=sys.stderr)
        sys.exit(BAD_INPUT)
    sys.exit(DIFFERS if differs else 0)


@main.command("check")
@click.option("--seconds", type=click.FloatRange(min=0), default=60.0, show_default=True, help="How long.")
@click.option(
    "--jobs",
    type=click.IntRange(1, 256),
    default=os.cpu_count() or 1,
    show_default="the processors",
    help="Processes.",
)
@click.option(
    "--seed", type=click.IntRange(0, 2**63), default=0, show_default=True, help="Decides every unit."
)
@click.option("--port", "port_name", default="impl", metavar="impl|kernel:PATH", show_default=True)
@click.option(
    "--maps",
    "maps",
    multiple=True,
    metavar="FILE|PID",
    help="Real address spaces; default: all that can be read.",
)
@click.option(
    "--lane", "lanes", multiple=True, type=click.Choice(tuple(LANES)), help="Only this part; repeatable."
)
@click.option(
    "--out", default="mapleproof-out", show_default=True, metavar="DIR", help="Where cases are written."
)
@click.option(
    "--seeded", metavar="NAME", help="Plant a known mistake, which the run must find; 'list' names them."
)
@click.option("--ktap", "as_ktap", is_flag=True, help="Print KTAP, the kernel's format for test results.")
def check_command(
    seconds: float,
    jobs: int,
    seed: int,
    port_name: str,
    maps: tuple[str, ...],
    lanes: tuple[str, ...],
    out: str,
    seeded: str | None,
    as_ktap: bool,
) -> None:
    """The main job: model and port side by side, in every way there is, until the time is up."""
    console = Console(soft_wrap=True)
    if seeded == "list":
        for known in SEEDS:
            console.print(f"{known.name:42} {known.what}", markup=False, highlight=False)
        return
    try:
        if seeded is not None:
            _seed(seeded)
        choose_port(port_name)
        spaces = tuple(load_space(argument) for argument in maps) or tuple(running_spaces())
    except (PortError, MapsError) as error:
        print(error, file=sys.stderr)
        sys.exit(BAD_INPUT)
    options = Options(seconds, jobs, seed, port_name, out, seeded, spaces, lanes or tuple(LANES))
    view = View(console, quiet=as_ktap)
    with view.progress(options):
        result = run(options, view.tell)
    if as_ktap:
        print("\n".join(ktap(result)))
    else:
        console.print(table(result))
        for line in event_lines(result):
            console.print(line, markup=False, highlight=False)
        for done in result.failures:
            console.print(f"{done.failure}: {done.told[-1]}", markup=False, highlight=False)
    sys.exit(DIFFERS if result.failures else 0)


def _seed(name: str) -> Seed:
    """The seed of that name."""
    if name not in BY_NAME:
        raise PortError(f"there is no seed {name!r}: mapleproof check --seeded list names them")
    return BY_NAME[name]


def _replay_one(console: Console, path: Path, make_port: Any, level: Level) -> bool:
    """Replay one case file; whether it differs."""
    case = CaseReader(path)
    port = make_port(**case.header.flags)
    held: list[tuple[int, int, int]] = []
    try:
        result = replay(case, port, level)
        if result.difference is not None:
            held = _held(port, result.difference)
    finally:
        port.close()
    if result.difference is None:
        console.print(f"{path}: {result.steps} steps, as expected")
        return False
    for line in explain(result.difference, str(path), held):
        console.print(line)
    return True


def _held(port: Port, difference: Difference) -> list[tuple[int, int, int]]:
    """What the tree holds at the time of a difference, if the port can still tell."""
    try:
        return port.snapshot(difference.op.tree)
    except Exception:
        return []
