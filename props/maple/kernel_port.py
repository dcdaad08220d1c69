"""The port on a kernel's own maple tree, built from its sources by `impl.kernel`.

Readers are not counted: in RCU mode nodes are freed at `rcu_barrier` only. A reader that is to look within a
write looks before it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from mapleproof.impl.kernel.build import Build
from mapleproof.impl.kernel.tree import KernelTree
from mapleproof.props.common.answers import ABSENT, NOTHING, Answer
from mapleproof.props.common.forms import form_of, shared_arguments
from mapleproof.props.common.operation import Common
from mapleproof.props.common.port import Lacking, Port, Traits
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.dispatch import NO_MEMORY, TREE_FORMS
from mapleproof.props.maple.events import ALIKE, C_TREE, TRACED, UNTRACED
from mapleproof.props.maple.shaped import shaped, too_many
from mapleproof.props.maple.shortage import fields_of, short_of

TOGETHER = 256
"""Steps of one operation that go in one message at most."""

LONGEST_LOOP = 100_000
"""Entries after which a loop over a tree ends, whether there are more or not."""


class KernelPort(Port):
    """A maple tree in C, in a process of its own that is started anew where it crashes."""

    keeps_time = True
    IGNORED = frozenset({ops.RcuReadLock, ops.RcuReadUnlock})

    def __init__(self, build: Build, alloc_range: bool = False, rcu: bool = False) -> None:
        self.kernel = KernelTree(build, alloc_range=alloc_range, rcu=rcu, rcu_by_hand=rcu)
        lacks = frozenset(TREE_FORMS[name].operation for name in build.lacks if name in TREE_FORMS)
        coarse = "maple_status" not in build.capabilities
        self.traits = Traits(lacks, coarse, has_locks=not coarse)
        self._late: list[Answer] = []

    def apply(self, op: Common) -> Answer:
        if op.within is not None:
            answer = self._apply(op)
            if answer.crash is not ABSENT:
                return answer  # there is no tree any more for the write that follows
            self._late.append(answer)
            return NOTHING
        return self._apply(op)

    def late_answers(self) -> list[Answer]:
        late, self._late = self._late, []
        return late

    def _apply(self, op: Common) -> Answer:
        if type(op) in self.IGNORED:
            return NOTHING
        if isinstance(op, ops.Fill):
            return self._ask_all(list(op.stores()))
        if isinstance(op, ops.StoreRangeCounted):
            return self._counted(op)
        if isinstance(op, ops.MasFill):
            on = {"tree": op.tree, "cursor": op.cursor}
            steps: list[Common] = []
            for first, last, entry in op.ranges():
                steps += [
                    ops.MasSetRange(first, last, **on),
                    ops.MasStore(entry, **on, **fields_of(short_of(op))),
                ]
            return self._ask_all(steps)
        if isinstance(op, ops.LockVmaUnderRcu):
            return self._ask(ops.MtreeLoad(op.index, tree=op.tree))
        if isinstance(op, ops.LockNextVma):
            held = self.kernel.snapshot(op.tree)
            return Answer(entries=[range_ for range_ in held if range_[1] >= op.index])
        form = form_of(op)
        if isinstance(op, (ops.MasForEach, ops.MasForEachRev)) and form.name in self.kernel.build.lacks:
            return self._loop(op)
        answer = self._ask(op)
        if isinstance(op, ops.MtreeErase) and op.short_of_memory and answer.entry is not ABSENT:
            # mtree_erase does not say whether it had the memory to erase: what is there now does.
            there = self._ask(ops.MtreeLoad(op.index, tree=op.tree)).entry
            refused = answer.entry is not None and there is not None
            return Answer(entry=answer.entry, ret=NO_MEMORY if refused else 0)
        if answer.entry is not ABSENT and "entry" not in form.answers:
            return Answer(ret=answer.ret)
        return answer

    def _counted(self, op: ops.StoreRangeCounted) -> Answer:
        before = self.kernel.apply({"op": "shape", "tree": op.tree}).get("shape")
        if before is None:
            return self._ask(op)
        in_rcu = bool(self.kernel.apply({"op": "in_rcu", "tree": op.tree})["ret"])
        ours = shaped(before, self.kernel.flags["alloc_range"], in_rcu)
        answer = self._ask(ops.MtreeStoreRange(op.first, op.last, op.entry, tree=op.tree))
        if answer.ret != 0:
            return answer
        # Kernels with coarse cursors ask before they know what is to be done, for the most that there may be.
        asked = 0 if self.traits.coarse else self.kernel.apply({"op": "nodes"})["nodes"][0]
        after = self.kernel.apply({"op": "shape", "tree": op.tree}).get("shape", [])
        return Answer(ret=too_many(ours, op, asked, after))

    def _ask_all(self, steps: list[Common]) -> Answer:
        """The first answer that is no success, or that of the last step. They go over by the hundred: what
        comes after the first in its hundred is done all the same, in a run that is at its end."""
        answer = NOTHING
        for at in range(0, len(steps), TOGETHER):
            some = steps[at : at + TOGETHER]
            for op, given in zip(some, self.kernel.apply_many([_wired(op) for op in some]), strict=False):
                answer = self._answer(op, given)
                if answer.crash is not ABSENT or answer.ret not in (0, ABSENT):
                    return answer
        return answer

    def _loop(self, op: ops.MasForEach | ops.MasForEachRev) -> Answer:
        """What the macros of later kernels do with mas_find() and mas_find_rev()."""
        on = {"tree": op.tree, "cursor": op.cursor}
        step: Common = (
            ops.MasFind(op.max, **on) if isinstance(op, ops.MasForEach) else ops.MasFindRev(op.min, **on)
        )
        entries: list[tuple[Any, Any, Any]] = []
        while len(entries) < LONGEST_LOOP:
            answer = self._ask(step)
            if answer.crash is not ABSENT:
                return answer
            if answer.entry is None:
                break
            entries.append((answer.index, answer.last, answer.entry))
        return Answer(entries=sorted(entries, key=lambda range_: range_[0]))

    def _ask(self, op: Common) -> Answer:
        try:
            given = self.kernel.apply(_wired(op))
        except ValueError as error:
            return Answer(crash=f"{form_of(op).name} is not to be had on this port: {error}")
        return self._answer(op, given)

    def _answer(self, op: Common, given: dict[str, Any]) -> Answer:
        if "unsupported" in given:
            raise Lacking(f"Linux {self.kernel.build.version} has no {form_of(op).name}()")
        if "crash" in given and self.kernel.crash is not None:
            self.crash_place = self.kernel.crash.place
        if "entries" in given:
            given["entries"] = sorted(tuple(range_) for range_ in given["entries"])
        return Answer(**given)

    def give_back(self, ending: Iterable[Common]) -> None:
        """Only what cursors hold by right, so that a leak is one."""
        self.kernel.apply({"op": "give_back"})

    def check(self, tree: int) -> None:
        self.kernel.check(tree)

    def snapshot(self, tree: int) -> list[tuple[int, int, int]]:
        return self.kernel.snapshot(tree)

    def borders(self, tree: int) -> list[int]:
        return self.kernel.borders(tree)

    def live_allocations(self) -> int:
        return self.kernel.live_allocations()

    def events(self) -> Counter[str]:
        """What happened in the C tree in this run, as `events.py` names it; nothing where it crashed."""
        return named(self.kernel.events(), self.kernel.build)

    def close(self) -> None:
        self.kernel.close()


def _wired(op: Common) -> dict[str, Any]:
    """An operation as a step of a case, for the wire."""
    form = form_of(op)
    data: dict[str, Any] = {name: getattr(op, name) for name in form.arguments}
    data |= {"op": form.name, **dict(shared_arguments(op))}
    for of_readers in ("within", "access", "held_back"):
        data.pop(of_readers, None)
    return data


def named(counts: Mapping[str, int], build: Build) -> Counter[str]:
    """What the C tree of a build has counted, as `events.py` names it."""
    events: Counter[str] = Counter()
    for name, times in counts.items():
        events[C_TREE + ALIKE.get(name, name)] += times
    if events:
        traced = {ALIKE.get(name, name) for name in build.traced}
        events.update(UNTRACED + name for name in TRACED if name not in traced)
    return events
