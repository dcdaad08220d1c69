"""`mapleproof replay`: case files, carried out."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mapleproof.cli import status
from mapleproof.cli.kernel import kernel_variant, port_of
from mapleproof.cli.values import (
    Once,
    Seconds,
    bisect_option,
    complete_case,
    complete_port,
    json_option,
    junit_option,
    level_option,
    seeded_option,
)

if TYPE_CHECKING:
    from rich.console import Console

    from mapleproof.cli.outcome import Item
    from mapleproof.props.common.answers import Level


THREADS_SECONDS = 10.0
"""How long a case runs with threads, unless told otherwise."""


@dataclass(frozen=True, slots=True)
class Call:
    """What a user asks for, option by option; see the help of each."""

    cases: tuple[Path, ...]
    port_name: str
    sanitize: str
    debug: bool
    level: Level
    seeded: str | None
    threads: bool
    seconds: float | None
    json_file: Path | None
    junit_file: Path | None
    bisect: bool


@click.command("replay")
@click.argument(
    "cases",
    nargs=-1,
    required=True,
    metavar="CASE...",
    type=click.Path(path_type=Path),
    shell_complete=complete_case,
)
@click.option(
    "--port",
    "port_name",
    cls=Once,
    default="impl",
    metavar="impl|model|kernel:PATH|live|booted:PATH",
    show_default=True,
    shell_complete=complete_port,
    help="Who carries the cases out: our tree, the reference, the C tree in a kernel's sources, or the"
    " running kernel (address spaces only).",
)
@kernel_variant
@level_option
@seeded_option
@click.option(
    "--threads",
    is_flag=True,
    help="Run a case of a reader beside a writer with a thread for each, again and again, on a C tree.",
)
@click.option(
    "--seconds",
    type=Seconds(open_end=True),
    show_default=f"{THREADS_SECONDS:g}",
    help="For --threads: how long each case.",
)
@json_option
@junit_option
@bisect_option
def replay_command(**given: Any) -> None:
    """Carry out case files, and tell where an answer is not the one in the file.

    With --threads a case is confirmed where its failure is met by two threads of this machine, and how often
    is told; where it is not met, there is no answer: it may take longer, or other hardware.

    Exit status: 0 all answers are as expected; 1 one is not; 2 bad usage, a file that is no case, or a port
    that cannot be had here; 3 a port lacks an operation that a case needs, or threads met nothing; 70 the
    suite itself went wrong; 125 with --bisect, where there is no verdict; 130 interrupted.
    """
    call = Call(**{field.name: given[field.name] for field in fields(Call)})
    if call.seconds is not None and not call.threads:
        raise click.UsageError("--seconds is for --threads")
    sys.exit(_replay(call))


def _replay(call: Call) -> int:
    from mapleproof.cli.junit import junit
    from mapleproof.cli.known_seeds import UnknownSeed, known_seed
    from mapleproof.cli.outcome import Item, Outcome, State, counted, sentence
    from mapleproof.cli.screen import say, screen
    from mapleproof.cli.targets import STANDARD_OUTPUT, TargetError, try_file, write_file, write_json
    from mapleproof.props.common.lines import CaseError
    from mapleproof.props.common.planting import planted
    from mapleproof.props.common.port import Lacking, PortError
    from mapleproof.props.job.choose_port import require_port

    console = screen(stderr=call.json_file == STANDARD_OUTPUT)
    outcome = Outcome()
    steps = 0
    try:
        for target in (call.json_file, call.junit_file):
            try_file(target)
        port, seeded = port_of(call.port_name, call.sanitize, call.debug, call.seeded)
        require_port(port)
        with planted(known_seed(seeded)) if seeded else nullcontext():
            for path in call.cases:
                try:
                    if call.threads:
                        item, done = _with_threads(console, path, port, call.seconds)
                    else:
                        item, done = _replay_one(console, path, port, call.level)
                except Lacking as lacking:
                    say(console, f"{path}: {lacking}")
                    item, done = Item(str(path), str(path), State.OPEN, "", str(lacking), str(lacking)), 0
                outcome.items.append(item)
                steps += done
    except (CaseError, PortError, UnknownSeed, TargetError) as error:
        print(error, file=sys.stderr)
        return status.BAD_INPUT
    except KeyboardInterrupt:
        outcome.interrupted = True
    try:
        figures = {"status": outcome.status, "port": port, "cases": list(_figures(outcome.items))}
        write_json(call.json_file, "replay", figures)
        if call.junit_file is not None:
            write_file(call.junit_file, junit(outcome, "replay"))
    except TargetError as error:
        outcome.unwritten = str(error)
    over = f"{counted(steps, 'step')} of {counted(len(outcome.items), 'case')} on {port}"
    say(console, sentence(outcome, over))
    return outcome.status


def _figures(items: Iterable[Item]) -> Iterable[dict[str, str]]:
    return ({"case": item.name, "state": item.state.value, "what": item.reason} for item in items)


def _with_threads(console: Console, path: Path, port: str, seconds: float | None) -> tuple[Item, int]:
    """Run one case with threads and print what came of it: as an item, and how many steps it has."""
    from mapleproof.cli.outcome import Item, State
    from mapleproof.cli.screen import say
    from mapleproof.props.job.replay import replay_with_threads
    from mapleproof.props.maple.subject import MAPLE_TREE

    result = replay_with_threads(path, port, THREADS_SECONDS if seconds is None else seconds)
    name, over = str(path), f"{result.came.runs:,} runs"
    if result.difference is None:
        told = f"not met in {result.came}: no answer"
        say(console, f"{path}: {told}")
        return Item(name, name, State.OPEN, over, told, told), result.steps
    lines = MAPLE_TREE.explain(result.difference, name)
    for line in lines:
        say(console, line)
    reason = lines[0].removeprefix(f"{path}: ")
    return Item(name, name, State.BROKEN, over, reason, reason, tuple(lines)), result.steps


def _replay_one(console: Console, path: Path, port_name: str, level: Level) -> tuple[Item, int]:
    """Replay one case file and print what came of it: as an item, and how many steps it has."""
    from mapleproof.cli.outcome import Item, State
    from mapleproof.cli.screen import say
    from mapleproof.props.job.replay import replay_file
    from mapleproof.props.job.subjects import open_case

    result = replay_file(path, port_name, level)
    told: list[str] = []
    if result.difference is not None:
        told = open_case(path).header.subject.explain(result.difference, str(path), result.held)
    name = str(path)
    if result.difference is None:
        say(console, f"{path}: {result.steps} steps, as expected")
        return Item(name, name, State.HOLDS, f"{result.steps} steps"), result.steps
    for line in told:
        say(console, line)
    reason = told[0].removeprefix(f"{path}: ")
    return Item(name, name, State.BROKEN, f"{result.steps} steps", reason, reason, tuple(told)), result.steps
