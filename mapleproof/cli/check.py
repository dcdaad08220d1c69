"""`mapleproof check`: the main job."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mapleproof.cli import status
from mapleproof.cli.kernel import kernel_variant, port_of
from mapleproof.cli.outermost import keep_traceback
from mapleproof.cli.values import (
    LateChoice,
    LateDefault,
    Once,
    Seconds,
    bisect_option,
    complete_any_file,
    complete_port,
    complete_seed,
    json_option,
    junit_option,
    lane_names,
    most_failures,
    out_option,
    recovery_names,
    seeds_of,
)

if TYPE_CHECKING:
    from rich.console import Console

    from mapleproof.cli.check_view import InKtap, Watched
    from mapleproof.cli.outcome import Outcome
    from mapleproof.proofs.engine.claim import Judged
    from mapleproof.props.job.check import Result
    from mapleproof.props.job.options import Options

SEEDS = 1 << 31
"""A seed that is drawn is below this: a person can type it."""


@dataclass(frozen=True, slots=True)
class Call:
    """What a user asks for, option by option; see the help of each."""

    seconds: float
    jobs: int
    seed: int | None
    port_name: str
    sanitize: str
    debug: bool
    avoid_known: bool
    proofs: bool | None
    maps: tuple[str, ...]
    lanes: tuple[str, ...]
    out: str
    seeded: str | None
    recoveries: tuple[str, ...]
    json_file: Path | None
    junit_file: Path | None
    failures: int
    report: Path | None
    bench_files: tuple[Path, ...]
    as_ktap: bool
    verbose: bool
    bisect: bool

    @property
    def proves(self) -> bool:
        """Whether the claims are proved too: where nothing is left out, unless it is said."""
        left_out = self.lanes or self.recoveries or self.seeded or self.as_ktap or self.port_name != "impl"
        return not left_out if self.proofs is None else self.proofs

    def refuse_contradictions(self) -> None:
        """Raises UsageError for options that do not go together."""
        for is_so, told in (
            (self.recoveries and self.lanes and "fork" not in self.lanes, "--recovery is for the lane fork"),
            (self.bench_files and not self.report, "--bench is for --report"),
            (self.as_ktap and self.json_file == Path("-"), "--ktap and --json - both want standard output"),
            (self.as_ktap and self.verbose, "--ktap says all that --verbose does"),
            (self.proofs and self.seeded, "--proofs is about the code as it ships, --seeded changes it"),
            (
                self.maps and self.lanes and not {"spaces", "fork"} & set(self.lanes),
                "--maps is for the lanes spaces and fork",
            ),
            (self.maps and self.port_name == "live", "--maps is not for the port live, which makes its own"),
        ):
            if is_so:
                raise click.UsageError(told)


@click.command("check")
@click.option("--seconds", type=Seconds(), default=60.0, show_default=True, help="How long to look.")
@click.option(
    "--jobs",
    type=click.IntRange(1, 256),
    default=os.cpu_count() or 1,
    show_default="the processors",
    help="Processes to run at the same time.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**63),
    show_default="drawn, and printed",
    help="Decides what each unit does.",
)
@click.option(
    "--port",
    "port_name",
    cls=Once,
    default="impl",
    metavar="impl|kernel:PATH|live|booted:PATH",
    show_default=True,
    shell_complete=complete_port,
    help="Who is checked: our tree and fork, the C tree in a kernel's sources, or the running kernel's fork.",
)
@kernel_variant
@click.option(
    "--avoid-known", is_flag=True, help="Keep away from what docs/findings.md lists for Linux 6.12."
)
@click.option(
    "--proofs/--no-proofs",
    default=None,
    help="Prove all claims afterwards, whatever --seconds says.  [default: where nothing is left out]",
)
@click.option(
    "--maps",
    "maps",
    multiple=True,
    metavar="FILE|PID",
    shell_complete=complete_any_file,
    help="Real address spaces as input: processes, or copies of their /proc/PID/maps; repeatable.  [default:"
    " as many processes as can be read and time allows]",
)
@click.option(
    "--lane",
    "lanes",
    multiple=True,
    type=LateChoice(lane_names),
    help="Run this part of the job alone; repeatable.",
)
@out_option
@click.option(
    "--seeded",
    metavar="NAME",
    shell_complete=complete_seed,
    help="Plant a known mistake, which the run must find; 'list' names those of the port.",
)
@click.option(
    "--recovery",
    "recoveries",
    multiple=True,
    type=LateChoice(recovery_names),
    help="Judge this way to recover from a failed fork alone; repeatable.",
)
@json_option
@junit_option
@click.option(
    "--failures",
    cls=LateDefault,
    type=click.IntRange(1),
    default=most_failures,
    show_default=True,
    help="End early after so many different failures: they differ in kind, operation or place.",
)
@click.option(
    "--report", type=click.Path(dir_okay=False, path_type=Path), help="Write the run as a page with pictures."
)
@click.option(
    "--bench",
    "bench_files",
    multiple=True,
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="For --report: figures (.json) or plots (.png, .svg) that bench wrote; repeatable.",
)
@click.option("--ktap", "as_ktap", is_flag=True, help="Print KTAP, the kernel's format for test results.")
@click.option("-v", "--verbose", is_flag=True, help="Show the known flaws too, each with its smallest case.")
@bisect_option
def check_command(**given: Any) -> None:
    """The main job: model and port side by side, in every way there is, until the time is up.

    It goes in rounds over all that was asked for, what is meant to be right first; the first round is always
    made whole. What differs is written as a case, and the command that replays it is printed. Recoveries of
    the past have flaws that are known: broken as known is no failure, a flaw that is new is one, and so is
    one that does not show. The last line is the verdict.

    Exit status: 0 all that was asked for was done, and holds; 1 something differs, a promise is newly broken
    or held against what is known, or a claim is not true; 2 bad usage or bad input; 3 a part was asked for
    and could not run, or a proof came to no end; 70 the suite itself went wrong; 125 with --bisect, where the
    tree cannot be judged; 130 interrupted.
    """
    call = Call(**{field.name: given[field.name] for field in fields(Call)})
    if call.seeded == "list":
        for name, what in seeds_of(call.port_name):
            click.echo(f"{name:42} {what}")
        return
    call.refuse_contradictions()
    sys.exit(_check(call))


def _check(call: Call) -> int:
    from mapleproof.cli.check_outcome import amount, check_outcome
    from mapleproof.cli.check_view import result_data, show_outcome
    from mapleproof.cli.junit import junit
    from mapleproof.cli.known_seeds import UnknownSeed
    from mapleproof.cli.outcome import State, sentence
    from mapleproof.cli.screen import say, screen
    from mapleproof.cli.targets import (
        STANDARD_OUTPUT,
        TargetError,
        try_file,
        try_folder,
        write_file,
        write_json,
    )
    from mapleproof.props.common.port import PortError
    from mapleproof.props.maple.lanes.maps import MapsError

    console = screen(stderr=call.json_file == STANDARD_OUTPUT)
    try:
        for path in (call.json_file, call.junit_file, call.report):
            try_file(path)
        options = _options(call)
    except (PortError, MapsError, UnknownSeed, TargetError) as error:
        print(error, file=sys.stderr)
        return status.BAD_INPUT
    if trouble := try_folder(Path(options.out)):
        print(f"{trouble}; cases go to a temporary folder", file=sys.stderr)
    if not call.as_ktap:
        say(console, f"seed {options.seed}")
    result, judged, view = _run(call, options, console)
    outcome = check_outcome(options, result, judged)
    over = amount(result, judged)
    for item in outcome.of(State.FAILED):
        print(f"mapleproof itself went wrong in {item.name}: {item.reason}", file=sys.stderr)
    for done in result.failures:
        if done.suite:
            print(keep_traceback(done.suite), file=sys.stderr)
    if call.as_ktap:
        _end_ktap(view, outcome, sentence(outcome, over, options.out))
    else:
        show_outcome(console, outcome, result, call.verbose)
    try:
        write_json(call.json_file, "check", result_data(options, result, outcome))
        if call.junit_file is not None:
            write_file(call.junit_file, junit(outcome, "check"))
        if call.report is not None:
            from mapleproof.show.run_page import check_page

            last = sentence(outcome, over, options.out)
            write_file(call.report, check_page(options, result, outcome, last, call.bench_files).encode())
    except TargetError as error:
        outcome.unwritten = str(error)
    if not call.as_ktap:
        say(console, sentence(outcome, over, options.out))
    elif outcome.unwritten:
        print(outcome.unwritten, file=sys.stderr)
    return outcome.status


def _run(
    call: Call, options: Options, console: Console
) -> tuple[Result, list[Judged], Watched | InKtap | None]:
    """The run, and the proofs after it; both end with what they have where they are interrupted."""
    from mapleproof.cli.check_outcome import planned
    from mapleproof.cli.check_view import InKtap, Watched
    from mapleproof.cli.ktap import Ktap
    from mapleproof.cli.prove_view import prove_and_tell
    from mapleproof.props.job.check import LaneResult, Result, run
    from mapleproof.props.job.options import asked

    parts = asked(options)
    claims: Sequence[str] = ()
    if call.proves:
        from mapleproof.proofs.registry import CLAIMS

        claims = tuple(CLAIMS)
    view: Watched | InKtap
    if call.as_ktap:
        ktap = Ktap(planned(parts) + len(claims), click.echo)
        ktap.note([f"seed {options.seed}"])
        view = InKtap(ktap, Result(parts, {part.lane: LaneResult() for part in parts}))
    else:
        view = Watched(console)
    with view.progress(options) if isinstance(view, Watched) else nullcontext():
        result = run(options, view)
    judged: list[Judged] = []
    if claims and not result.interrupted:
        quiet: Callable[[str], None] | None = (lambda line: None) if call.as_ktap else None
        proved = prove_and_tell(console, claims, options.jobs, say_line=quiet)
        judged, result.interrupted = proved.judged, proved.interrupted
    return result, judged, view


def _end_ktap(view: Watched | InKtap | None, outcome: Outcome, last: str) -> None:
    from mapleproof.cli.check_view import InKtap

    assert isinstance(view, InKtap)
    for item in outcome.items:
        view.ktap.item(item)
    view.ktap.note([last])


def _options(call: Call) -> Options:
    """What the run is to do. Raises PortError, MapsError and UnknownSeed."""
    from mapleproof.cli.known_seeds import known_seed
    from mapleproof.props.job.choose_port import require_port
    from mapleproof.props.job.options import FORK, LIVE, Options
    from mapleproof.props.maple.lanes.maps import load_space, running_processes, running_spaces
    from mapleproof.props.mm.units import NAMES, real_spaces

    port, seeded = port_of(call.port_name, call.sanitize, call.debug, call.seeded)
    if port != LIVE:
        require_port(port)
    recoveries = call.recoveries
    planted = None if seeded is None else known_seed(seeded)
    if planted is not None and planted.lane in NAMES and not recoveries:
        recoveries = (planted.lane,)
    options = Options(call.seconds, call.jobs, port=port, out=call.out, seeded=seeded, planted=planted)
    options.seed = secrets.randbelow(SEEDS) if call.seed is None else call.seed
    options.lanes = call.lanes or ((FORK,) if recoveries else ())
    options.recoveries = recoveries
    options.most_failures, options.careful = call.failures, call.avoid_known
    options.every_space = bool(call.maps)
    options.spaces = tuple(load_space(argument) for argument in call.maps) or tuple(running_spaces())
    if port == "impl" and (not options.lanes or FORK in options.lanes):
        pids = tuple(int(one) for one in call.maps if one.isdecimal()) if call.maps else running_processes()
        options.vmas = tuple(tuple(space) for _, space in real_spaces(pids))
    return options
