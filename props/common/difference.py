"""What a run found: the first step at which a port did not do what it must."""

import re
from dataclasses import dataclass, field
from textwrap import shorten

from mapleproof.props.common.answers import NOTHING, Answer
from mapleproof.props.common.forms import form_of
from mapleproof.props.common.guard import is_hang
from mapleproof.props.common.operation import Common
from mapleproof.props.common.step import Step

ANSWER = "wrong answer"
CONTENT = "wrong content"
INVARIANT = "broken invariant"
CRASH = "crash"
LEAK = "leak"

NUMBER = re.compile(r"0x[0-9a-f]+|\d+")
SENTENCE = 80
"""Characters of a sentence that names a place."""


def place_of(detail: str) -> str:
    """The sentence that is broken, without the numbers of the node at hand and without what follows it."""
    line = NUMBER.sub("N", detail.partition("\n")[0])
    return shorten(line.partition(": ")[0].partition(". ")[0].rstrip(" ."), SENTENCE, placeholder="")


@dataclass(eq=False)
class Difference(Exception):
    """One failure, and the run up to it.

    `kind` is one of the words above, `keys` are the keys of the answer that differ. `detail` is what there is
    to say where no answer differs, such as the broken invariant and its node. `number` is the step that it
    showed at, from 1. `steps` are the steps of the run, of a long one the last; `first` is the number of the
    first of them. `flags` are those that the run began with, where it is not from a case file. `unfinished`
    says why there may be a smaller run.
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
    unfinished: str = ""

    @property
    def hangs(self) -> bool:
        """Whether the port came to no end, or told that its process did not."""
        told = f"{self.actual.crash} {self.detail}"
        return is_hang(told) or "hang in " in told

    @property
    def sort(self) -> str:
        """What tells one defect from another: the kind, the operation, and the place."""
        name = form_of(self.op).name
        if self.hangs:
            return f"hangs in {name}" + (f" at {self.place}" if self.place else "")
        what = self.actual.crash if self.kind == CRASH and isinstance(self.actual.crash, str) else ""
        kind = what.partition(" in ")[0].partition(":")[0] or self.kind
        if kind == "broken":
            kind = ":".join(what.split(":")[:2])
        if self.kind == INVARIANT and self.place:
            return f"{kind}: {self.place}"
        return f"{kind} in {name}" + (f" at {self.place}" if self.place else "")

    @property
    def told(self) -> str:
        """What there is to say of it beside its answers: the detail, or how it crashed."""
        return self.detail or (self.actual.crash if isinstance(self.actual.crash, str) else "")

    def __str__(self) -> str:
        return f"{self.kind} at step {self.number}: {self.detail or self.keys}"
