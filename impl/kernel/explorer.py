"""Every interleaving of a writer and a reader on a kernel's own maple tree: the client of the process in
`explore/coroutines`.

What it is: a scenario is loaded once; then any number of readers are explored beside its writer, by any
policy. The process carries all interleavings out by itself, and answers with what was met: of each sort of
failure the first, and how often.

Not covered: how scenarios are drawn, what is known, cases. Those are the caller's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from mapleproof.impl.kernel.scenario import (
    Choice,
    Failure,
    Reader,
    ScenarioProcess,
    no_answer,
    reader_lines,
)

How = Literal["in-order", "single", "pairs", "held-back", "held-inside", "random", "priorities"]


@dataclass(frozen=True)
class Policy:
    """Which interleavings are run.

    ``single``: every one with a single preemption, of the writer before each of its stores to shared memory,
    of the reader before each of its accesses. ``pairs``: every one with two, at most about 2 * ``most`` of
    them, evenly chosen. ``held-back``: each store of the writer held back past each later one up to the next
    barrier, the reader in between; at most ``most``. ``random``, ``priorities`` (PCT, with ``depth``
    changes): ``most`` runs drawn by ``seed``. ``in-order``: none but the two without a preemption.

    ``strict`` tells also what breaks the strict level; ``first_only`` ends at the first failure that is not
    strict.
    """

    how: How = "single"
    most: int = 0
    depth: int = 0
    seed: int = 0
    strict: bool = False
    first_only: bool = False


@dataclass(frozen=True)
class Race:
    """Two accesses to one word with no order between them, by their places in the kernel's source."""

    writer: str
    reader: str
    writer_marked: bool
    reader_marked: bool
    times: int


@dataclass(frozen=True)
class Explored:
    """What came of a policy: interleavings run, the writer's stores, the reader's accesses, whether nothing
    was left out, and what was met. ``paths`` are the kernel's functions that the writes went through, by
    their tracepoints."""

    runs: int
    stores: int
    accesses: int
    complete: bool
    failures: tuple[Failure, ...]
    paths: tuple[str, ...]
    raw_races: tuple[tuple[int, int, bool, bool, int], ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Access:
    """One access of a traced run; node 0 holds the trees' own fields."""

    reader: bool
    write: bool
    marked: bool
    size: int
    node: int
    offset: int
    value: int
    place: str


@dataclass(frozen=True)
class Traced:
    """One interleaving with all its accesses. Node N lies at ``arena`` + 256 * N; ``nodes`` are the words of
    each in the end, None where it is freed."""

    failures: tuple[Failure, ...]
    accesses: tuple[Access, ...]
    nodes: tuple[tuple[int, ...] | None, ...]
    arena: int
    fields: tuple[int, int, int]
    """Where in a tree its flags and its root lie, and how large it is."""


class Explorer(ScenarioProcess):
    """All interleavings of a scenario, by one policy after the other."""

    called = "the explorer"
    beside = "coroutines"

    def explore(self, reader: Reader, policy: Policy) -> Explored:
        """Run a reader beside the writer of the scenario that was loaded last. Raises ProcessEnded."""
        numbers = (policy.most, policy.depth, policy.seed, +policy.strict, +policy.first_only)
        said = self._ask([*reader_lines(reader), f"explore {policy.how} {' '.join(map(str, numbers))}"])
        try:
            return Explored(
                said["runs"],
                said["stores"],
                said["accesses"],
                said["complete"],
                tuple(self._failure(each) for each in said["findings"]),
                tuple(said["paths"]),
                tuple((w, r, bool(a), bool(b), n) for w, r, a, b, n in said["races"]),
            )
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise no_answer(error) from None

    def trace(self, reader: Reader, choice: Choice) -> Traced:
        """One interleaving again, with each access. Raises ProcessEnded."""
        asked = f"trace {choice.policy} {choice.stores} {choice.access} {choice.seed}"
        said = self._ask([*reader_lines(reader), asked])
        try:
            self._symbolize(pc for *_, pc in said["trace"])
            accesses = tuple(
                Access(bool(who), bool(how & 1), bool(how & 2), size, node, offset, value, self._place(pc))
                for who, how, size, node, offset, value, pc in said["trace"]
            )
            nodes = tuple(tuple(words) if state == 1 else None for state, *words in said["nodes"])
            failures = tuple(self._failure(each) for each in said["findings"])
            return Traced(failures, accesses, nodes, int(said["arena"]), tuple(said["fields"]))
        except (KeyError, TypeError, ValueError) as error:
            raise no_answer(error) from None

    def races(self, explored: Explored) -> list[Race]:
        """The accesses without an order that were met, by their places; those that only differ in the place
        once."""
        self._symbolize(pc for race in explored.raw_races for pc in race[:2])
        times: dict[tuple[str, str, bool, bool], int] = {}
        for writer, reader, marked, also, number in explored.raw_races:
            key = (self._place(writer), self._place(reader), marked, also)
            times[key] = times.get(key, 0) + number
        return [Race(*key, number) for key, number in sorted(times.items())]
