"""One step of a run or a case: what was done, and what it must answer."""

from dataclasses import dataclass

from mapleproof.props.common.answers import NOTHING, Answer
from mapleproof.props.common.operation import Common


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a case. `expect` is the answer; where `also` is given, that one is right too."""

    op: Common
    expect: Answer = NOTHING
    also: Answer | None = None
