"""An outcome in KTAP, the kernel's format for test results, line by line as it becomes known.

`ok` and `not ok` agree with the exit status: `not ok` is what is broken (1) or went wrong in the suite itself
(70, directive ERROR), SKIP is what has no answer (3) or is not of that kernel, XFAIL is a flaw that is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from mapleproof.cli.outcome import Item, State

WORDS = {
    State.HOLDS: ("ok", ""),
    State.KNOWN: ("ok", "XFAIL"),
    State.OPEN: ("ok", "SKIP"),
    State.BROKEN: ("not ok", ""),
    State.MENDED: ("not ok", ""),
    State.FAILED: ("not ok", "ERROR"),
    State.ABSENT: ("ok", "SKIP"),
}


class Ktap:
    """Prints KTAP by ``write``, which takes a line. ``count`` is the plan."""

    def __init__(self, count: int, write: Callable[[str], None]) -> None:
        self.write = write
        self.number = 0
        self.done: set[str] = set()
        write("KTAP version 1")
        write(f"1..{count}")

    def note(self, lines: Iterable[str]) -> None:
        """Print diagnostic lines."""
        for line in lines:
            self.write(f"# {line}".rstrip())

    def item(self, item: Item) -> None:
        """Print the result of an item, once."""
        if item.name in self.done:
            return
        self.done.add(item.name)
        self.number += 1
        word, directive = WORDS[item.state]
        if item.state not in (State.HOLDS, State.OPEN, State.ABSENT):
            self.note(item.told or (item.reason,))
            self.note(f"replay it with: {command}" for command in item.commands)
        line = f"{word} {self.number} {_plain(item.name)}"
        behind = item.over if item.state is State.HOLDS else f"{directive} {item.reason}"
        self.write(f"{line} # {_plain(behind)}" if behind.strip() else line)


def _plain(text: str) -> str:
    return " ".join(text.replace("#", "").split())
