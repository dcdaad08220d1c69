"""Three sides of one history: the running kernel, the reference, and the implementation.

After each call all spaces are compared: VMAs with equal neighbours as one, and bytes of page tables.
"""

from __future__ import annotations

from errno import EFAULT, EINVAL, ENOMEM

from mapleproof.impl.mm.geometry import X86_64, PageGeometry
from mapleproof.props.common.answers import Answer, differing
from mapleproof.props.common.difference import Difference
from mapleproof.props.common.operation import Common
from mapleproof.props.common.replay import kind_of
from mapleproof.props.common.step import Step
from mapleproof.props.mm import operations as ops
from mapleproof.props.mm.booted_port import BootedPort
from mapleproof.props.mm.live_merging import Merging
from mapleproof.props.mm.live_port import LivePort
from mapleproof.props.mm.ports import ImplSpaces, ModelSpaces

FLAGS = {"tiny": False, "five_levels": False, "hugepd": False}
"""The page tables, as a case's header names them."""


class LiveLockstep:
    """One history. ``steps`` is what was done and asked so far, as a case holds it: what the running kernel
    answers, where it answers right. ``port`` is the kernel, the running one unless a booted one is given."""

    def __init__(self, port: LivePort | BootedPort | None = None, geometry: PageGeometry = X86_64) -> None:
        self.port = port or LivePort()
        self.geometry = geometry
        self.model = ModelSpaces(geometry)
        self.impl = ImplSpaces(geometry)
        self.merging = Merging(self.model, self.impl)
        self.steps: list[Step] = []
        self.refusals = 0
        """Calls that both sides refused for another reason."""

    @property
    def region(self) -> range:
        """Addresses that a space may use."""
        return self.port.region

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
        sides = (("impl", self.impl.follow(op, expected)), ("live", self.port.follow(op, expected)))
        for side, actual in sides:
            keys = differing(expected, actual, "exact", True)
            if keys and _either_error(op, expected, actual):
                self.refusals += 1
            elif keys:
                raise Difference(
                    kind_of(keys),
                    op,
                    expected,
                    actual,
                    keys,
                    number=len(self.steps),
                    steps=self.steps,
                    place=side,
                    flags=FLAGS,
                )
        return expected

    def close(self) -> None:
        self.port.close()


def _either_error(op: Common, expected: Answer, actual: Answer) -> bool:
    """Whether both refuse an mremap that has two things wrong: which is looked at first has changed."""
    errors = (-EFAULT, -EINVAL, -ENOMEM)
    return isinstance(op, ops.Mremap) and expected.ret in errors and actual.ret in errors
