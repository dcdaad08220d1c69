"""A review as a mail: plain text of at most sixty lines of 72 columns, the answer first, cases inline."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from mapleproof.review.beside import Beside, ratio
from mapleproof.review.forks import Forks
from mapleproof.review.power import Mistake
from mapleproof.review.proofs import Claimed
from mapleproof.review.result import Review, Step
from mapleproof.review.sides import News, Shown

COLUMNS = 72
LINES = 60
"""The most lines, without the last one that says how many more there would be."""

MOST = 3
"""Cases, behaviours and mistakes of a step that are shown in full; more are counted."""

LINES_OF_CASE = 12


def answer(review: Review) -> str:
    """The answer in one sentence: what the last line of the command says too."""
    broken = sum(step.breaks for step in review.steps)
    mended = sum(step.mends for step in review.steps)
    unbuilt = [
        f"{step.side.name}{' ' if step.stops[:1] == 'd' else ': '}{step.stops}"
        for step in review.steps
        if step.stops
    ]
    failed = sum(step.forks.failed for step in review.steps if step.forks is not None)
    open_parts = sorted({part for step in review.steps for part in step.open})
    words = []
    if review.interrupted:
        words.append(f"interrupted after {review.seconds:.0f} s")
    if unbuilt:
        words.append(f"broken: {', '.join(unbuilt)}")
    if broken:
        words.append(f"broken by the change: {_counted(broken, 'sort of failure', 'sorts of failure')}")
    if mended:
        words.append(f"mended by it: {mended}")
    if review.suite:
        words.append("the suite itself went wrong")
    if open_parts:
        words.append(f"no answer: {', '.join(open_parts)}")
    if not review.steps:
        words.append("no difference: nothing that is looked at here is changed")
        return _sentence(words)
    good = not broken and not unbuilt and not review.interrupted
    if good and failed:
        words.append(f"nothing is broken over {failed:,} forks that fail")
    if review.unchanged:
        told = "its code is the same" if review.own else "to the maple tree: its machine code is the same"
        words.append(f"no difference{':' if review.own else ''} {told}")
    elif good:
        what = (
            "no difference in answers and nodes"
            if all(step.is_alike for step in review.steps)
            else "nothing is broken"
        )
        words.append(f"{what} over {review.operations:,} operations")
    return _sentence(words)


def _sentence(words: Sequence[str]) -> str:
    line = "; ".join(words)
    return line[0].upper() + line[1:] + "."


def letter(review: Review) -> str:
    """The mail's text."""
    lines = [*_wrapped(answer(review)), ""]
    what = f"{review.base.name} ({f'{review.subject} {review.version}'.strip()})"
    changes = _counted(len(review.steps), "change", "changes")
    rest = f", {review.skipped} more touch nothing of it" if review.skipped else ""
    lines += _wrapped(
        f"mapleproof held {changes} of the maple tree and fork on top of {what} against what was there before"
        f"{rest}. {review.seconds:.0f} s, {review.operations:,} operations, seed {review.seed}."
    )
    for step in review.steps:
        short = step.is_alike and len(review.steps) > MOST
        lines += ["", *(_alike(step) if short else _step(step, review.own))]
    if len(lines) > LINES:
        more = len(lines) - LINES
        lines = [*lines[:LINES], f"({more} more lines: mapleproof review --report)"]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _alike(step: Step) -> Iterator[str]:
    """A step of a long series that changes nothing: the others are what is to be read."""
    yield from _wrapped(f"* {step.side.name} {step.side.subject}", "", "  ")
    over = "" if step.beside is None else f" in answers and nodes, {step.beside.operations:,} operations"
    yield f"  no difference{over or ': the same machine code'}"


def _step(step: Step, own: bool) -> Iterator[str]:
    yield from _wrapped(f"* {step.side.name} {step.side.subject}", "", "  ")
    if step.unbuilt:
        yield from _wrapped(f"{step.stops}: {step.unbuilt}", "  ", "  ")
        return
    if step.touched:
        yield from _listed("touches", step.touched)
    reached = sorted({name for change in step.changes for name in change.reached_by})
    if reached:
        yield from _listed("reached from", reached)
    if step.same_machine:
        what = "code, but for names, comments and lines" if own else "machine code of the maple tree"
        yield f"  {what}: the same"
    for part, why in step.open.items():
        yield from _wrapped(f"not run: {part}: {why}", "  ", "    ")
    for kind, word in ((News.BROKEN, "broken"), (News.MENDED, "mended")):
        shown = step.shown(kind)
        for one in shown[:MOST]:
            yield ""
            yield from _case(word, one)
        if len(shown) > MOST:
            yield f"  {len(shown) - MOST} more {word}"
    if both := step.shown(News.BOTH):
        yield from _wrapped(f"as before: {', '.join(dict.fromkeys(one.sort for one in both))}", "  ", "    ")
    if step.forks is not None:
        yield from _forks(step.forks)
    for claim in step.claims:
        yield from _claim(claim)
    if step.beside is not None:
        yield from _beside(step.beside)
    if step.all_mistakes:
        yield from _power(step.mistakes, step.all_mistakes)


