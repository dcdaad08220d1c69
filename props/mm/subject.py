"""Address spaces as a subject: what their cases begin with, what matters to a difference, how all ends."""

from collections.abc import Sequence

from mapleproof.props.common.answers import Answer
from mapleproof.props.common.difference import Difference
from mapleproof.props.common.forms import form_of
from mapleproof.props.common.operation import Common
from mapleproof.props.common.step import Step
from mapleproof.props.common.subject import Subject
from mapleproof.props.mm import operations as ops
from mapleproof.props.mm.admission import SpaceAdmission
from mapleproof.props.mm.dispatch import SPACE_FORMS
from mapleproof.props.mm.forms import FLAGS

MOST_OPERATIONS = 12


def steps_that_matter(difference: Difference) -> list[int]:
    """Which of the difference's steps to show, in order: that at which it showed, and before it those that
    wrote to the space that it is about, or to one that this came from by forks, until then."""
    at = difference.number - difference.first
    if not 0 <= at < len(difference.steps):
        return []
    about = {getattr(difference.op, "space", 0)}
    chosen = [at]
    for i in range(at - 1, -1, -1):
        op = difference.steps[i].op
        makes = isinstance(op, ops.Fork) and op.into in about
        if form_of(op).writes and (makes or getattr(op, "space", None) in about):
            chosen.append(i)
        if isinstance(op, ops.Fork) and makes:
            about.add(op.space)
    return sorted(chosen[:MOST_OPERATIONS])


def place(step: Step, actual: Answer | None = None) -> tuple[int, int]:
    """The range of addresses that a step names; all of a space where it names none."""
    start = getattr(step.op, "start", None)
    return (0, 2**64) if start is None else (start, start + getattr(step.op, "size", 1) - 1)


def teardown(spaces: Sequence[int]) -> list[Common]:
    """Let these spaces exit."""
    return [ops.Exit(space) for space in spaces]


ADDRESS_SPACE = Subject(
    name="address_space",
    forms=SPACE_FORMS,
    setup="space",
    flags=FLAGS,
    admission=SpaceAdmission,
    teardown=teardown,
    left="objects and pages of charge are left with all spaces gone",
    matters=steps_that_matter,
    place=place,
)
