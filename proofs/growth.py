"""How the time of a proof grows: with the VMAs executed one by one, beside induction; with the fan-out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from mapleproof.impl.maple.geometry import Geometry
from mapleproof.proofs.engine.paths import Paths
from mapleproof.proofs.maple.slots import NEW
from mapleproof.proofs.mm.walk_tables import table_parts
from mapleproof.proofs.mm.walk_turns import release_parts, zap_parts
from mapleproof.proofs.undo_exact import number_program, program
from mapleproof.proofs.write_kinds import leaf_program

COUNTS = (1, 2, 4, 6)
FAN_OUTS = (4, 8, 16)
NAME = "unmap_in_place"


class Grown(NamedTuple):
    """A proof of one size: `undo_exact` for unmap_in_place with so many VMAs copied and one left, or
    `write_kinds` for an entry in a full leaf of so many slots."""

    size: str
    proved: bool
    paths: int
    queries: int
    seconds: float


def run(counts: Sequence[int], tell: Callable[[str], None]) -> list[Grown]:
    """Processor seconds for each number of VMAs, and for any number by induction."""
    return _told(_measured(counts), "VMAs", tell)


def run_leaves(fan_outs: Sequence[int], tell: Callable[[str], None]) -> list[Grown]:
    """Processor seconds for a full leaf of each fan-out."""
    full = (
        _explored(str(slots), [leaf_program(slots, Geometry(slots, slots, slots // 2 - 1, 2), NEW, False)])
        for slots in fan_outs
    )
    return _told(full, "slots", tell)


def _told(sizes: Iterator[Grown], unit: str, tell: Callable[[str], None]) -> list[Grown]:
    done = []
    for one in sizes:
        tell(f"{one.size} {unit}: {one.seconds:.1f} s")
        done.append(one)
    return done


def _measured(counts: Sequence[int]) -> Iterator[Grown]:
    for count in counts:
        yield _explored(str(count), [program(NAME, count, 1)])
    walks = [*zap_parts().values(), *table_parts().values(), *release_parts().values()]
    any_number = [number_program(NAME, copied, left) for copied in (0, 1, 2) for left in (1, 2)]
    yield _explored("any number", [*walks, *any_number])


def _explored(size: str, programs: list[Any]) -> Grown:
    started = time.process_time()
    found = [Paths(one).explore() for one in programs]
    paths, queries = sum(one.paths for one in found), sum(one.queries for one in found)
    return Grown(size, all(one.proved for one in found), paths, queries, time.process_time() - started)


def show(done: Sequence[Grown], leaves: Sequence[Grown], console: Console) -> None:
    """A line for each size."""
    console.print(_table(f"undo_exact, {NAME}: VMAs copied, one left", "VMAs", done))
    console.print(_table("write_kinds: an entry in a full leaf", "slots", leaves))


def _table(title: str, unit: str, done: Sequence[Grown]) -> Table:
    table = Table(title=title)
    for heading in (unit, "proved", "paths", "queries", "seconds"):
        table.add_column(heading, justify="right")
    for one in done:
        proved = "yes" if one.proved else "no"
        table.add_row(one.size, proved, str(one.paths), str(one.queries), f"{one.seconds:.1f}")
    return table
