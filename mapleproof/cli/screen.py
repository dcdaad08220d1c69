"""Where commands print: lines that a terminal may wrap, tables that fit its width, 80 columns where none is
known. What is printed for a program goes to standard output alone."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table


def screen(stderr: bool = False) -> Console:
    """A console. Where it is no terminal it has as many columns as COLUMNS says, or 80."""
    return Console(stderr=stderr, highlight=False)


def say(console: Console, line: str) -> None:
    """Print a line as it is: a terminal wraps it, a pipe gets it whole."""
    console.print(line, markup=False, highlight=False, soft_wrap=True)


def plain_table(title: str | None = None) -> Table:
    """A table with a line under its heading, and as narrow as it can be."""
    return Table(
        title=title,
        title_justify="left",
        box=SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
