"""Every single preemption of a writer and a reader on our own tree.

The reader runs whole before each of the writer's stores to what both share, and the writer whole before each
of the reader's reads. Grace periods end when the reader comes in, for what was retired before, and when it
has left; what is freed is poisoned.

Not covered: two preemptions and more, stores that are held back, operations of mm's own, copies of a tree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from mapleproof.impl.kernel.scenario import Choice, Failure
from mapleproof.impl.maple import Cursor, MapleTree
from mapleproof.props.common.operation import Common
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.dispatch import TREE_FORMS
from mapleproof.props.maple.interleavings.judge import Judge, Read, Wrong
from mapleproof.props.maple.interleavings.scenario import Scenario
from mapleproof.props.maple.interleavings.watched import Watch, WatchedTree, cursor_on
from mapleproof.props.maple.ports import ImplPort

LACKS = (ops.LockVmaUnderRcu, ops.LockNextVma, ops.MtreeDup, ops.MtSetInRcu, ops.MtClearInRcu)
"""Steps of scenarios that are not carried out here."""


def can(scenario: Scenario) -> bool:
    """Whether all of a scenario can be carried out here."""
    return not any(isinstance(op, LACKS) for op in (*scenario.writes, *scenario.reads))


class Beside:
    """One scenario, of which any interleaving can be run, from the same state each."""

    def __init__(self, scenario: Scenario) -> None:
        port = ImplPort(scenario.alloc_range, rcu=True)
        for op in scenario.setup:
            port.carry_out(op)
        self.tree: MapleTree = port.trees[0]
        self.tree.synchronize_rcu()
        self.cursor: Cursor = port.cursors[0]
        self.scenario = scenario
        self.judge = Judge(scenario.states(), scenario.at)

    def run(self, choice: Choice) -> Failure | None:
        """One interleaving: what is wrong in it, if anything is."""
        return _Run(self, choice).failure()

    def single(self) -> Iterator[Failure | None]:
        """What every single preemption came to."""
        for policy, numbers in (("within", "stores"), ("at-access", "access")):
            at = 0
            while True:
                run = _Run(self, Choice(policy, **{numbers: at}))
                yield run.failure()
                if not run.stopped:
                    break
                at += 1


class _Run:
    def __init__(self, beside: Beside, choice: Choice) -> None:
        self.beside, self.choice = beside, choice
        self.watch = Watch()
        self.tree = WatchedTree(beside.tree, self.watch)
        self.port = ImplPort(beside.scenario.alloc_range, rcu=True)
        self.port.trees[0], self.port.cursors[0] = self.tree, cursor_on(self.tree, beside.cursor)
        self.begun = self.done = self.began = self.step = 0
        self.answers: list[Read] = []
        self.stopped = False
        """Whether the one that is to be stopped came so far."""

    def failure(self) -> Failure | None:
        """What is wrong in this interleaving."""
        try:
            if self.choice.policy == "within":
                self._stop(self._write, self._read, "store", self.choice.stores)
            else:
                self._stop(self._read, self._write, "read", self.choice.access)
            self.beside.judge.judge(self.answers, self.beside.scenario.reads, self.began)
            self.tree.pool.end_grace_period()
            self.tree.check()
        except Wrong as wrong:
            read = self.answers[wrong.args[1]]
            shown: Any = read.entry if isinstance(read.entry, int) or read.entry is None else str(read.entry)
            answer = {"entry": shown, "index": read.index, "last": read.last, "status": read.status}
            step = read.step + self.beside.scenario.uses_cursor
            return Failure(str(wrong.args[0]), False, 1, step, self.choice, answer)
        except _Ended as ended:
            step = self.step + self.beside.scenario.uses_cursor
            return Failure(str(ended), False, 1, step, self.choice)
        return None

    def _stop(self, one: Callable[[], None], other: Callable[[], None], kind: str, at: int) -> None:
        """``one``, with ``other`` whole before its access of that kind and number; behind it where it has
        fewer."""
        seen = 0
        hook = f"on_{kind}"

        def count() -> None:
            nonlocal seen
            if seen == at and not self.stopped:
                self.stopped = True
                setattr(self.watch, hook, None)
                other()
                setattr(self.watch, hook, None)
            seen += 1

        setattr(self.watch, hook, count)
        one()
        setattr(self.watch, hook, None)
        if not self.stopped:
            other()

    def _write(self) -> None:
        for op in self.beside.scenario.writes:
            self.begun += 1
            try:
                self.port.carry_out(op)
            except (_Ended, Wrong):
                raise
            except Exception as error:
                raise _Ended(f"the writer: {_told(error)}") from error
            self.done += 1

    def _read(self) -> None:
        tree = self.tree
        tree.pool.end_grace_period()
        tree.readers += 1
        self.began = self.done
        try:
            cursor = Cursor(tree, self.beside.scenario.at)
            for step, op in enumerate(self.beside.scenario.reads):
                self.step = step
                for entry, index, last in _answers(tree, cursor, op):
                    status = cursor.status
                    self.answers.append(Read(step, self.begun, entry, index, last, status))
        except (_Ended, Wrong):
            raise
        except Exception as error:
            raise _Ended(f"the reader: {_told(error)}") from error
        tree.readers -= 1
        tree.pool.end_grace_period()


class _Ended(Exception):
    """A side went wrong; ``str()`` says how."""


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _answers(tree: MapleTree, cursor: Cursor, op: Common) -> Iterator[tuple[Any, int, int]]:
    """What a step of a reader answers with: the entry, and its range as far as it is told."""
    match op:
        case ops.MtreeLoad():
            yield tree.load(op.index), op.index, op.index
        case ops.MtFind():
            entry, index = tree.find(op.index, op.max)
            yield entry, op.index, (index - 1) % 2**64
        case ops.MtNext():
            yield tree.next(op.index, op.max), op.index, op.max
        case ops.MtPrev():
            yield tree.prev(op.index, op.min), op.index, op.min
        case ops.MasForEach() | ops.MasForEachRev():
            while True:
                entry = cursor.find(op.max) if isinstance(op, ops.MasForEach) else cursor.find_rev(op.min)
                yield entry, cursor.index, cursor.last
                if entry is None:
                    return
        case _:
            form = TREE_FORMS.of(type(op))
            if not form.steps and not isinstance(op, ops.MasWalk):
                raise AssertionError(f"no step of a reader: {op}")
            yield form.carry_out(cursor, op).entry, cursor.index, cursor.last


def first_failure(scenario: Scenario) -> tuple[int, Failure | None]:
    """How many interleavings were run, and what the first that fails does."""
    runs = 0
    for failure in Beside(scenario).single():
        runs += 1
        if failure is not None:
            return runs, failure
    return runs, None
