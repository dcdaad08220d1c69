"""Three sides of one history: the running kernel, the reference, and the implementation.

After each call all spaces are compared: VMAs with equal neighbours as one, and bytes of page tables.
"""

from __future__ import annotations

from errno import EFAULT, EINVAL, ENOMEM

from impl.mm.geometry import X86_64
from props.cases.files import Step
from props.difference import ANSWER, CONTENT, CRASH, Difference
from props.fork import operations as ops
from props.fork.ports import ImplSpaces, ModelSpaces
from props.live.merging import Merging
from props.live.port import LivePort
from props.ops.answers import ABSENT, Answer, differing
from props.ops.common_operations import Common


class LiveLockstep:
    """One history. ``steps`` is what was done and asked so far, as a case holds it: what the running kernel
    answers, where it answers right."""

    def __init__(self) -> None:
        self.port = LivePort()
        self.model = ModelSpaces(X86_64)
        self.impl = ImplSpaces(X86_64)
        self.merging = Merging(self.model, self.impl)
        self.steps: list[Step] = []
        self.refusals = 0
        """Calls that both sides refused for another reason."""

    def apply(self, op: Common) -> Answer:
        """Carry a call out on all sides, and look at all spaces. Raises Difference."""
        actual = self._ask(op)
        if actual.ret == 0 and not isinstance(op, (ops.Fork, ops.Exit)):
            self.merging.note(op)
        for space in sorted(self.model.world.spaces):
            self._ask(ops.Vmas(space))
            self._ask(ops.TableBytes(space))
        return actual

    def _ask(self, op: Common) -> Answer:
        expected = self.model.apply(op)
        self.steps.append(Step(op, expected))
        for side, actual in (("impl", self.impl.apply(op)), ("live", self.port.apply(op))):
            wanted = Answer(ret=expected.ret) if side == "impl" and isinstance(op, ops.Read) else expected
            keys = differing(wanted, actual, "exact", True)
            if keys and _either_error(op, expected, actual):
                self.refusals += 1
            elif keys:
                kind = CRASH if "crash" in keys else ANSWER if isinstance(expected.ret, int) else CONTENT
                detail = "" if actual.crash is ABSENT else str(actual.crash)
                number = len(self.steps)
                difference = Difference(kind, op, expected, actual, keys, detail, number, self.steps)
                difference.place = side
                raise difference
        return expected

    def close(self) -> None:
        self.port.close()


def _either_error(op: Common, expected: Answer, actual: Answer) -> bool:
    """Whether both refuse an mremap that has two things wrong: which is looked at first has changed."""
    errors = (-EFAULT, -EINVAL, -ENOMEM)
    return isinstance(op, ops.Mremap) and expected.ret in errors and actual.ret in errors
