"""The promises of recoveries as tables: promise by recovery, in as many tables as the width asks for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console
from rich.table import Table

from mapleproof.cli.outcome import Item, State
from mapleproof.cli.screen import plain_table
from mapleproof.impl.mm.promises import PROMISES
from mapleproof.props.job.options import is_known_broken

MARKS = {
    State.HOLDS: ("✓", "ok"),
    State.KNOWN: ("~", "~"),
    State.BROKEN: ("[bold red]✗[/]", "[bold red]XX[/]"),
    State.MENDED: ("[bold red]![/]", "[bold red]![/]"),
    State.OPEN: ("?", "?"),
    State.FAILED: ("?", "?"),
}
"""How a cell is marked; the second form is for output that has only ASCII."""

WORDS = {
    State.HOLDS: "holds",
    State.KNOWN: "broken, as is known",
    State.BROKEN: "broken",
    State.MENDED: "holds, and is known to be broken",
    State.OPEN: "no answer",
}

BETWEEN = 2
"""Columns between two columns of a table."""

Cells = dict[str, dict[str, Item]]
"""The items of recoveries: by recovery, then by promise."""


def cells_of(items: Iterable[Item]) -> Cells:
    """The items that are promises of a recovery."""
    cells: Cells = {}
    for item in items:
        recovery, _, promise = item.name.partition(": ")
        if promise in PROMISES:
            cells.setdefault(recovery, {})[promise] = item
    return cells


def recovery_tables(console: Console, items: Iterable[Item]) -> Iterator[Table | str]:
    """The tables that fit the console, and what their marks mean."""
    cells = cells_of(items)
    if not cells:
        return
    ascii_only = console.options.ascii_only
    past = [name for name in cells if is_known_broken(name)]
    right = [name for name in cells if name not in past]
    groups = [("recoveries of a fork that fails", names) for names in _that_fit(right, console.width)]
    groups += [
        ("recoveries of the past, whose flaws are known", names) for names in _that_fit(past, console.width)
    ]
    for title, names in groups:
        table = plain_table(title)
        table.add_column("promise", no_wrap=True)
        for name in names:
            table.add_column(_heading(name), justify="center", no_wrap=True)
        for promise in PROMISES:
            marks = (MARKS[cells[name][promise].state][ascii_only] for name in names)
            table.add_row(promise, *marks)
        yield table
    states = dict.fromkeys(item.state for row in cells.values() for item in row.values())
    yield "  ".join(f"{MARKS[state][ascii_only]} {WORDS[state]}" for state in WORDS if state in states)


def _heading(recovery: str) -> str:
    """The name of a recovery in as many lines as it has words; numbers stay with the word before them."""
    lines: list[str] = []
    for word in recovery.split("_"):
        if lines and word.isdigit() and lines[-1][-1].isdigit():
            lines[-1] += f"_{word}"
        else:
            lines.append(word)
    return "\n".join(lines)


def _that_fit(names: Sequence[str], width: int) -> Iterator[list[str]]:
    """The recoveries of each table."""
    room = width - max(map(len, PROMISES)) - BETWEEN
    chosen: list[str] = []
    taken = 0
    for name in names:
        needed = max(map(len, _heading(name).split("\n"))) + BETWEEN
        if chosen and taken + needed > room:
            yield chosen
            chosen, taken = [], 0
        chosen.append(name)
        taken += needed
    if chosen:
        yield chosen
