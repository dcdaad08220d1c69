"""Every interleaving of a writer and a reader on a kernel's own maple tree: the client of the process in
`explore/`.

What it is: a scenario (how a tree is made, what a writer does then, and what the tree holds before and after
each write by the reference) is loaded once; then any number of readers are explored beside that writer, by
any policy. The process carries all interleavings out by itself, and answers with what was met: of each sort
of failure the first, and how often.

Steps are dicts, as case files hold them. What comes back is checked; what is no answer raises ExplorerDied.

Not covered: how scenarios are drawn, what is known, cases. Those are the caller's.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from mapleproof.impl.kernel.build import Build
from mapleproof.impl.kernel.crash import place_of, symbolize
from mapleproof.impl.kernel.wire import OPS, STATUSES

Step = Mapping[str, Any]
Ranges = Sequence[tuple[int, int, int]]
How = Literal["in-order", "single", "pairs", "held-back", "held-inside", "random", "priorities"]

MOST_STEPS = 16
"""Steps of a writer's program, or of a reader's."""

_MORE_OPS = {
    "fill": ("first", "stride", "length", "count"),
    "lock_vma_under_rcu": ("index",),
    "lock_next_vma": ("index",),
}
_ANSWER_LIMIT = 1 << 28


class ExplorerDied(Exception):
    """The process ended, or answered with what is no answer. The message is one line."""


@dataclass(frozen=True)
class Scenario:
    """A tree and its writer. ``states`` is what the tree that readers look at holds before the first write
    and after each: (first, last, entry) in order."""

    alloc_range: bool
    rcu: bool
    setup: tuple[Step, ...]
    writes: tuple[Step, ...]
    states: tuple[tuple[tuple[int, int, int], ...], ...]


@dataclass(frozen=True)
class Reader:
    """What a reader does, on tree 0, or on tree 1 that the writer makes."""

    steps: tuple[Step, ...]
    tree: int = 0


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
class Choice:
    """One interleaving: the policy's name in `explore/policy.c` and its numbers."""

    policy: str
    stores: int = 0
    access: int = 0
    seed: int = 0

    def __str__(self) -> str:
        return {
            "in-order": "after the write",
            "within": f"the reader after {self.stores} stores of the writer",
            "at-access": f"the writer after {self.access} accesses of the reader",
            "both-writer": f"the reader after {self.stores} stores, the writer after {self.access} accesses",
            "both-reader": f"the writer after {self.access} accesses, the reader after {self.stores} stores",
            "held-inside": f"store {self.stores} held back, the reader inside since {self.access} accesses",
            "held-back": f"store {self.stores} held back past store {self.access - 1}",
        }.get(self.policy, f"{self.policy}, seed {self.seed}")


@dataclass(frozen=True)
class Failure:
    """One sort of failure: what is broken, how often, and the first interleaving that met it.

    ``step`` is the reader's step that was answered wrongly, or was under way; ``answer`` that answer, None
    where the run ended before. ``place`` names the kernel's functions where it ended, if it did.
    """

    text: str
    strict: bool
    times: int
    step: int
    choice: Choice
    answer: dict[str, Any] | None = None
    place: str = ""

    @property
    def sort(self) -> str:
        """What tells one defect from another."""
        return self.text + (f" at {self.place}" if self.place else "")


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


