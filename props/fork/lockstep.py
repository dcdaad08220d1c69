"""Reference and implementation of address spaces side by side: each operation goes to both."""

from impl.mm.geometry import PageGeometry
from props.cases.files import Step
from props.difference import ANSWER, CONTENT, CRASH, INVARIANT, Difference
from props.fork import operations as ops
from props.fork.case import finish
from props.fork.ports import ImplSpaces, ModelSpaces
from props.fork.sweep import difference
from props.ops.answers import ABSENT, NOTHING, Answer, differing
from props.ops.common_operations import Common

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
        expected = self.model.expected(op, actual)
        self.steps.append(Step(op, expected))
        keys = differing(expected, actual, "exact", True)
        if keys:
            kind = CRASH if "crash" in keys else ANSWER
            detail = "" if actual.crash is ABSENT else actual.crash
            raise self._difference(kind, op, expected, actual, keys, detail)
        if len(self.steps) % RHYTHM == 0 or isinstance(op, ops.Fork):
            self.verify()
        return actual

    def verify(self) -> None:
        """Look at all spaces. Raises Difference."""
        op = self.steps[-1].op if self.steps else ops.Committed()
        try:
            self.port.check()
        except AssertionError as error:
            raise self._difference(INVARIANT, op, detail=str(error)) from error
        alarm = difference(self.port, self.model, self.spaces, self.geometry)
        if alarm is not None:
            raise self._difference(CONTENT, op, detail=f"{alarm.promise}: {alarm.what}")

    def finish(self) -> None:
        """Look at everything a last time; then all spaces exit, and nothing may be left. Raises
        Difference."""
        self.verify()
        found = finish(self.port)
        if found is not None:
            raise self._difference(found.kind, found.op, detail=found.detail)

    def _difference(
        self,
        kind: str,
        op: Common,
        expected: Answer = NOTHING,
        actual: Answer = NOTHING,
        keys: tuple[str, ...] = (),
        detail: str = "",
    ) -> Difference:
        return Difference(kind, op, expected, actual, keys, detail, len(self.steps), self.steps)
