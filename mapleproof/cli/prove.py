"""`mapleproof prove`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields, replace
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from mapleproof.cli import status
from mapleproof.cli.values import bisect_option, complete_claim, json_option, junit_option, nearest

if TYPE_CHECKING:
    from rich.console import Console

    from mapleproof.cli.outcome import Item
    from mapleproof.proofs.engine.claim import Judged, Wanted
    from mapleproof.proofs.prove import Subject

OUT = "mapleproof-out"
"""Where cases go unless a user says otherwise."""


@dataclass(frozen=True, slots=True)
class Call:
    """What a user asks for, option by option; see the help of each."""

    names: tuple[str, ...]
    kernel: str | None
    list_only: bool
    only_twins: bool
    jobs: int
    json_file: Path | None
    junit_file: Path | None
    out: Path | None
    emit: Path | None
    report: Path | None
    solver: str | None
    bisect: bool


@click.command("prove")
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete_claim)
@click.option(
    "--kernel",
    metavar="PATH|VERSION",
    help="Prove claims about the C of a kernel source tree, or of the version of one that is at hand.",
)
@click.option("--list", "list_only", is_flag=True, help="Name the claims, and prove none.")
@click.option("--twins", "only_twins", is_flag=True, help="Refute the twins alone, and write their cases.")
@click.option(
    "--jobs", type=click.IntRange(1, 256), default=1, show_default=True, help="Processes to run at once."
)
@json_option
@junit_option
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help=f"Where cases are written, those of twins too.  [default: {OUT}, and no twins' unless --twins]",
)
@click.option(
    "--emit",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write each final query there, as SMT-LIB 2.",
)
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the run as a page, with pictures of the cases that are written.",
)
@click.option("--solver", type=click.Choice(("cvc5",)), help="Have it answer each final query again.")
@bisect_option
def prove(**given: Any) -> None:
    """Prove claims about the shipped code, all where none is named, and refute their twins: the same code
    with a real mistake. The last line is the verdict. With --kernel these are claims of the same names about
    the kernel's own functions, as clang compiles them by the tree's make.

    Exit status: 0 all are proved and all their twins refuted; 1 one is not true, a twin is not refuted, or
    the solvers disagree; 2 bad usage, or a tree that does not build; 3 inconclusive, or none is of this
    kernel; 70 the suite itself went wrong; 125 with --bisect, where there is no verdict; 130 interrupted.
    """
    call = Call(**{field.name: given[field.name] for field in fields(Call)})
    sys.exit(_prove(call))


def _prove(call: Call) -> int:
    from mapleproof.cli.screen import say, screen
    from mapleproof.cli.targets import STANDARD_OUTPUT, TargetError, try_file, try_folder

    sentences = _sentences(call)
    for name in call.names:
        if name not in sentences:
            near, about = nearest(name, sentences), " about a kernel" if call.kernel is not None else ""
            raise click.UsageError(f"no claim{about} is called {name!r}{near}; prove --list names them")
    chosen = list(dict.fromkeys(call.names)) or list(sentences)
    console = screen(stderr=call.json_file == STANDARD_OUTPUT)
    if call.list_only:
        for name in chosen:
            say(console, f"{name}: {sentences[name]}")
        return status.HOLDS
    if call.solver is not None and find_spec(call.solver) is None:
        raise click.UsageError(f"{call.solver} is not installed: pip install 'mapleproof[{call.solver}]'")
    try:
        for path in (call.json_file, call.junit_file, call.report):
            try_file(path)
    except TargetError as error:
        raise click.UsageError(str(error)) from None
    for folder in filter(None, (call.out, call.emit)):
        if trouble := try_folder(folder):
            raise click.UsageError(trouble)
    return _prove_chosen(call, chosen, _compiled(call, console), console)


def _sentences(call: Call) -> dict[str, str]:
    """What there is to be proved: names and sentences."""
    if call.kernel is not None:
        from mapleproof.proofs.kernel.registry import PRESENT, SENTENCES

        of = {name: f" Of versions that have {present.function}()." for name, present in PRESENT.items()}
        return {name: sentence + of.get(name, "") for name, sentence in SENTENCES.items()}
    from mapleproof.proofs.registry import CLAIMS

    return {name: claim.sentence for name, claim in CLAIMS.items()}


def _compiled(call: Call, console: Console) -> Subject | None:
    """The kernel that claims are made about, where one is."""
    if call.kernel is None:
        return None
    from mapleproof.cli.screen import say
    from mapleproof.impl.kernel.errors import KernelBuildError
    from mapleproof.proofs.kernel.registry import KernelClaims

    try:
        return KernelClaims.of(call.kernel, lambda line: say(console, line))
    except KernelBuildError as error:
        raise click.UsageError(str(error)) from None


def _prove_chosen(call: Call, chosen: Sequence[str], subject: Subject | None, console: Console) -> int:
    from mapleproof.cli.check_outcome import claim_item
    from mapleproof.cli.junit import junit
    from mapleproof.cli.outcome import Outcome, sentence
    from mapleproof.cli.prove_view import claim_data, prove_and_tell
    from mapleproof.cli.screen import say
    from mapleproof.cli.targets import TargetError, write_file, write_json
    from mapleproof.proofs.engine.claim import Wanted

    twin_cases = call.only_twins or call.out is not None
    wanted = Wanted(not call.only_twins, out=call.out or Path(OUT), twin_cases=twin_cases, emit=call.emit)
    with ExitStack() as stack:
        if call.solver is not None and wanted.emit is None:
            wanted = replace(wanted, emit=Path(stack.enter_context(TemporaryDirectory())))
        proved = prove_and_tell(
            console, chosen, call.jobs, wanted, in_full=bool(call.names) or call.only_twins, subject=subject
        )
        outcome = Outcome([claim_item(one) for one in proved.judged], proved.interrupted)
        if call.solver is not None and not proved.interrupted:
            outcome.items.append(_second_opinion(console, wanted, call.jobs))
    outcome.seconds = sum(one.seconds for one in proved.judged)
    try:
        claims = [claim_data(one) for one in proved.judged]
        figures = {"status": outcome.status, "kernel": call.kernel, "claims": claims}
        write_json(call.json_file, "prove", figures)
        if call.junit_file is not None:
            write_file(call.junit_file, junit(outcome, "prove"))
        if call.report is not None:
            from mapleproof.show.run_page import prove_page

            write_file(call.report, prove_page(proved.judged).encode())
    except TargetError as error:
        outcome.unwritten = str(error)
    say(console, sentence(outcome, _amount(proved.judged, call.only_twins), str(wanted.out)))
    return outcome.status


def _amount(judged: Sequence[Judged], only_twins: bool) -> str:
    from mapleproof.cli.outcome import counted

    twins = sum(one.twins_refuted for one in judged)
    if only_twins:
        return f"{counted(twins, 'twin')}, refuted as must be"
    proved = sum(one.verdict == "proved" for one in judged)
    return f"{counted(proved, 'claim')} proved within bounds, {counted(twins, 'twin')} refuted"


def _second_opinion(console: Console, wanted: Wanted, jobs: int) -> Item:
    """What cvc5 says to all that was emitted."""
    from mapleproof.cli.outcome import Item, State
    from mapleproof.cli.screen import say
    from mapleproof.proofs.prove import second_opinion

    assert wanted.emit is not None
    files = len(list(wanted.emit.glob("*.smt2")))
    opinion = second_opinion(wanted.emit, jobs)
    over = f"cvc5 agrees on {opinion.agrees} of {files} final queries"
    say(console, over)
    told = [f"cvc5 DISAGREES with z3: {path}" for path in opinion.disagrees]
    told += [f"no answer to {path.name}" for path in opinion.unanswered]
    for line in told:
        say(console, line)
    state = State.BROKEN if opinion.disagrees else State.OPEN if opinion.unanswered else State.HOLDS
    return Item("cvc5", "cvc5", state, over, "; ".join(told), "", tuple(told))
