"""How a check is shown: progress on a terminal and plain lines elsewhere, one table at the end, or KTAP."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from props import events as expected_events
from props.check import Options, Result
from props.fork.view import verdict_data
from props.live import failing
from props.units import Done

EVERY = 10.0
"""Seconds between two lines of progress where there is no terminal."""


WIDTH = 120
"""Columns of output that goes to no terminal: the widest table fits."""


def wide_console() -> Console:
    """A console for tables."""
    console = Console(soft_wrap=True)
    return console if console.is_terminal else Console(soft_wrap=True, width=WIDTH)


class View:
    """Shows a run while it goes on. Use as ``with view.progress(options) as tell``."""

    def __init__(self, console: Console, quiet: bool = False) -> None:
        self.console = console
        self.quiet = quiet
        self.shown: set[str] = set()

    @contextmanager
    def progress(self, options: Options) -> Iterator[View]:
        self.began = self.last = time.monotonic()
        self.bar: Progress | None = None
        if self.console.is_terminal and not self.quiet:
            columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
            with Progress(*columns, console=self.console, transient=True) as self.bar:
                self.row = self.bar.add_task("starting", total=options.seconds)
                yield self
            self.bar = None
        else:
            yield self

    def tell(self, done: Done, result: Result) -> None:
        """One more unit is done."""
        if done.failure is not None and done.failure not in self.shown:
            self.shown.add(done.failure)
            if not self.quiet:
                self.console.print("\n".join(done.told), markup=False, highlight=False, soft_wrap=True)
        now = time.monotonic()
        operations = sum(lane.operations for lane in result.lanes.values())
        words = f"{operations:,} operations, {len(result.failures)} failures"
        if self.bar is not None:
            self.bar.update(self.row, completed=now - self.began, description=words)
        elif not self.quiet and now - self.last > EVERY:
            self.last = now
            self.console.print(f"{now - self.began:.0f} s: {words}", highlight=False)


def table(result: Result) -> Table:
    """The end of a run: one row per lane."""
    view = Table(title=f"mapleproof check, {result.seconds:.0f} s", title_justify="left")
    view.add_column("lane")
    for column in ("units", "operations", "failures"):
        view.add_column(column, justify="right")
    view.add_column("verdict")
    for name, lane in result.lanes.items():
        verdict = "differs" if lane.failures else "agrees" if lane.units else "not run"
        if name == "fork" and lane.units:
            verdict = "see below"
        view.add_row(name, f"{lane.units:,}", f"{lane.operations:,}", str(len(lane.failures)), verdict)
    return view


def result_data(options: Options, result: Result) -> dict[str, Any]:
    """A run as JSON holds it."""
    return {
        "seed": options.seed,
        "port": options.port,
        "seconds": result.seconds,
        "lanes": {
            name: {"units": lane.units, "operations": lane.operations, "failures": len(lane.failures)}
            for name, lane in result.lanes.items()
        },
        "events": dict(sorted(result.events.items())),
        "failures": [
            {"what": done.failure, "case": done.case, "steps": done.steps} for done in result.failures
        ],
        "verdicts": [verdict_data(verdict) for verdict in result.verdicts],
    }


def event_lines(result: Result) -> list[str]:
    """What happened in the trees, and what did not; what was done on the running kernel."""
    lines = []
    live = {name.removeprefix("live."): n for name, n in result.events.items() if name.startswith("live.")}
    if live:
        failed = live.pop("failed fork", 0)
        calls = ", ".join(f"{n:,} {name}" for name, n in sorted(live.items()))
        lines.append(f"on the running kernel: {calls}")
        lines.append(failing.why_not() or f"{failed} forks of it failed half-way, and left nothing")
    refused = [name for name in expected_events.FORKS if result.events.get(name)]
    if refused:
        left = [name for name in expected_events.FORKS if name not in refused]
        lines.append(f"forks failed as they asked for: {_asked(refused)}")
        if left:
            lines.append(f"no fork failed as it asked for: {_asked(left)}")
    met = {name for name in result.events if name in expected_events.ALL}
    missing = result.missing_events()
    in_c_tree = expected_events.in_c_tree(result.events)
    if met:
        lines.append(f"{len(met)} kinds of event met in the trees")
        if left := [name for name in missing if name in expected_events.ALL]:
            lines.append("not met in this run: " + ", ".join(left))
    if in_c_tree:
        line = f"events met in the C tree: {_in_c(in_c_tree)}"
        left = [name for name in missing if name in expected_events.C_EVENTS]
        lines.append(line + (f"; not met in this run: {_in_c(left)}" if left else ""))
    return lines


def _in_c(names: Sequence[str]) -> str:
    return ", ".join(name.removeprefix(expected_events.C_TREE) for name in names)


def _asked(names: Sequence[str]) -> str:
    return ", ".join(name.removeprefix(expected_events.REFUSED) for name in names)


def ktap(result: Result) -> list[str]:
    """The run in KTAP, the kernel's format for test results: one test per lane."""
    lines = ["KTAP version 1", f"1..{len(result.lanes) + len(result.verdicts)}"]
    for number, (name, lane) in enumerate(result.lanes.items(), start=1):
        if not lane.units:
            lines.append(f"ok {number} {name} # SKIP no unit was run")
            continue
        for done in lane.failures:
            lines += [f"# {line}" for line in done.told]
        word = "not ok" if lane.failures else "ok"
        lines.append(f"{word} {number} {name}")
    for number, verdict in enumerate(result.verdicts, start=len(result.lanes) + 1):
        word = "ok" if verdict.holds else "not ok"
        lines.append(f"{word} {number} {verdict.recovery}: {verdict.promise}")
    return lines
