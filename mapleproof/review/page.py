"""A review as a page: the answer, the mail, and each case with its picture."""

from __future__ import annotations

from html import escape

from mapleproof.review.beside import Ratio, ratio
from mapleproof.review.forks import LANE
from mapleproof.review.letter import answer, letter
from mapleproof.review.result import Review, Step
from mapleproof.review.sides import News, port_of
from mapleproof.show.run_page import RunPage


def review_page(done: Review, good: bool) -> str:
    """The page of a `mapleproof review`, made while the folders of both sides are there."""
    made = RunPage()
    made.parts.append(f"<pre>{escape(letter(done))}</pre>")
    for step in done.steps:
        made.title(f"{step.side.name} {step.side.subject}")
        _step(made, step, done.own)
    about = [f"on top of {done.base.name}", f"{done.subject} {done.version}".strip()]
    about += [f"{done.seconds:.0f} s", f"seed {done.seed}"]
    return made.written(f"review: {answer(done)}", good, [", ".join(about)])


def _step(made: RunPage, step: Step, own: bool) -> None:
    made.table(("what", ""), [row for row in _about(step) if row[1]])
    for kind in (News.BROKEN, News.MENDED):
        for shown in step.shown(kind):
            # What is mended fails on the side before, a guest is gone, and so is another state of our own
            # sources: the words of the run tell it
            there = kind is News.BROKEN and shown.lane != LANE and not own and shown.case is not None
            case = str(shown.case) if there else None
            made.failure(f"{kind.value}: {shown.sort}", shown.told, case, port_of(step.side), None)
    if step.beside is not None and step.beside.behaviours:
        rows = [(one.operation, one.before, one.after) for one in step.beside.behaviours.values()]
        made.table(("right answers that differ", "before", "now"), rows)
    if step.mistakes:
        words = {True: "noticed", False: "not noticed", None: "no difference"}
        rows = [(str(one), words[one.noticed], "") for one in step.mistakes]
        made.table(("one-line mistake in an added line", "", ""), rows)


def _about(step: Step) -> list[tuple[str, str]]:
    costs: list[tuple[str, Ratio | None]] = []
    if step.beside is not None:
        costs = [
            ("nodes allocated, after by before", ratio(step.beside.nodes)),
            (f"{step.beside.counted}, after by before", ratio(step.beside.instructions)),
        ]
    return [
        (step.stops, step.unbuilt),
        ("touches", ", ".join(step.touched)),
        ("reached from", ", ".join(sorted({name for change in step.changes for name in change.reached_by}))),
        ("what the machine does", "the same" if step.same_machine else ""),
        *((f"not run: {part}", why) for part, why in step.open.items()),
        ("failed forks", "" if step.forks is None else f"{step.forks.failed:,}"),
        ("fails as before", ", ".join(dict.fromkeys(one.sort for one in step.shown(News.BOTH)))),
        *((name, str(cost)) for name, cost in costs if cost is not None),
    ]
