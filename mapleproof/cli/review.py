"""`mapleproof review`: what a change breaks, mends, alters and costs."""

from __future__ import annotations

import os
import secrets
import sys
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mapleproof.cli import status
from mapleproof.cli.values import (
    Seconds,
    bisect_option,
    complete_any_file,
    json_option,
    junit_option,
    out_option,
)

if TYPE_CHECKING:
    from mapleproof.cli.outcome import Outcome
    from mapleproof.review.result import Review

SEEDS = 1 << 31
"""A seed that is drawn is below this: a person can type it."""


@dataclass(frozen=True, slots=True)
class Call:
    """What a user asks for, option by option; see the help of each."""

    what: tuple[str, ...]
    tree: Path
    patches: tuple[Path, ...]
    seconds: float
    jobs: int
    seed: int | None
    out: str
    boot: bool
    prove: bool
    report: Path | None
    mail: Path | None
    json_file: Path | None
    junit_file: Path | None
    bisect: bool


@click.command("review")
@click.argument("what", nargs=-1, metavar="[BASE..HEAD | BEFORE AFTER]")
@click.option(
    "--tree",
    type=click.Path(path_type=Path, file_okay=False),
    default=".",
    show_default=True,
    help="The git tree, a kernel's or this project's own, or a folder of its sources for --patch.",
)
@click.option(
    "--patch",
    "patches",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    shell_complete=complete_any_file,
    help="A mailbox of patches, as b4 writes it, or a patch, on top of the tree. Repeatable.",
)
@click.option(
    "--for", "seconds", type=Seconds(), default=240, show_default=True, help="How long to look, builds aside."
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 256),
    default=lambda: len(os.sched_getaffinity(0)),
    help="Processes to run at the same time.",
)
@click.option("--seed", type=click.IntRange(0), help="Decides what is done on both sides.  [default: drawn]")
@click.option(
    "--boot/--no-boot",
    default=True,
    show_default=True,
    help="Where fork or page tables are touched, boot both sides (User Mode Linux) and fail their forks.",
)
@click.option(
    "--prove/--no-prove",
    default=True,
    show_default=True,
    help="Where there are claims about the C that is touched, prove them on both sides.",
)
@out_option
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the review as a page, with pictures of the cases.",
)
@click.option(
    "--mail",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the mail alone, to be sent as an answer.",
)
@json_option
@junit_option
@bisect_option
def review_command(**given: Any) -> None:
    """Say what a change to the maple tree breaks, mends, alters and costs: a range of commits, patches, or
    the second of two folders. Without any of these it is the commits of this branch that its upstream lacks.
    In a checkout of this project it is a change of its own tree and fork.

    Each commit is built and held against what it follows, with the same seeds and cases; nothing in the tree
    or its repository is changed. What fails on both sides is no news.

    Exit status: 0 nothing is broken by it; 1 something is, or a commit does not build; 2 bad usage, or a
    change that is not to be had; 3 a part could not be judged; 70 the suite itself went wrong; 125 with
    --bisect, where there is no verdict; 130 interrupted.
    """
    call = Call(**{field.name: given[field.name] for field in fields(Call)})
    sys.exit(_review(call))


def _review(call: Call) -> int:
    from mapleproof.cli.junit import junit
    from mapleproof.cli.outermost import keep_traceback
    from mapleproof.cli.screen import say, screen
    from mapleproof.cli.targets import (
        STANDARD_OUTPUT,
        TargetError,
        try_file,
        try_folder,
        write_file,
        write_json,
    )
    from mapleproof.impl.kernel.errors import KernelBuildError
    from mapleproof.review.gitwork import ReviewError
    from mapleproof.review.letter import answer, letter
    from mapleproof.review.own import review_own
    from mapleproof.review.page import review_page
    from mapleproof.review.review import review
    from mapleproof.review.trees import OWN, series

    if call.patches and call.what:
        raise click.UsageError("--patch stands instead of a range")
    if len(call.what) > 2:
        raise click.UsageError("a range BASE..HEAD, or two folders")
    console = screen(stderr=call.json_file == STANDARD_OUTPUT)
    seed = secrets.randbelow(SEEDS) if call.seed is None else call.seed
    try:
        for path in (call.json_file, call.junit_file, call.report, call.mail):
            try_file(path)
        if trouble := try_folder(Path(call.out)):
            print(f"{trouble}; cases go to a temporary folder", file=sys.stderr)
        with series(call.tree, call.what, call.patches) as changes:
            say(console, f"seed {seed}")
            given = (changes, call.seconds, call.jobs, seed, Path(call.out))
            tell = partial(say, console)
            if changes.subject is OWN:
                done = review_own(*given, tell, proves=call.prove)
            else:
                done = review(*given, tell, boots=call.boot, proves=call.prove)
            outcome = _outcome(done, call.tree)
            page = b"" if call.report is None else review_page(done, outcome.status == status.HOLDS).encode()
    except (ReviewError, KernelBuildError, TargetError) as error:
        print(error, file=sys.stderr)
        return status.BAD_INPUT
    if done.suite:
        print(keep_traceback(done.suite), file=sys.stderr)
    say(console, "")
    for line in letter(done).splitlines():
        say(console, line)
    try:
        write_json(call.json_file, "review", _figures(done, outcome))
        if call.junit_file is not None:
            write_file(call.junit_file, junit(outcome, "review"))
        if call.report is not None:
            write_file(call.report, page)
        if call.mail is not None:
            write_file(call.mail, letter(done).encode())
    except TargetError as error:
        outcome.unwritten = str(error)
        say(console, f"not written: {error}")
    for item in outcome.items:
        for command in item.commands:
            say(console, command)
    say(console, answer(done))
    return outcome.status


