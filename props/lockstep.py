"""Model and port side by side: each operation goes to both, and what they answer must agree."""

import re
from collections.abc import Iterable

from props.cases.files import Step
from props.difference import ANSWER, CONTENT, CRASH, INVARIANT, LEAK, Difference
from props.expect import expectation
from props.ops import operations as ops
from props.ops.answers import ABSENT, NOTHING, Answer, Level, differing
from props.ops.dispatch import NO_MEMORY
from props.ops.forms import form_of, spell
from props.ops.operations import Common
from props.ports import ModelPort, Port

RHYTHM = 16
"""How many writes to a tree go by before its invariants and contents are looked at."""


NUMBER = re.compile(r"0x[0-9a-f]+|\d+")
SENTENCE = 80
"""Characters of a sentence that names a place."""


class Lockstep:
    """One run. `steps` is what was done so far, as a case holds it."""

    def __init__(
        self,
        port: Port,
        *,
        alloc_range: bool = False,
        rcu: bool = False,
        level: Level = "exact",
        rhythm: int = RHYTHM,
    ) -> None:
        self.port = port
        self.model = ModelPort(alloc_range)
        self.flags = {"alloc_range": alloc_range, "rcu": rcu}
        self.level = level
        self.rhythm = rhythm
        self.steps: list[Step] = []
        self._unverified: dict[int, int] = {}

    def apply(self, op: Common) -> Answer:
        """Carry out one operation on both sides. Raises Difference."""
        actual = self.port.apply(op)
        expected = expectation(self.model, op, actual) if actual.crash is ABSENT else self.model.apply(op)
        form = form_of(op)
        self.steps.append(Step(op, expected, self._refusal(op, actual)))
        keys = differing(expected, actual, self.level, form.moves)
        if keys:
            raise self._difference(CRASH if "crash" in keys else ANSWER, expected, actual, keys)
        if form.writes:
            writes = self._unverified.get(op.tree, 0) + 1
            self._unverified[op.tree] = writes
            if writes >= self.rhythm:
                self.verify(op.tree)
        return actual

    def _refusal(self, op: Common, actual: Answer) -> Answer | None:
        """The other right answer of an operation that crashed while it was kept short of memory."""
        if actual.crash is ABSENT or op.fail_after is None or "ret" not in form_of(op).answers:
            return None
        return Answer(ret=NO_MEMORY)

    def verify(self, tree: int) -> None:
        """Look at a tree's invariants and at all that it holds. Raises Difference."""
        self._unverified[tree] = 0
        expected = Answer(entries=self.model.snapshot(tree))
        self.steps.append(Step(ops.Snapshot(tree=tree), expected))
        try:
            self.port.check(tree)
            actual = Answer(entries=self.port.snapshot(tree))
        except Exception as error:
            kind = INVARIANT if isinstance(error, AssertionError) else CRASH
            raise self._difference(kind, detail=str(error)) from error
        if expected != actual:
            raise self._difference(CONTENT, expected, actual, ("entries",))
        self.steps.pop()

    def finish(self) -> None:
        """End loads in order, look at all trees a last time, and see that no node is left behind."""
        for cursor in sorted(self.model.cursors):
            self.port.apply(ops.MasDestroy(cursor=cursor))
        for tree in sorted(self.model.trees):
            self.verify(tree)
        lost = left_behind(self.port, self.model.trees)
        if lost is not None:
            lost.number, lost.steps, lost.flags = len(self.steps), self.steps, self.flags
            raise lost

    def _difference(
        self,
        kind: str,
        expected: Answer = NOTHING,
        actual: Answer = NOTHING,
        keys: tuple[str, ...] = (),
        detail: str = "",
    ) -> Difference:
        steps = self.steps
        difference = Difference(kind, steps[-1].op, expected, actual, keys, detail, len(steps), steps)
        difference.flags = self.flags
        difference.place = self.port.crash_place if kind == CRASH else place_of(detail)
        return difference


def place_of(detail: str) -> str:
    """The sentence that is broken, without the numbers of the node at hand."""
    return NUMBER.sub("N", detail.partition("\n")[0].partition(": ")[0])[:SENTENCE]


def left_behind(port: Port, trees: Iterable[int]) -> Difference | None:
    """Destroy all trees and end the grace period. What is wrong then, if anything."""
    for op in (*(ops.MtreeDestroy(tree=tree) for tree in trees), ops.RcuBarrier()):
        answer = port.apply(op)
        if answer.crash is not ABSENT:
            detail = f"with all done, {spell(op)}: {answer.crash}"
            return Difference(CRASH, op, actual=answer, detail=detail, place=port.crash_place)
    left = port.live_allocations()
    detail = f"{left} nodes are still allocated with all trees destroyed"
    return Difference(LEAK, ops.MtreeDestroy(), detail=detail, place=place_of(detail)) if left else None
