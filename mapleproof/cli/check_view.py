"""How a check is shown: progress on a terminal and plain lines elsewhere, tables at the end; or KTAP."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from mapleproof.cli.check_outcome import part_item
from mapleproof.cli.ktap import Ktap
from mapleproof.cli.outcome import Item, Outcome, State, counted
from mapleproof.cli.recovery_table import recovery_tables
from mapleproof.cli.screen import plain_table, say
from mapleproof.props.job.check import Options, Result
from mapleproof.props.job.options import known_flaws
from mapleproof.props.job.units import Done, Met, Task
from mapleproof.props.maple import events as expected_events
from mapleproof.props.mm import live_failing as failing
from mapleproof.props.mm.verdicts import Verdict

EVERY = 10.0
"""Seconds between two lines of progress where there is no terminal."""


class Watched:
    """Shows a run to a person while it goes on. Use as ``with view.progress(options)``."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.shown: set[str] = set()
        self.bar: Progress | None = None

    @contextmanager
    def progress(self, options: Options) -> Iterator[None]:
        """While the run goes on."""
        self.began = self.last = time.monotonic()
        if not self.console.is_terminal:
            yield
            return
        columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
        with Progress(*columns, console=self.console, transient=True) as self.bar:
            self.row = self.bar.add_task("starting", total=options.seconds)
            yield
        self.bar = None

    def met(self, task: Task, met: Met) -> None:
        """A failure was met: it is told before it is reduced and written."""
        if met.sort not in self.shown:
            say(self.console, f"{task.lane}: {met.sort}, after {met.steps:,} steps; reducing it")

    def broke(self, recovery: str, promise: str, what: str) -> None:
        """A recovery broke a promise for the first time: told at once, unless it is known."""
        if promise not in known_flaws(recovery):
            say(self.console, f"fork: {recovery} breaks '{promise}': {what}")

    def tell(self, done: Done, result: Result) -> None:
        """One more unit is done."""
        if done.failure is not None and done.failure not in self.shown:
            self.shown.add(done.failure)
            for line in [f"{done.lane}: {done.failure}"] if done.suite else done.told:
                say(self.console, line)
        now = time.monotonic()
        words = _progress(result)
        if self.bar is not None:
            self.bar.update(self.row, completed=now - self.began, description=words)
        elif now - self.last > EVERY:
            self.last = now
            say(self.console, f"{now - self.began:.0f} s: {words}")


def _progress(result: Result) -> str:
    operations = sum(lane.operations for lane in result.lanes.values())
    failures = len(result.failures)
    left = sum(not part.why_not and part.name not in result.begun for part in result.parts)
    words = f"{counted(operations, 'operation')}, {counted(failures, 'failure')}"
    return words + (f"; parts still to be tried: {left}" if left else "")


class InKtap:
    """Shows a run to a program while it goes on, in KTAP."""

    def __init__(self, ktap: Ktap, result: Result) -> None:
        self.ktap = ktap
        for part in result.parts:
            if part.why_not:
                self.ktap.item(part_item(part, result))

    def met(self, task: Task, met: Met) -> None:
        """A failure was met."""
        self.ktap.note([f"{task.lane}: {met.sort}, after {met.steps:,} steps"])

    def broke(self, recovery: str, promise: str, what: str) -> None:
        """A recovery broke a promise for the first time."""
        self.ktap.note([f"{recovery}: {promise}: {what}"])

    def tell(self, done: Done, result: Result) -> None:
        """One more unit is done. A lane that differs is known to, from here on."""
        if done.failure is not None:
            for part in result.parts:
                if (part.lane, part.recovery) == (done.lane, done.recovery):
                    self.ktap.item(part_item(part, result))


def lane_table(result: Result) -> Table:
    """The end of a run: one row per lane, and what its verdict is."""
    table = plain_table(f"mapleproof check, {result.seconds:.0f} s")
    table.add_column("part")
    for column in ("units", "operations", "failures"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("verdict")
    for part in result.parts:
        lane = result.lanes[part.lane]
        item = part_item(part, result)
        figures = (f"{lane.units:,}", f"{lane.operations:,}", str(len(lane.failures)))
        if part.recovery is not None:
            swept = result.swept.get(part.recovery)
            failures = sum(done.recovery == part.recovery for done in lane.failures)
            figures = ("", f"{swept.forks:,}" if swept else "0", str(failures))
        table.add_row(part.name, *figures, _verdict(item))
    return table


def _verdict(item: Item) -> str:
    if item.state is State.OPEN:
        return f"not done: {item.reason}"
    if item.state is State.HOLDS and item.group != item.group.partition(" ")[0]:
        return "see below"
    words = {State.HOLDS: "agrees", State.BROKEN: "differs", State.FAILED: "the suite went wrong"}
    return words[item.state]


def show_outcome(console: Console, outcome: Outcome, result: Result, verbose: bool) -> None:
    """The tables at the end, and for all that does not hold what it is and what replays it."""
    console.print(lane_table(result))
    for line in event_lines(result):
        say(console, line)
    for part in recovery_tables(console, outcome.items):
        console.print(part)
    states = [State.BROKEN, State.MENDED, State.FAILED] + ([State.KNOWN] if verbose else [])
    for item in outcome.of(*states):
        say(console, f"{item.name}: {item.reason}")
        for line in item.commands:
            say(console, f"  {line}")


def result_data(options: Options, result: Result, outcome: Outcome) -> dict[str, Any]:
    """A run as JSON holds it."""
    return {
        "status": outcome.status,
        "seed": options.seed,
        "port": options.port,
        "seconds": result.seconds,
        "lanes": {
            name: {"units": lane.units, "operations": lane.operations, "failures": len(lane.failures)}
            for name, lane in result.lanes.items()
        },
        "items": [item_data(item) for item in outcome.items],
        "events": dict(sorted(result.events.items())),
        "failures": [
            {"what": done.failure, "case": done.case, "steps": done.steps} for done in result.failures
        ],
        "verdicts": [verdict_data(verdict) for verdict in result.verdicts],
    }


def item_data(item: Item) -> dict[str, Any]:
    """An item as JSON holds it."""
    return {
        "part": item.group,
        "name": item.name,
        "state": item.state.value,
        "over": item.over,
        "reason": item.reason,
        "cases": list(item.cases),
        "replay": list(item.commands),
    }


def verdict_data(verdict: Verdict) -> dict[str, Any]:
    """A verdict on a recovery as JSON holds it."""
    known = known_flaws(verdict.recovery).get(verdict.promise)
    return {
        "recovery": verdict.recovery,
        "promise": verdict.promise,
        "holds": verdict.holds,
        "known": known,
        "forks": verdict.forks,
        "failed_forks": verdict.failed_forks,
        "failure_points": verdict.failure_points,
        "case": None if verdict.case_path is None else str(verdict.case_path),
        "what": verdict.what,
        "steps": verdict.steps,
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
        lines.append(f"requests of a fork that were refused: {_asked(refused)}")
        if left:
            lines.append(f"never refused: {_asked(left)}")
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