def _outcome(done: Review, tree: Path) -> Outcome:
    from mapleproof.cli.outcome import Item, Outcome, State
    from mapleproof.props.common.found import replay_command
    from mapleproof.review.forks import port_for
    from mapleproof.review.sides import News

    outcome = Outcome(interrupted=done.interrupted, seconds=done.seconds)
    for step in done.steps:
        name = step.side.name
        if step.unbuilt:
            what = f"{name} builds and boots" if step.unbooted else f"{name} builds"
            outcome.items.append(Item(name, what, State.BROKEN, reason=step.unbuilt))
        for shown in step.shown(News.BROKEN):
            outcome.items.append(
                Item(
                    name,
                    shown.sort,
                    State.BROKEN,
                    reason=shown.sort,
                    told=shown.told,
                    cases=() if shown.case is None else (str(shown.case),),
                    commands=()
                    if shown.case is None
                    else (replay_command(shown.case, port_for(shown, tree, done.own)),),
                )
            )
        for claim in step.claims:
            if claim.broken:
                outcome.items.append(
                    Item(
                        name, claim.name, State.BROKEN, reason=f"{claim.name} is refuted", told=(claim.told,)
                    )
                )
        outcome.items += [Item(name, part, State.OPEN, reason=why) for part, why in step.open.items()]
        if not step.unbuilt and not step.breaks:
            outcome.items.append(Item(name, f"{name} breaks nothing", State.HOLDS))
    if done.suite:
        outcome.items.append(Item("review", "the suite", State.FAILED))
    if not outcome.items:
        outcome.items.append(Item("review", "nothing that is looked at is changed", State.HOLDS))
    return outcome


def _figures(done: Review, outcome: Outcome) -> dict[str, Any]:
    from mapleproof.review.beside import ratio
    from mapleproof.review.letter import answer
    from mapleproof.review.sides import News

    steps = []
    for step in done.steps:
        costs = (
            {}
            if step.beside is None
            else {"nodes": step.beside.nodes, step.beside.counted: step.beside.instructions}
        )
        steps.append(
            {
                "name": step.side.name,
                "subject": step.side.subject,
                "touched": step.touched,
                "same_machine_code": step.same_machine,
                "unbuilt": step.unbuilt,
                "open": step.open,
                "forks": None
                if step.forks is None
                else {
                    "scenarios": step.forks.scenarios,
                    "points": step.forks.points,
                    "failed": step.forks.failed,
                    "same_kernel": step.forks.same,
                },
                "claims": [[one.name, one.before, one.after, one.told] for one in step.claims],
                **{
                    kind.name.lower(): [
                        [one.sort, None if one.case is None else str(one.case)] for one in step.shown(kind)
                    ]
                    for kind in News
                },
                "behaviour": []
                if step.beside is None
                else [str(one) for one in step.beside.behaviours.values()],
                "ratios": {name: str(ratio(pairs)) for name, pairs in costs.items()},
                "mistakes": [[str(one), one.noticed] for one in step.mistakes],
            }
        )
    return {
        "status": outcome.status,
        "answer": answer(done),
        "base": done.base.name,
        "version": done.version,
        "seed": done.seed,
        "seconds": done.seconds,
        "operations": done.operations,
        "steps": steps,
    }
