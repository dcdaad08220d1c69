"""The verdicts as a table for people, and as data for programs."""

from collections.abc import Iterator, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from impl.mm.promises import PROMISES
from props.cases.found import replay_command
from props.fork.check import Verdict


def verdict_table(verdicts: Sequence[Verdict]) -> Table:
    """Recovery by promise: what holds, what is broken, and how many forks failed on the way."""
    table = Table(
        title="recoveries of a fork that fails, by promise",
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    table.add_column("recovery", no_wrap=True)
    for promise in PROMISES:
        table.add_column(promise.replace(" ", "\n"), no_wrap=True)
    table.add_column("failed\nforks", justify="right", no_wrap=True)
    table.add_column("failure\npoints", justify="right", no_wrap=True)
    cells = {(verdict.recovery, verdict.promise): verdict for verdict in verdicts}
    for recovery in dict.fromkeys(verdict.recovery for verdict in verdicts):
        row = [cells[recovery, promise] for promise in PROMISES]
        marks = ("holds" if verdict.holds else "[bold red]broken[/]" for verdict in row)
        table.add_row(recovery, *marks, f"{row[0].failed_forks:,}", f"{row[0].failure_points:,}")
    return table


def verdict_lines(verdicts: Sequence[Verdict], seeded: str | None = None) -> Iterator[str]:
    """For each broken promise what its smallest case shows, and the command that replays it.

    ``seeded`` is the mistake that was planted, which a replay needs too.
    """
    planted = f" --seeded {seeded}" if seeded else ""
    for verdict in verdicts:
        if not verdict.holds:
            yield f"{verdict.recovery}: {verdict.promise}: {verdict.what}"
            if verdict.case_path is not None:
                yield f"  {verdict.steps} steps: {replay_command(verdict.case_path)}{planted}"


def verdict_data(verdict: Verdict) -> dict[str, Any]:
    """A verdict as JSON holds it."""
    return {
        "recovery": verdict.recovery,
        "promise": verdict.promise,
        "holds": verdict.holds,
        "forks": verdict.forks,
        "failed_forks": verdict.failed_forks,
        "failure_points": verdict.failure_points,
        "case": None if verdict.case_path is None else str(verdict.case_path),
        "what": verdict.what,
        "steps": verdict.steps,
    }
