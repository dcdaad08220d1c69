"""A whole run as one page: what was run, the verdicts, and each failure with its picture.

The same for `mapleproof check` and `mapleproof prove`. A failure whose case cannot be carried out here, or
not in time, is told in the words that the run itself printed. Figures and plots of benchmarks are taken from
the files that `mapleproof bench` wrote.
"""

from __future__ import annotations

import base64
import json
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mapleproof.cli import status
from mapleproof.cli.check_outcome import part_item
from mapleproof.cli.outcome import Outcome, State
from mapleproof.cli.recovery_table import WORDS, cells_of
from mapleproof.impl.mm.promises import PROMISES
from mapleproof.props.common.guard import WALL, OutOfTime, budget
from mapleproof.props.job.options import known_flaws
from mapleproof.show.carry_out import picture_of_file
from mapleproof.show.page import header, page
from mapleproof.show.picture import as_data

if TYPE_CHECKING:
    from mapleproof.proofs.engine.claim import Judged
    from mapleproof.props.job.check import Options, Result

PATIENCE = 20.0
"""Seconds that a case may take to be carried out for its picture."""

MOST_FIGURES = 400
"""Rows of a benchmark's figures."""

IMAGES = {".png": "image/png", ".svg": "image/svg+xml"}


@dataclass(slots=True)
class RunPage:
    """The page of a run under way: markup, and the data of its pictures."""

    parts: list[str] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)

    def title(self, text: str) -> None:
        self.parts.append(f"<h2>{escape(text)}</h2>")

    def text(self, text: str) -> None:
        self.parts.append(f"<p>{escape(text)}</p>")

    def table(
        self, headings: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[int] = ()
    ) -> None:
        """A table; ``numbers`` are columns of numbers. A cell that says "broken" and the like stands out."""

        def cell(at: int, text: str, name: str) -> str:
            kinds = [kind for kind, there in (("number", at in numbers), ("bad", text in BAD)) if there]
            css = f' class="{" ".join(kinds)}"' if kinds else ""
            return f"<{name}{css}>{escape(text)}</{name}>"

        head = "".join(cell(at, text, "th") for at, text in enumerate(headings))
        body = "".join(
            "<tr>" + "".join(cell(at, text, "td") for at, text in enumerate(row)) + "</tr>" for row in rows
        )
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        self.parts.append(f'<div class="scroll">{table}</div>')

    def failure(
        self, title: str, told: Sequence[str], case: str | None, port: str, seeded: str | None
    ) -> None:
        """One failure, closed until it is asked for."""
        number = len(self.data) + 1
        inside = f"<pre>{escape(chr(10).join(told))}</pre>"
        if case is not None:
            try:
                with budget(PATIENCE, WALL):
                    self.data[f"data{number}"] = as_data(picture_of_file(Path(case), port, "exact", seeded))
                inside = f'<div class="viewer" id="failure{number}" data-from="data{number}"></div>'
            except (Exception, OutOfTime) as error:  # the page is written whatever a case does
                inside += f"<p>{escape(f'No picture: {error}'[:300])}</p>"
        self.parts.append(f"<details><summary>{escape(title)}</summary>{inside}</details>")

    def written(self, title: str, good: bool, about: Sequence[str]) -> str:
        body = header(title, good, about) + f'<main class="run">{"".join(self.parts)}</main>'
        return page(title, body, self.data)


BAD = frozenset(
    {"broken", "differs", "refuted", "void", "inconclusive", "not met", "no answer", "NOT refuted"}
)


def check_page(
    options: Options, result: Result, outcome: Outcome, verdict: str, bench: Sequence[Path] = ()
) -> str:
    """The page of a `mapleproof check`. ``verdict`` is the last line of the run."""
    made = RunPage()
    made.text(verdict)
    for title, failures in (("Failures", _failures), ("Broken promises", _broken)):
        found = list(failures(options, result))
        if found:
            made.title(f"{title}: {len(found)}")
        for failure in found:
            made.failure(*failure)
    left = outcome.of(State.OPEN)
    if left:
        made.title("Asked for and not done")
        made.table(("what", "why"), [(item.name, item.reason) for item in left])
    made.title("What was run")
    made.table(
        ("part", "units", "operations", "failures", "verdict"), list(_lanes(result)), numbers=(1, 2, 3)
    )
    cells = cells_of(outcome.items)
    if cells:
        made.title("Recoveries of a fork that fails, by promise")
        made.table(
            ("recovery", *PROMISES),
            [[name, *(WORDS[row[promise].state] for promise in PROMISES)] for name, row in cells.items()],
        )
    known = list(_known(options, result))
    if known:
        made.title(f"Flaws that are known: {len(known)}")
    for failure in known:
        made.failure(*failure)
    _benchmarks(made, bench)
    if result.events:
        made.title("Events reached")
        missing = dict.fromkeys(result.missing_events(), "not met")
        met = {name: f"{count:,}" for name, count in sorted(result.events.items()) if name not in missing}
        made.table(("event", "times"), list((met | missing).items()), numbers=(1,))
    about = f"seed {options.seed}, port {options.port}, {result.seconds:.0f} s, {options.jobs} processes"
    if options.seeded:
        about += f", planted mistake {options.seeded}"
    bad = len(outcome.of(State.BROKEN, State.MENDED, State.FAILED))
    heading = f"check: {bad} failures" if bad else HEADINGS.get(outcome.status, "check: no answer")
    return made.written(heading, outcome.status == status.HOLDS, [about])


