"""The port on a kernel's own maple tree, built from its sources by `impl.kernel`.

Readers are not counted: in RCU mode nodes are freed at `rcu_barrier` only. A reader that is to look within a
write looks before it. `mas_nomem` is not offered.
"""

from collections import Counter
from typing import Any

from impl.kernel.build import Build
from impl.kernel.tree import KernelTree
from props.events import C_TREE
from props.ops import operations as ops
from props.ops.answers import ABSENT, NOTHING, Answer
from props.ops.dispatch import NO_MEMORY
from props.ops.forms import form_of, shared_arguments
from props.ops.operations import Common
from props.ops.tree_operations import filled


class KernelPort:
    """A maple tree in C, in a process of its own that is started anew where it crashes."""

    IGNORED = frozenset({ops.RcuReadLock, ops.RcuReadUnlock})

    def __init__(self, build: Build, alloc_range: bool = False, rcu: bool = False) -> None:
        self.kernel = KernelTree(build, alloc_range=alloc_range, rcu=rcu, rcu_by_hand=rcu)
        self.crash_place = ""
        self._late: list[Answer] = []

    def apply(self, op: Common) -> Answer:
        if op.within is not None:
            self._late.append(self._apply(op))
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
        if isinstance(op, ops.MasFill):
            on = {"tree": op.tree, "cursor": op.cursor}
            steps: list[Common] = []
            for first, last, entry in filled(op):
                steps += [
                    ops.MasSetRange(first, last, **on),
                    ops.MasStore(entry, **on, fail_after=op.fail_after),
                ]
            return self._ask_all(steps)
        form = form_of(op)
        answer = self._ask(op)
        if isinstance(op, ops.MtreeErase) and op.fail_after is not None and answer.entry is not ABSENT:
            # mtree_erase does not say whether it had the memory to erase: what is there now does.
            there = self._ask(ops.MtreeLoad(op.index, tree=op.tree)).entry
            refused = answer.entry is not None and there is not None
            return Answer(entry=answer.entry, ret=NO_MEMORY if refused else 0)
        if answer.entry is not ABSENT and "entry" not in form.answers:
            return Answer(ret=answer.ret)
        return answer

    def _ask_all(self, steps: list[Common]) -> Answer:
        """The first answer that is no success, or that of the last step."""
        answer = NOTHING
        for step in steps:
            answer = self._ask(step)
            if answer.crash is not ABSENT or answer.ret not in (0, ABSENT):
                break
        return answer

    def _ask(self, op: Common) -> Answer:
        form = form_of(op)
        data: dict[str, Any] = {name: getattr(op, name) for name in form.arguments}
        data |= {"op": form.name, **dict(shared_arguments(op))}
        data.pop("within", None)
        try:
            given = self.kernel.apply(data)
        except ValueError as error:
            return Answer(crash=f"{form.name} is not to be had on this port: {error}")
        if "crash" in given and self.kernel.crash is not None:
            self.crash_place = self.kernel.crash.place
        if "entries" in given:
            given["entries"] = [tuple(range_) for range_ in given["entries"]]
        return Answer(**given)

    def check(self, tree: int) -> None:
        self.kernel.check(tree)

    def snapshot(self, tree: int) -> list[tuple[int, int, int]]:
        return self.kernel.snapshot(tree)

    def borders(self, tree: int) -> list[int]:
        return self.kernel.borders(tree)

    def live_allocations(self) -> int:
        return self.kernel.live_allocations()

    def events(self) -> Counter[str]:
        """What happened in the C tree in this run, as `props.events` names it; nothing where it crashed."""
        return Counter({C_TREE + name: times for name, times in self.kernel.events().items()})

    def close(self) -> None:
        self.kernel.close()
