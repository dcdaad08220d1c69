"""What a run found: the first step at which a port did not do what it must."""

from dataclasses import dataclass, field

from props.cases.files import Step
from props.ops.answers import NOTHING, Answer
from props.ops.operations import Common

ANSWER = "wrong answer"
CONTENT = "wrong content"
INVARIANT = "broken invariant"
CRASH = "crash"
LEAK = "leak"


@dataclass(eq=False)
class Difference(Exception):
    """One failure, and the run up to it.

    `kind` is one of the words above, `keys` are the keys of the answer that differ. `detail` is what there is
    to say where no answer differs, such as the broken invariant and its node. `number` is the step that it
    showed at, from 1. `steps` are the steps of the run, of a long one the last; `first` is the number of the
    first of them. `flags` are those that the run began with, where it is not from a case file.
    """

    kind: str
    op: Common
    expected: Answer = NOTHING
    actual: Answer = NOTHING
    keys: tuple[str, ...] = ()
    detail: str = ""
    number: int = 0
    steps: list[Step] = field(default_factory=list)
    first: int = 1
    flags: dict[str, bool] = field(default_factory=dict)
    place: str = ""

    @property
    def sort(self) -> str:
        """What tells one defect from another: the kind, the operation, and the place."""
        what = self.actual.crash if self.kind == CRASH and isinstance(self.actual.crash, str) else ""
        kind = what.partition(" in ")[0].partition(":")[0] or self.kind
        return f"{kind} in {type(self.op).__name__}" + (f" at {self.place}" if self.place else "")

    def __str__(self) -> str:
        return f"{self.kind} at step {self.number}: {self.detail or self.keys}"