HEADINGS = {status.HOLDS: "check: all holds", status.INTERRUPTED: "check: interrupted"}


def _lanes(result: Result) -> Iterator[tuple[str, ...]]:
    for part in result.parts:
        lane, item = result.lanes[part.lane], part_item(part, result)
        words = {State.HOLDS: "agrees", State.BROKEN: "differs"}.get(item.state, item.reason)
        yield part.name, f"{lane.units:,}", f"{lane.operations:,}", str(len(lane.failures)), words


Failure = tuple[str, Sequence[str], str | None, str, str | None]
"""Its title, what was told, its case, the port, the mistake that was planted."""


def _failures(options: Options, result: Result) -> Iterator[Failure]:
    for done in result.failures:
        yield f"{done.failure} ({done.lane})", done.told, done.case, options.port, options.seeded


def _broken(options: Options, result: Result, known: bool = False) -> Iterator[Failure]:
    for verdict in result.verdicts:
        if not verdict.holds and known == (verdict.promise in known_flaws(verdict.recovery)):
            title = f"{verdict.recovery}: {verdict.promise}: {verdict.what}"
            case = None if verdict.case_path is None else str(verdict.case_path)
            yield title, [verdict.what], case, "impl", options.seeded


def _known(options: Options, result: Result) -> Iterator[Failure]:
    return _broken(options, result, known=True)


def prove_page(judged: Sequence[Judged]) -> str:
    """The page of a `mapleproof prove`."""
    made = RunPage()
    made.title("Claims")
    rows = [
        (
            one.claim.name,
            one.claim.bounds,
            one.verdict,
            f"{one.paths:,}",
            f"{one.queries:,}",
            f"{one.seconds:.1f}",
            f"{one.twins_refuted} of {len(one.claim.twins)}",
        )
        for one in judged
    ]
    headings = ("claim", "bounds", "verdict", "paths", "queries", "seconds", "twins refuted")
    made.table(headings, rows, numbers=(3, 4, 5, 6))
    for one in judged:
        if one.refutation is not None:
            case, seeded = _case_of(one.command)
            told = [one.claim.sentence, str(one.refutation)]
            made.failure(f"{one.claim.name} is refuted: {one.refutation}", told, case, "impl", seeded)
    for one in judged:
        made.title(one.claim.name)
        made.text(one.claim.sentence)
        made.table(
            ("what", ""),
            [("formula", one.claim.formula), ("executes", ", ".join(one.claim.executes))]
            + [("unknown", unknown) for unknown in one.unknown]
            + [(one.verdict, absent) for absent in filter(None, [one.claim.absent])],
        )
        for twin in one.claim.twins:
            found = one.twins.get(twin.name)
            shown = one.cases.get(twin.name)
            case, seeded = _case_of("" if shown is None else shown.command)
            told = [str(found)] + ([] if shown is None else [str(shown)])
            verdict = "refuted, as it must be" if one.is_refuted(twin) else "NOT refuted"
            made.failure(f"twin {twin.name}: {verdict}", told, case, "impl", seeded)
    proved = sum(one.verdict == "proved" for one in judged)
    tried = [one for one in judged if not one.claim.absent]
    good = proved == len(tried) > 0
    seconds = sum(one.seconds for one in judged)
    about = f"{sum(one.queries for one in judged):,} questions to the solver, {seconds:.1f} s of work"
    if tried and all(one.verdict == "not tried" for one in tried):
        refuted, twins = sum(one.twins_refuted for one in tried), sum(len(one.claim.twins) for one in tried)
        return made.written(f"prove: {refuted} of {twins} twins refuted", refuted == twins, [about])
    return made.written(f"prove: {proved} of {len(tried)} claims proved", good, [about])


def _case_of(command: str) -> tuple[str | None, str | None]:
    """The case that a command replays, and the mistake it plants."""
    words = shlex.split(command)
    if len(words) < 3:
        return None, None
    return words[2], words[words.index("--seeded") + 1] if "--seeded" in words else None


def _benchmarks(made: RunPage, paths: Sequence[Path]) -> None:
    """Figures from JSON, plots from images."""
    for path in paths:
        made.title(f"Benchmark: {path.name}")
        if path.suffix in IMAGES:
            data = base64.b64encode(path.read_bytes()).decode()
            made.parts.append(
                f'<img alt="{escape(path.name)}" src="data:{IMAGES[path.suffix]};base64,{data}">'
            )
        else:
            rows = list(_flat("", json.loads(path.read_text())))
            made.table(("figure", "value"), rows[:MOST_FIGURES], numbers=(1,))


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """A figure for each leaf of nested data."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(f"{name} {key}".strip(), inner)
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from _flat(f"{name} {at}".strip(), inner)
    else:
        yield name, f"{value:,.4g}" if isinstance(value, float) else str(value)
