"""Every alarm rings for its damage, and where it is left out its canary tells."""

import inspect
from pathlib import Path

import pytest

from mapleproof.props.common.canary import Canary, silent
from mapleproof.props.common.planting import function_at
from mapleproof.props.job.units import Task, run_unit
from mapleproof.props.maple import canaries as maple_canaries
from mapleproof.props.mm import canaries as mm_canaries
from tests.mutation import Mutant, functions, mutants, planted

ALL = (*maple_canaries.CANARIES, *mm_canaries.CANARIES)

pytestmark = pytest.mark.source

OF_ALARMS = [
    mutant
    for where in functions("impl.mm")
    if where.startswith("impl.mm.observers:") or "alarm(" in inspect.getsource(function_at(where))
    for mutant in mutants(where)
    if (mutant.new == "pass" and "alarm(" in mutant.old) or where.startswith("impl.mm.observers:")
]
"""An alarm left out, or whatever decides that an observer sees what it must not."""


def test_each_rings() -> None:
    assert not list(silent(ALL))
    assert len({canary.name for canary in ALL}) == len(ALL) > 100


def test_there_is_one_for_every_invariant() -> None:
    said = {canary.says for canary in maple_canaries.CANARIES}
    assert set(maple_canaries.INVARIANTS.values()) <= said


def test_every_alarm_of_fork_is_among_them() -> None:
    assert sum(mutant.new == "pass" for mutant in OF_ALARMS) >= 20


@pytest.mark.parametrize("mutant", OF_ALARMS, ids=str)
def test_an_alarm_left_out_is_missed(mutant: Mutant) -> None:
    with planted(mutant):
        assert list(silent(ALL)), mutant


def test_the_main_job_tells_of_it(tmp_path: Path) -> None:
    assert run_unit(Task("canaries", 0, 0, out=str(tmp_path))).failure is None
    with planted(OF_ALARMS[0]):
        done = run_unit(Task("canaries", 0, 0, out=str(tmp_path)))
    assert done.failure == "an alarm does not ring as it must"
    assert done.told


def test_one_that_rings_where_all_is_well_is_told_of() -> None:
    assert "all is well there" in Canary("quiet", lambda: ["something"], "").silent()
    assert "nothing says 'loud'" in Canary("quiet", list, "loud").silent()
