"""Recoveries of a failed fork on a booted kernel, promise by promise: the table of `docs/booted.md`.

    python -m mapleproof.props.mm.booted_table [PATH|VERSION] [--recovery NAME]...

Every request of each small scenario is refused, alone and with all after it; nothing is left out. `none` is
the kernel's own recovery, the others are put in its place (`impl.kernel.booted.recoveries`). Where a kernel
asks for ever for what it is refused, which no recovery causes, that is told beside the promises.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from mapleproof.impl.kernel.booted import whole
from mapleproof.impl.kernel.booted.build import check_whole_tree
from mapleproof.impl.kernel.booted.edits import NOTHING
from mapleproof.impl.kernel.booted.recoveries import RECOVERIES
from mapleproof.impl.kernel.errors import KernelBuildError
from mapleproof.impl.mm.geometry import PageGeometry
from mapleproof.impl.mm.promises import PROMISES
from mapleproof.props.common.forms import spell
from mapleproof.props.common.operation import Common
from mapleproof.props.mm.booted_port import BootedPort
from mapleproof.props.mm.booted_sweep import every_kind, offered, sort_of, sweep_numbered
from mapleproof.props.mm.scenarios import corners
from mapleproof.props.mm.sweep import Broken, Swept

NAMES = (NOTHING, *(one.name for one in RECOVERIES))

PATIENCE = 10.0
"""Seconds that a guest gets for an answer."""

ASKS = ": hang in mas_"
"""Part of the sort of a kernel that asks for ever: docs/findings.md, `asks-for-ever`."""


@dataclass(slots=True)
class Judged:
    """What a recovery has shown: its figures, how often each sort of break came, and the first of each."""

    swept: Swept = field(default_factory=Swept)
    sorts: Counter[str] = field(default_factory=Counter)
    first: dict[str, Broken] = field(default_factory=dict)

    @property
    def asks(self) -> int:
        """How many forks asked for ever."""
        return sum(count for sort, count in self.sorts.items() if ASKS in sort)

    def of(self, promise: str) -> list[str]:
        """The sorts of break of a promise, without forks that ask for ever."""
        return [sort for sort in self.sorts if sort.startswith(f"{promise}: ") and ASKS not in sort]

    def hear(self, broken: Broken) -> None:
        """Take a break in."""
        self.sorts[sort_of(broken)] += 1
        self.first.setdefault(sort_of(broken), broken)


def small(geometry: PageGeometry) -> int:
    """How many of the scenarios are not random."""
    return sum(
        len(offered(program)) == len(program) for program in (*corners(geometry), every_kind(geometry))
    )


def judge(tree: str, name: str, most: int | None = None) -> Judged:
    """Sweep the small scenarios, or ``most`` of them, each in a new guest. Raises KernelBuildError."""
    judged, number, count = Judged(), 0, most
    while count is None or number < count:
        port = BootedPort(f"booted:{tree}?seed={name}", patience=PATIENCE)
        try:
            count = 1 + small(port.geometry) if most is None else most
            swept = sweep_numbered(port, number, hears=judged.hear, skips=False)
            judged.swept.add(swept or Swept())
        finally:
            port.close()
        number += 1
    return judged


def rows(name: str, judged: Judged) -> Iterator[str]:
    """A row of the table, and below it what was seen."""
    cells = ["**broken**" if judged.of(promise) else "holds" for promise in PROMISES]
    swept = judged.swept
    yield "| " + " | ".join((f"`{name}`", f"{swept.points:,}", f"{swept.failed:,}", *cells)) + " |"
    for sort, count in judged.sorts.most_common():
        program = judged.first[sort].program
        yield f"    {sort}: {count} times, first {_told(program)}"


def _told(program: Sequence[Common]) -> str:
    """The last operation, and how many come before it."""
    return f"{spell(program[-1])} after {len(program) - 1} operations"


def main(words: Sequence[str]) -> int:
    """Print the table; 2 with one line where the kernel is not to be had."""
    parser = argparse.ArgumentParser(prog="python -m mapleproof.props.mm.booted_table")
    parser.add_argument("tree", nargs="?", default="6.12")
    parser.add_argument("--recovery", action="append", choices=NAMES)
    given = parser.parse_args(words)
    try:
        tree = whole.resolve(given.tree)
        check_whole_tree(tree, "um")
        print("| " + " | ".join(("recovery", "points", "failed forks", *PROMISES)) + " |", flush=True)
        for name in given.recovery or NAMES:
            for row in rows(name, judge(str(tree), name)):
                print(row, flush=True)
    except KernelBuildError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
