"""A writer and a reader beside each other on a kernel's own maple tree: what is asked of a process of
`explore/`, and the pipe to it.

What it is: a scenario (how a tree is made, what a writer does then, and what the tree holds before and after
each write by the reference) is loaded once; then a reader is asked about, in lines of words and numbers, and
each question is answered with one line of JSON. There are two such processes: explorer.py and stress.py.

Steps are dicts, as case files hold them. What comes back is checked; what is no answer raises ProcessEnded.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from mapleproof.impl.kernel.build import Build
from mapleproof.impl.kernel.crash import place_of, symbolize
from mapleproof.impl.kernel.explore_build import Beside
from mapleproof.impl.kernel.wire import OPS, STATUSES

Step = Mapping[str, Any]
Ranges = Sequence[tuple[int, int, int]]

MOST_STEPS = 16
"""Steps of a writer's program, or of a reader's."""

_MORE_OPS = {
    "fill": ("first", "stride", "length", "count"),
    "lock_vma_under_rcu": ("index",),
    "lock_next_vma": ("index",),
}
_ANSWER_LIMIT = 1 << 28


class ProcessEnded(Exception):
    """The process ended, or answered with what is no answer. The message is one line."""


@dataclass(frozen=True)
class Stage:
    """A tree and its writer: all of a scenario but the reader. ``states`` is what the tree that readers look
    at holds before the first write and after each: (first, last, entry) in order."""

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
class Choice:
    """One interleaving: the policy's name in `explore/coroutines/policy.c` and its numbers. Of threads it is
    not known; ``seed`` is the number of the run."""

    policy: str
    stores: int = 0
    access: int = 0
    seed: int = 0

    def __str__(self) -> str:
        return {
            "in-order": "after the write",
            "threads": f"two threads, in run {self.seed:,}",
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


class ScenarioProcess:
    """The process. It is started when it is first needed, and anew after it ended."""

    called: ClassVar[str]
    """What it is called where it ended."""
    beside: ClassVar[Beside]
    """How it must be built."""

    def __init__(self, build: Build) -> None:
        if build.variant.beside != self.beside:
            raise ValueError(f"the build is none for {self.called}")
        self.build = build
        self._process: subprocess.Popen[str] | None = None
        self._loaded: list[str] = []
        self._places: dict[int, tuple[str, ...]] = {}

    @property
    def lacks(self) -> frozenset[str]:
        """The operations that it cannot carry out, because the kernel's tree has no such function."""
        return frozenset(self.build.lacks) - {"mas_for_each_rev"}

    def load(self, stage: Stage) -> None:
        """Take up a tree and its writer. Raises ValueError where it is none."""
        if len(stage.writes) > MOST_STEPS:
            raise ValueError("too many writes")
        lines = [f"begin {stage.alloc_range | stage.rcu << 1}"]
        lines += [f"setup {_spelled(step, 4)}" for step in stage.setup]
        lines += [f"write {_spelled(step, 4)}" for step in stage.writes]
        for number, ranges in enumerate(stage.states):
            lines.append(" ".join(["state", str(number), *(f"{a} {b} {entry}" for a, b, entry in ranges)]))
        self._loaded = lines
        if self._process is not None:
            self._send(lines)

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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_process", None) is not None:
            self.close()

    # ---- the pipe ----

    def _start(self) -> subprocess.Popen[str]:
        """The process; where it was not there any more, with all that it has to know."""
        if self._process is None:
            self._process = subprocess.Popen(
                [str(self.build.server)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            self._send(self._loaded)
        return self._process

    def _send(self, lines: Sequence[str]) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write("".join(line + "\n" for line in lines))

    def _ask(self, lines: Sequence[str]) -> dict[str, Any]:
        process = self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        self._send(lines)
        with contextlib.suppress(BrokenPipeError):
            process.stdin.flush()
        answer = process.stdout.readline(_ANSWER_LIMIT)
        if not answer.endswith("\n"):
            self.close()
            raise ProcessEnded(f"{self.called} ended with status {process.returncode}")
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

    def _symbolize(self, counters: Iterable[int]) -> None:
        """Look up the places of return addresses that are not known yet, all at once."""
        new = sorted({pc for pc in counters if pc not in self._places})
        for pc in new:
            self._places[pc] = symbolize(self.build, [f"{pc - 1:x}"])

    def _place(self, pc: int) -> str:
        frames = [frame for frame in self._places.get(pc, ()) if " maple_tree.c:" in frame]
        return " < ".join(frame.replace(" maple_tree.c", "") for frame in frames[:3])


def no_answer(error: Exception) -> ProcessEnded:
    """What to raise where an answer is none."""
    return ProcessEnded(f"an answer that is none: {error!r}")


def reader_lines(reader: Reader) -> list[str]:
    """A reader as the process reads it. Raises ValueError where it has no steps, or too many."""
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