class Explorer:
    """The process. It is started when it is first needed, and anew after it died."""

    def __init__(self, build: Build) -> None:
        if not build.variant.explore:
            raise ValueError("the build is none for exploring")
        self.build = build
        self._process: subprocess.Popen[str] | None = None
        self._loaded: list[str] = []
        self._places: dict[int, tuple[str, ...]] = {}

    @property
    def lacks(self) -> frozenset[str]:
        """The operations that it cannot carry out, because the kernel's tree has no such function."""
        return frozenset(self.build.lacks) - {"mas_for_each_rev"}

    def load(self, scenario: Scenario) -> None:
        """Take up a scenario. Raises ValueError where it is none."""
        if len(scenario.writes) > MOST_STEPS:
            raise ValueError("too many writes")
        lines = [f"begin {scenario.alloc_range | scenario.rcu << 1}"]
        lines += [f"setup {_spelled(step, 4)}" for step in scenario.setup]
        lines += [f"write {_spelled(step, 4)}" for step in scenario.writes]
        for number, ranges in enumerate(scenario.states):
            lines.append(" ".join(["state", str(number), *(f"{a} {b} {entry}" for a, b, entry in ranges)]))
        self._loaded = lines
        self._send(lines)

    def explore(self, reader: Reader, policy: Policy) -> Explored:
        """Run a reader beside the writer of the scenario that was loaded last. Raises ExplorerDied."""
        numbers = (policy.most, policy.depth, policy.seed, +policy.strict, +policy.first_only)
        said = self._ask([*_reader_lines(reader), f"explore {policy.how} {' '.join(map(str, numbers))}"])
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
            raise ExplorerDied(f"the explorer's answer is none: {error!r}") from None

    def trace(self, reader: Reader, choice: Choice) -> Traced:
        """One interleaving again, with each access. Raises ExplorerDied."""
        asked = f"trace {choice.policy} {choice.stores} {choice.access} {choice.seed}"
        said = self._ask([*_reader_lines(reader), asked])
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
            raise ExplorerDied(f"the explorer's answer is none: {error!r}") from None

    def races(self, explored: Explored) -> list[Race]:
        """The accesses without an order that were met, by their places; those that only differ in the place
        once."""
        self._symbolize(pc for race in explored.raw_races for pc in race[:2])
        times: dict[tuple[str, str, bool, bool], int] = {}
        for writer, reader, marked, also, number in explored.raw_races:
            key = (self._place(writer), self._place(reader), marked, also)
            times[key] = times.get(key, 0) + number
        return [Race(*key, number) for key, number in sorted(times.items())]

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()  # a process that was forked since may hold its pipe open, so that it sees no end
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        process.wait()

    def __enter__(self) -> Explorer:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_process", None) is not None:
            self.close()

    # ---- the pipe ----

    def _send(self, lines: Sequence[str]) -> subprocess.Popen[str]:
        process = self._process
        if process is None:
            process = self._process = subprocess.Popen(
                [str(self.build.server)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write("".join(line + "\n" for line in lines))
        return process

    def _ask(self, lines: Sequence[str]) -> dict[str, Any]:
        process = self._send(lines if self._process is not None else [*self._loaded, *lines])
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.flush()
        answer = process.stdout.readline(_ANSWER_LIMIT)
        if not answer.endswith("\n"):
            self.close()
            raise ExplorerDied(f"the explorer ended with status {process.returncode}")
        said = json.loads(answer)
        if not isinstance(said, dict) or "error" in said:
            raise ValueError(str(said.get("error", "no answer") if isinstance(said, dict) else said))
        return said

    def _failure(self, said: dict[str, Any]) -> Failure:
        answer = None
        if "read" in said:
            _, status, index, last, entry = said["read"]
            shown = None if entry == 0 else entry >> 1 if entry & 1 else f"{entry:#x}"
            answer = {"entry": shown, "index": index, "last": last, "status": STATUSES[status]}
        self._symbolize(said["stack"])
        frames = tuple(frame for pc in said["stack"] for frame in self._places[pc])
        return Failure(
            said["text"],
            said["strict"],
            said["times"],
            said["step"],
            Choice(*said["choice"]),
            answer,
            place_of(frames),
        )

    def _symbolize(self, counters: Any) -> None:
        """Look up the places of return addresses that are not known yet, all at once."""
        new = sorted({pc for pc in counters if pc not in self._places})
        for pc in new:
            self._places[pc] = symbolize(self.build, [f"{pc - 1:x}"])

    def _place(self, pc: int) -> str:
        frames = [frame for frame in self._places.get(pc, ()) if " maple_tree.c:" in frame]
        return " < ".join(frame.replace(" maple_tree.c", "") for frame in frames[:3])


def _reader_lines(reader: Reader) -> list[str]:
    if not 0 < len(reader.steps) <= MOST_STEPS:
        raise ValueError("a reader has from one to 16 steps")
    return [f"reader {reader.tree}", *(f"read {_spelled(step, 2)}" for step in reader.steps)]


def _spelled(step: Step, count: int) -> str:
    """A step as the process reads it. Raises ValueError."""
    name = step["op"]
    names = _MORE_OPS.get(name) or (OPS[name].arguments if name in OPS else None)
    if names is None or len(names) > count:
        raise ValueError(f"no such operation here: {name!r}")
    numbers = [step[each] or 0 for each in names] + [0] * (count - len(names))
    if not all(type(number) is int and 0 <= number < 2**64 for number in numbers):
        raise ValueError(f"{name}: a number is out of range")
    return f"{name} {' '.join(map(str, numbers))}"