def _case(word: str, shown: Shown) -> Iterator[str]:
    yield from _wrapped(f"{word}: {shown.sort}", "  ", "    ")
    told = [line for line in shown.told[1:] if not line.startswith("replay it with")]
    for line in told[:LINES_OF_CASE]:
        yield line if len(line) <= COLUMNS else f"{line[: COLUMNS - 3]}..."


def _claim(claim: Claimed) -> Iterator[str]:
    if claim.before == "not tried":
        yield from _wrapped(f"proofs: {claim.name}: {claim.after}", "  ", "    ")
        return
    if claim.before == claim.after:
        yield from _wrapped(f"proofs: {claim.name}: {claim.after}, as before", "  ", "    ")
        return
    word = "broken" if claim.broken else "mended" if claim.mended else "proofs"
    yield from _wrapped(f"{word}: {claim.name}: {claim.before} before, {claim.after} now", "  ", "    ")
    yield from _wrapped(f"claimed: {claim.sentence}", "    ", "      ")
    if claim.told:
        yield from _wrapped(claim.told, "    ", "      ")


def _forks(forks: Forks) -> Iterator[str]:
    if forks.same:
        yield "  forks: the booted kernel is the same, byte for byte"
        return
    yield from _wrapped(
        f"forks: {forks.failed:,} failed in the booted kernel, {forks.points:,} failure points of "
        f"{_counted(forks.scenarios, 'scenario', 'scenarios')}",
        "  ",
        "    ",
    )


def _beside(found: Beside) -> Iterator[str]:
    behaviours = list(found.behaviours.values())
    if not behaviours and not found.shapes and not found.wrong:
        yield f"  behaviour: the same answers and nodes, {found.operations:,} operations"
    for one in behaviours[:MOST]:
        yield from _wrapped(f"behaviour: {one.operation}: {one.before} before, {one.after} now", "  ", "    ")
    if len(behaviours) > MOST:
        yield f"  {len(behaviours) - MOST} more kinds of answers differ"
    if found.shapes:
        yield f"  shapes: other nodes at the end of {found.shapes} of {found.runs} runs"
    costs = []
    if nodes := ratio(found.nodes):
        costs.append(f"nodes allocated {nodes}")
    if instructions := ratio(found.instructions):
        costs.append(f"{found.counted} {instructions}")
    elif found.why_no_instructions:
        costs.append(f"instructions not counted ({found.why_no_instructions})")
    if costs:
        yield from _wrapped(f"cost, after by before: {'; '.join(costs)}", "  ", "    ")


def _power(mistakes: Sequence[Mistake], of: int) -> Iterator[str]:
    tried = [one for one in mistakes if one.noticed is not None]
    missed = [one for one in tried if not one.noticed]
    same = len(mistakes) - len(tried)
    yield from _wrapped(
        f"power: of {of} one-line mistakes in the added lines {len(mistakes)} were tried; {same} of them "
        "change no code or do not compile; "
        f"{len(tried) - len(missed)} of the other {len(tried)} were noticed",
        "  ",
        "    ",
    )
    for one in missed[:MOST]:
        yield from _wrapped(f"not noticed: {one}", "    ", "      ")
    if len(missed) > MOST:
        yield f"    {len(missed) - MOST} more were not"


def _listed(word: str, names: Sequence[str]) -> Iterator[str]:
    names = list(dict.fromkeys(names))
    shown = ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
    return _wrapped(f"{word}: {shown}", "  ", "    ")


def _wrapped(text: str, first: str = "", later: str | None = None) -> Iterator[str]:
    yield from textwrap.wrap(
        text, COLUMNS, initial_indent=first, subsequent_indent=first if later is None else later
    )


def _counted(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"
