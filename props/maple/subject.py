"""The maple tree as a subject: what its cases begin with, what matters to a difference, how all of it ends.

An operation matters if it was done through the same cursor since that was last placed, or wrote where the
failing operation looked.
"""

from collections.abc import Iterator, Sequence

from mapleproof.props.common.answers import ABSENT, Answer
from mapleproof.props.common.difference import Difference
from mapleproof.props.common.forms import form_of
from mapleproof.props.common.operation import Common
from mapleproof.props.common.report import failing_step
from mapleproof.props.common.step import Step
from mapleproof.props.common.subject import Subject
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.admission import TreeAdmission
from mapleproof.props.maple.dispatch import TREE_FORMS
from mapleproof.props.maple.operations import MasInit, MasSet, MasSetRange, MtreeDup, Snapshot

MOST_OPERATIONS = 6
PLACING = (MasInit, MasSet, MasSetRange)
NAMING_PLACES = ("index", "first", "last", "start")


def operations_that_matter(difference: Difference) -> list[int]:
    """Which of the difference's steps to show, in order; of a reader within a write, that write last."""
    steps = difference.steps
    failing = failing_step(difference)
    if failing is None:
        return []
    at = difference.number - difference.first
    chosen = [*range(at, len(steps)), *_steps_of_cursor(steps, at)][:MOST_OPERATIONS]
    places = [place_named(steps[i]) for i in chosen] + [place_named(failing, difference.actual)]
    low, high = min(place[0] for place in places) - 1, max(place[1] for place in places) + 1
    for i in range(at - 1, -1, -1):
        if len(chosen) == MOST_OPERATIONS:
            break
        op = steps[i].op
        if i in chosen or (op.tree != failing.op.tree and not isinstance(op, MtreeDup)):
            continue
        first, last = place_named(steps[i])
        if isinstance(op, MtreeDup) or (form_of(op).writes and first <= high and last >= low):
            chosen.append(i)
    return sorted(chosen)


def _steps_of_cursor(steps: Sequence[Step], at: int) -> Iterator[int]:
    """The steps through the same cursor before this one, the last first, back to where it was placed."""
    op = steps[at].op
    if not form_of(op).uses_cursor or isinstance(op, PLACING):
        return
    for i in range(at - 1, -1, -1):
        before = steps[i].op
        if form_of(before).uses_cursor and before.cursor == op.cursor:
            yield i
            if isinstance(before, PLACING):
                return


def place_named(step: Step, actual: Answer | None = None) -> tuple[int, int]:
    """The lowest and highest index that a step names or answers; of a write that names none, of all."""
    sources = [source for source in (step.op, step.expect, actual) if source is not None]
    named = [getattr(source, name, ABSENT) for source in sources for name in NAMING_PLACES]
    words = [word for word in named if word is not ABSENT]
    if not words and (form_of(step.op).writes or isinstance(step.op, Snapshot)):
        return 0, 2**64
    return (min(words), max(words)) if words else (2**64, -1)


def teardown(trees: Sequence[int]) -> list[Common]:
    """Destroy these trees, and let the grace period end."""
    return [*(ops.MtreeDestroy(tree=tree) for tree in trees), ops.RcuBarrier()]


MAPLE_TREE = Subject(
    name="maple_tree",
    forms=TREE_FORMS,
    setup="tree",
    flags=("alloc_range", "rcu"),
    admission=TreeAdmission,
    teardown=teardown,
    left="nodes are still allocated with all trees destroyed",
    matters=operations_that_matter,
    place=place_named,
)
