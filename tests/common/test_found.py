"""What becomes a case is a case: it can be read again."""

from pathlib import Path

from mapleproof.props.common.answers import Answer
from mapleproof.props.common.difference import CRASH, Difference
from mapleproof.props.common.found import found_case, write_found
from mapleproof.props.common.step import Step
from mapleproof.props.job.subjects import read_case
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.subject import MAPLE_TREE


def test_a_reader_that_crashed_waits_for_no_write(tmp_path: Path) -> None:
    """It was to look within a write that no run came to."""
    steps = [
        Step(ops.MtreeStoreRange(0, 3, 1), Answer(ret=0)),
        Step(ops.MasInit(2, cursor=1)),
        Step(ops.RcuReadLock(cursor=1)),
        Step(ops.MasWalk(cursor=1, within=0), Answer(entry=1, index=0, last=3, status="active")),
    ]
    difference = Difference(CRASH, steps[-1].op, steps=steps)
    case = found_case(difference, "crashed", {"alloc_range": False, "rcu": True}, {}, MAPLE_TREE)
    read = read_case(write_found(case, tmp_path))
    assert read.steps[-1].op == ops.MasWalk(cursor=1)
    assert read.steps[:-1] == steps[:-1]
