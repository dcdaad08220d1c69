"""What every port must pass: `pytest --port kernel:PATH --pyargs mapleproof.tests` runs it on a
kernel's.

On a kernel's tree what docs/findings.md lists for Linux 6.12 is kept away from.
"""

from pathlib import Path

import pytest
from hypothesis import settings

from mapleproof.props.job.choose_port import choose_port, is_kernel
from mapleproof.props.job.subjects import open_case
from mapleproof.props.maple.lanes import bulk
from mapleproof.props.maple.lanes.machines import report_failure, run_machine
from mapleproof.props.maple.lanes.maple_machine import MapleMachine
from mapleproof.props.maple.subject import MAPLE_TREE

RECORDINGS = sorted((Path(__file__).parent / "cases").glob("*.jsonl*"))
RUNS = range(1000, 1030)


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.name.partition(".")[0])
def test_recordings_are_met_exactly(port_name: str, path: Path) -> None:
    case = open_case(path)
    port = choose_port(port_name, MAPLE_TREE)(**case.header.flags)
    result = MAPLE_TREE.replay(case, port, "exact")
    port.close()
    assert result.difference is None
    assert result.steps > 0


def test_the_state_machine_agrees(port_name: str, tmp_path: Path) -> None:
    class Machine(MapleMachine):
        make_port = staticmethod(choose_port(port_name, MAPLE_TREE))
        careful = is_kernel(port_name)

    difference = run_machine(Machine, settings(max_examples=2 * settings().max_examples))
    assert difference is None, report_failure(Machine, difference, "machine", tmp_path)


@pytest.mark.parametrize("number", RUNS)
def test_bulk_runs_agree(port_name: str, number: int) -> None:
    run = bulk.run(number, 3000, choose_port(port_name, MAPLE_TREE), careful=is_kernel(port_name))
    assert run.finding is None
    assert run.operations >= 3000
