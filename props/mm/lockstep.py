"""Reference and implementation of address spaces side by side: each operation goes to both."""

from mapleproof.impl.mm.geometry import PageGeometry
from mapleproof.props.common.answers import NOTHING, Answer, differing
from mapleproof.props.common.difference import CONTENT, INVARIANT, Difference
from mapleproof.props.common.operation import Common
from mapleproof.props.common.replay import kind_of, left_behind
from mapleproof.props.common.step import Step
from mapleproof.props.mm import operations as ops
from mapleproof.props.mm.forms import flags_of
from mapleproof.props.mm.ports import ImplSpaces, ModelSpaces
from mapleproof.props.mm.subject import ADDRESS_SPACE
from mapleproof.props.mm.sweep import QUERIES, difference

RHYTHM = 4
"""How many operations go by before everything is looked at."""


class SpacesLockstep:
    """One run. `steps` is what was done so far, as a case holds it."""

    def __init__(self, geometry: PageGeometry) -> None:
        self.geometry = geometry
        self.port = ImplSpaces(geometry)
        self.model = ModelSpaces(geometry)
        self.steps: list[Step] = []

    @property
    def spaces(self) -> list[int]:
        """The spaces that are there."""
        return sorted(self.model.world.spaces)

    def apply(self, op: Common) -> Answer:
        """Carry out one operation on both sides. Raises Difference."""
        actual = self.port.apply(op)
        expected = self.model.expected(op, self.port.final)
        self.steps.append(Step(op, expected))
        keys = differing(expected, actual, "exact", True)
        if keys:
            kind = CONTENT if isinstance(op, QUERIES) and "crash" not in keys else kind_of(keys)
            raise self._difference(kind, op, expected, actual, keys)
        if len(self.steps) % RHYTHM == 0 or isinstance(op, ops.Fork):
            self.verify()
        return actual

    def verify(self) -> None:
        """Look at all spaces. Raises Difference."""
        op = self.steps[-1].op if self.steps else ops.Committed()
        try:
            for space in self.spaces:
                self.port.check(space)
        except AssertionError as error:
            raise self._difference(INVARIANT, op, detail=str(error)) from error
        unlike = difference(self.port, self.model, self.spaces, self.geometry)
        if unlike is not None:
            query, expected, actual = unlike
            self.steps.append(Step(query, expected))
            keys = differing(expected, actual, "exact", True)
            raise self._difference(CONTENT, query, expected, actual, keys)

    def finish(self) -> None:
        """Look at everything a last time; then all spaces exit, and nothing may be left. Raises
        Difference."""
        self.verify()
        found = left_behind(self.port, ADDRESS_SPACE, self.spaces)
        if found is not None:
            raise self._difference(found.kind, found.op, actual=found.actual, detail=found.detail)

    def _difference(
        self,
        kind: str,
        op: Common,
        expected: Answer = NOTHING,
        actual: Answer = NOTHING,
        keys: tuple[str, ...] = (),
        detail: str = "",
    ) -> Difference:
        found = Difference(kind, op, expected, actual, keys, detail, len(self.steps), self.steps)
        found.flags = flags_of(self.geometry)
        return found
