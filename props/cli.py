"""The `mapleproof` command.

Exit status: 0 all holds; 1 a difference or a broken invariant; 2 bad usage or bad input.

What a command needs is imported when it runs, so that help and completion in a shell are there at once.
"""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from proofs.command import prove
from props.bench.cli import bench
from props.cli_campaign import campaign
from props.cli_completion import completion
from props.cli_kernel import kernel, kernel_variant, port_of, seeds_of
from props.cli_show import show
from props.cli_values import (
    LateChoice,
    LateDefault,
    complete_any_file,
    complete_case,
    complete_port,
    complete_seed,
    lane_names,
    level_option,
    most_failures,
    out_option,
    recovery_names,
    seeded_option,
)

if TYPE_CHECKING:
    from rich.console import Console

    from props.ops.answers import Level

DIFFERS = 1
BAD_INPUT = 2


@click.group(context_settings={"max_content_width": 110})
@click.version_option(package_name="mapleproof")
def main() -> None:
    """Test maple trees, and what fork does with them, against a reference model.

    Exit status: 0 all holds; 1 a difference, a broken invariant or a claim that is not true; 2 bad usage or
    bad input, told in one line; 3 a proof that came to no end.
    """


main.add_command(kernel)
main.add_command(prove)
main.add_command(bench)
main.add_command(show)
main.add_command(campaign)
main.add_command(completion)


@main.command("replay")
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
    default="impl",
    metavar="impl|model|kernel:PATH|live",
    show_default=True,
    shell_complete=complete_port,
    help="Who carries the cases out: our tree, the reference, the C tree in a kernel's sources, or the"
    " running kernel (address spaces only).",
)
@kernel_variant
@level_option
@seeded_option
def replay_command(
    cases: tuple[Path, ...], port_name: str, sanitize: str, debug: bool, level: str, seeded: str | None
) -> None:
    """Carry out case files, and tell where an answer is not the one in the file.

    Exit status: 0 all answers are as expected; 1 one is not; 2 bad usage, a file that is no case, or a port
    that cannot be had here.
    """
    from rich.console import Console

    from props.cases.lines import CaseError
    from props.choose_port import PortError, choose_port
    from props.seeded.planting import UnknownSeed, known_seed
    from props.seeded.seeding import planted

    console = Console(highlight=False, soft_wrap=True, markup=False)
    try:
        port_name, seeded = port_of(port_name, sanitize, debug, seeded)
        choose_port(port_name)
        differs = False
        with planted(known_seed(seeded)) if seeded else nullcontext():
            for path in cases:
                differs |= _replay_one(console, path, port_name, cast("Level", level))
    except (CaseError, PortError, UnknownSeed) as error:
        print(error, file=sys.stderr)
        sys.exit(BAD_INPUT)
    sys.exit(DIFFERS if differs else 0)


