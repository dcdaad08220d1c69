"""The smallest forks that show what a recovery breaks in 6.12's own code: each file is named after one.

Which request of a fork it is that must be refused depends on the build: some are tried.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from mapleproof.props.common.answers import ABSENT
from mapleproof.props.common.files import Case
from mapleproof.props.job.subjects import read_case
from mapleproof.props.mm import operations as ops
from mapleproof.props.mm.booted_port import BootedPort
from tests.booted.conftest import port_name

CASES = sorted((Path(__file__).parent / "cases").glob("*_*.jsonl"))
RIGHT = "unmap_in_place"
SHIFTS = (0, -1, 1, -2, 2, -3, 3)


def breaks(port: BootedPort, case: Case, shift: int) -> bool:
    """Whether something breaks in a new guest, where requests so many later are refused."""
    port.spaces.restart()
    port.reset()
    for step in case.steps:
        after = step.op.fail_after
        op = step.op if after is None else replace(step.op, fail_after=after + shift)
        answer = port.apply(op)
        if answer.crash is not ABSENT:
            return True
        if isinstance(op, ops.Fork) and answer.ret == 0:
            port.apply(ops.Exit(op.into))
    return False


def test_there_are_some() -> None:
    assert len(CASES) == 3


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_it_breaks_there_and_holds_in_place(path: Path) -> None:
    case = read_case(path)
    for seed, broken in ((path.stem.partition("-")[0], True), (RIGHT, False)):
        port = BootedPort(port_name(seed=seed))
        try:
            assert any(breaks(port, case, shift) for shift in SHIFTS) is broken
        finally:
            port.close()
