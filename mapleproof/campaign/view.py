"""A campaign as people watch it: live on a terminal, plain lines elsewhere; and how it stands, as tables."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from mapleproof.campaign.status import ArmFigures, Status, status_of

if TYPE_CHECKING:
    from mapleproof.campaign.campaign import Campaign

EVERY = 30.0
"""Seconds between two lines of progress where there is no terminal."""

REFRESH = 1.0
"""Seconds between two pictures on a terminal: each reads the ledger."""

MOST_EVENTS = 3
"""Events that are shown live: the latest that were met for the first time."""

MOST_CASES = 12
"""Failures that are shown live: the latest."""


class View:
    """Shows a campaign while it goes on. Use as ``with view.live() as tell``."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._live: Live | None = None
        self._shown = -1e9
        self._line = ""

    @contextmanager
    def live(self) -> Iterator[View]:
        if not self.console.is_terminal:
            yield self
            return
        with Live(console=self.console, auto_refresh=False, transient=True) as self._live:
            yield self
        self._live = None

    def tell(self, campaign: Campaign) -> None:
        """How it stands now, if it is time to tell."""
        for sort in campaign.new_cases:
            self._say(f"found: {sort}")
        campaign.new_cases.clear()
        trouble = self._trouble(campaign)
        if trouble != self._line:
            self._line = trouble
            self._say(trouble or f"it goes on, {campaign.now.threads} workers")
        now = time.monotonic()
        if now - self._shown < (EVERY if self._live is None else REFRESH):
            return
        first = self._shown < 0
        self._shown = now
        if self._live is not None:
            status = status_of(campaign.options.folder, campaign.ledger, running=True)
            self._live.update(Group(Text(_headline(campaign)), *tables(status, live=True)), refresh=True)
        elif not first:
            self._say(_headline(campaign))

    def _say(self, line: str) -> None:
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)

    @staticmethod
    def _trouble(campaign: Campaign) -> str:
        now = campaign.now
        if now.stuck:
            return (
                f"{campaign.options.folder} cannot be written, nothing is given out until it can: {now.stuck}"
            )
        if not now.connected:
            return f"no scheduler at {campaign.farm.scheduler}: it is looked for"
        if not now.threads:
            return "no worker is there: waiting for one"
        if now.away:
            return f"Hypothesis' database is away, its examples wait: {now.away}"
        return ""


def _headline(campaign: Campaign) -> str:
    now, options = campaign.now, campaign.options
    passed = time.monotonic() - now.began
    left = "" if options.seconds is None else f" of {span(options.seconds)}"
    words = [
        f"{span(passed)}{left}",
        f"{now.rate:,.0f} operations/s",
        f"{now.threads} worker{'' if now.threads == 1 else 's'}",
        f"{now.under_way} lots under way",
        f"{len(campaign.findings.counts)} sorts of failure",
    ]
    if now.lost:
        words.append(f"{now.lost} lots lost and done again")
    if now.waiting:
        words.append(f"{now.waiting} to be written")
    if now.ending:
        words.append("ending")
    return ", ".join(words)


def span(seconds: float) -> str:
    """A time as people say it."""
    hours, rest = divmod(round(seconds), 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}"


def tables(status: Status, live: bool = False) -> list[Table | Text]:
    """How a campaign stands."""
    parts: list[Table | Text] = [arm_table(status)]
    if status.lately:
        lately = status.lately[: MOST_EVENTS if live else None]
        when = "; ".join(f"{name} {span(ago)} ago ({arm})" for name, arm, ago in lately)
        parts.append(Text(f"met for the first time lately: {when}"))
    missing = status.missing()
    if missing and status.events and "bulk" in status.settings["lanes"] and not live:
        parts.append(Text("not met yet: " + ", ".join(missing)))
    if status.proofs and not live:
        parts.append(proof_table(status))
    if status.worlds and not live:
        parts.append(world_table(status))
    if status.cases:
        parts += case_lines(status, MOST_CASES if live else None)
    return parts


def arm_table(status: Status) -> Table:
    """A row for each arm."""
    state = "running" if status.running else "not running"
    table = Table(
        title=f"{escape(status.folder)}, {span(status.seconds)} so far, {state}", title_justify="left"
    )
    table.add_column("arm")
    for heading in ("units", "operations", "a second", "share", "new", "failures"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for arm in rows(status):
        figures = (f"{arm.units:,}", f"{arm.operations:,}", f"{arm.pace:,.0f}", f"{arm.share:.0%}")
        table.add_row(escape(arm.name), *figures, f"{arm.news:,}", f"{arm.failures:,}", escape(arm.ended))
    return table


def rows(status: Status) -> list[ArmFigures]:
    """The arms, all proofs in one row."""
    proofs = [arm for arm in status.arms if arm.name.startswith("proofs ")]
    others = [arm for arm in status.arms if arm not in proofs]
    if not proofs:
        return others
    whole = ArmFigures(f"proofs, {len(proofs)} series", 0, 0, 0.0, 0.0, 0, 0, "")
    for arm in proofs:
        for name in ("units", "operations", "seconds", "share", "news", "failures"):
            setattr(whole, name, getattr(whole, name) + getattr(arm, name))
    return [*others, whole]


def proof_table(status: Status) -> Table:
    """How far each series of proofs has come."""
    table = Table(title="proofs of growing bounds", title_justify="left")
    for heading in ("series", "proved up to", "seconds of the largest", "then"):
        table.add_column(heading, justify="left" if heading in ("series", "then") else "right")
    by_series: dict[str, list[dict[str, Any]]] = {}
    for proof in status.proofs:
        by_series.setdefault(proof["series"], []).append(proof)
    for series, sizes in by_series.items():
        proved = [proof for proof in sizes if proof["verdict"] == "proved"]
        others = [f"{proof['verdict']} at {proof['size']}" for proof in sizes if proof["verdict"] != "proved"]
        largest = max(proved, key=lambda proof: proof["size"], default=None)
        row = ("", "") if largest is None else (str(largest["size"]), f"{largest['seconds']:.1f}")
        table.add_row(escape(series), *row, ", ".join(others))
    return table


def world_table(status: Status) -> Table:
    """How much of each tiny world was visited."""
    table = Table(title="tiny worlds, state by state", title_justify="left")
    table.add_column("world")
    for heading in ("states met", "expanded"):
        table.add_column(heading, justify="right")
    for name, met, expanded in status.worlds:
        table.add_row(name, f"{met:,}", f"{expanded:,}")
    return table


def case_lines(status: Status, most: int | None = None) -> list[Text]:
    """The sorts of failure, each with its smallest case and what replays it; the latest ``most`` without
    that."""
    lines = [Text(f"sorts of failure: {len(status.cases)}")]
    for case in status.cases if most is None else status.cases[-most:]:
        steps = f", {case['steps']:,} steps" if case["steps"] else ""
        met = "" if case["file"].startswith("cases/") else ", not yet made small"
        lines.append(Text(f"{case['times']:>8,} times  {case['sort']}{steps}{met}"))
        if most is None:
            told = case["told"][-1].removeprefix("replay it with: ")
            lines.append(Text(" " * 16 + (told if case["steps"] else f"see {status.folder}/{case['file']}")))
    return lines