@main.command("check")
@click.option(
    "--seconds", type=click.FloatRange(min=0), default=60.0, show_default=True, help="How long to look."
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 256),
    default=os.cpu_count() or 1,
    show_default="the processors",
    help="Processes to run at the same time.",
)
@click.option(
    "--seed", type=click.IntRange(0, 2**63), default=0, show_default=True, help="Decides what each unit does."
)
@click.option(
    "--port",
    "port_name",
    default="impl",
    metavar="impl|kernel:PATH|live",
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
    " all processes that can be read]",
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
@click.option(
    "--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write every figure."
)
@click.option(
    "--failures",
    cls=LateDefault,
    type=click.IntRange(1),
    default=most_failures,
    show_default=True,
    help="End early with so many sorts of failure: they differ in kind, operation or place.",
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
def check_command(
    seconds: float,
    jobs: int,
    seed: int,
    port_name: str,
    sanitize: str,
    debug: bool,
    avoid_known: bool,
    maps: tuple[str, ...],
    lanes: tuple[str, ...],
    out: str,
    seeded: str | None,
    recoveries: tuple[str, ...],
    json_file: Path | None,
    failures: int,
    report: Path | None,
    bench_files: tuple[Path, ...],
    as_ktap: bool,
    proofs: bool | None,
) -> None:
    """The main job: model and port side by side, in every way there is, until the time is up.

    Ends with a table of what was run, and one of the recoveries of a fork that fails, by promise. What
    differs is written as a case, and the command that replays it is printed. The recoveries of the past have
    flaws that are known: these count only where --recovery names one.

    Exit status: 0 nothing differs; 1 something does, a promise is broken by the recovery that is meant to be
    right or by one that --recovery names, or a claim is not true; 2 bad usage or bad input; 3 a proof came to
    no end.
    """
    from impl.mm.recovery import MEANT_TO_BE_RIGHT
    from props.check import Options, run
    from props.check_view import View, event_lines, ktap, result_data, table, wide_console
    from props.choose_port import PortError, choose_port
    from props.fork.units import NAMES, real_spaces
    from props.fork.view import verdict_lines, verdict_table
    from props.lanes.maps import MapsError, load_space, running_processes, running_spaces
    from props.seeded.planting import UnknownSeed, known_seed
    from props.units import LANES

    console = wide_console()
    if seeded == "list":
        for name, what in seeds_of(port_name):
            console.print(f"{name:42} {what}", markup=False, highlight=False)
        return
    try:
        port_name, seeded = port_of(port_name, sanitize, debug, seeded)
        if seeded is not None and known_seed(seeded).lane in NAMES and not recoveries:
            recoveries = (known_seed(seeded).lane,)
        choose_port(port_name)
        spaces = tuple(load_space(argument) for argument in maps) or tuple(running_spaces())
        pids = (
            tuple(int(argument) for argument in maps if argument.isdecimal()) if maps else running_processes()
        )
    except (PortError, MapsError, UnknownSeed) as error:
        print(error, file=sys.stderr)
        sys.exit(BAD_INPUT)
    if proofs is None:
        proofs = not (lanes or recoveries or seeded or as_ktap or port_name != "impl")
    lanes = lanes or (("fork",) if recoveries else tuple(LANES))
    vmas = tuple(tuple(space) for _, space in real_spaces(pids)) if "fork" in lanes else ()
    judged = recoveries or NAMES
    options = Options(seconds, jobs, seed, port_name, out, seeded, spaces, lanes, judged, vmas)
    options.most_failures, options.careful = failures, avoid_known
    view = View(console, quiet=as_ktap)
    with view.progress(options):
        result = run(options, view.tell)
    if json_file is not None:
        import json

        json_file.write_text(json.dumps(result_data(options, result), indent=1) + "\n")
    if report is not None:
        from props.show.page import write_page
        from props.show.run_page import check_page

        write_page(report, check_page(options, result, recoveries or (MEANT_TO_BE_RIGHT,), bench_files))
    if as_ktap:
        print("\n".join(ktap(result)))
    else:
        console.print(table(result))
        for line in event_lines(result):
            console.print(line, markup=False, highlight=False)
        if result.verdicts:
            console.print(verdict_table(result.verdicts))
            for line in verdict_lines(result.verdicts, seeded):
                console.print(line, markup=False, highlight=False)
        for done in result.failures:
            console.print(f"{done.failure}: {done.told[-1]}", markup=False, highlight=False)
    broken = result.broken(recoveries or (MEANT_TO_BE_RIGHT,))
    status = DIFFERS if result.failures or broken else 0
    if proofs:
        from proofs.prove import main as prove_all

        proved = prove_all(jobs=jobs)
        status = DIFFERS if DIFFERS in (status, proved) else proved
    sys.exit(status)


def _replay_one(console: Console, path: Path, port_name: str, level: Level) -> bool:
    """Replay one case file; whether it differs."""
    from props.cases.files import CaseReader
    from props.cases.replay_file import replay_file
    from props.cases.report import explain
    from props.choose_port import choose_port
    from props.fork.report import print_space_case
    from props.ops.subjects import ADDRESS_SPACE

    make_port = choose_port(port_name)
    if CaseReader(path).header.subject is ADDRESS_SPACE:
        return print_space_case(console, path, port_name)
    result, held = replay_file(path, make_port, level)
    if result.difference is None:
        console.print(f"{path}: {result.steps} steps, as expected")
        return False
    for line in explain(result.difference, str(path), held):
        console.print(line)
    return True
