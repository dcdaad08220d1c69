"""Model and port side by side: each operation goes to both, and what they answer must agree."""

from mapleproof.props.common.answers import ABSENT, NOTHING, Answer, Level, differing
from mapleproof.props.common.difference import ANSWER, CONTENT, CRASH, INVARIANT, Difference, place_of
from mapleproof.props.common.forms import form_of
from mapleproof.props.common.operation import Common
from mapleproof.props.common.port import Port
from mapleproof.props.common.replay import left_behind
from mapleproof.props.common.step import Step
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.dispatch import NO_MEMORY
from mapleproof.props.maple.expect import expectation
from mapleproof.props.maple.ports import ModelPort
from mapleproof.props.maple.subject import MAPLE_TREE

RHYTHM = 16
"""How many writes to a tree go by before its invariants and contents are looked at."""


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
        self.level: Level = "documented" if port.traits.coarse else level
        self.rhythm = rhythm
        self.steps: list[Step] = []
        self._unverified: dict[int, int] = {}

    def apply(self, op: Common) -> Answer:
        """Carry out one operation on both sides. Raises Difference."""
        actual = self.port.apply(op)
        if actual.crash is ABSENT:
            expected = expectation(self.model, op, actual, self.port.out_of_memory, self.port.traits)
        else:
            expected = self.model.apply(op)
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
        if actual.crash is ABSENT or not op.short_of_memory or "ret" not in form_of(op).answers:
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
        self.port.give_back([ops.MasDestroy(cursor=cursor) for cursor in sorted(self.model.cursors)])
        for tree in sorted(self.model.trees):
            self.verify(tree)
        lost = left_behind(self.port, MAPLE_TREE, list(self.model.trees))
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
