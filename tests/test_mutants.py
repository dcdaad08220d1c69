"""The sweep over one-line mistakes, small: what it draws, what it notices, and that it can miss."""

import sys

import pytest

from tests import mutants, mutation
from tests.mutants import PACKAGES, all_places, noticed, sample
from tests.mutation import Mutant, functions

pytestmark = pytest.mark.source


def the(where: str, old: str, new: str) -> Mutant:
    """One mistake."""
    return next(one for one in mutation.mutants(where) if one[:3] == (where, old, new))


NOTICED = {
    "canaries": ("impl.mm.observers:swapoff", "mm.lock.free and mm.users", "mm.lock.free"),
    "bulk": ("impl.maple.search:empty_area", "size == 0", "size != 0"),
    "histories": ("impl.mm.advise:mprotect", "covered == start", "covered != start"),
}
"""By lane, a mistake that it is first to notice."""


def test_there_are_mistakes_of_every_kind_in_every_module() -> None:
    every = all_places()
    assert len(every) > 3000
    modules = {place.where.partition(":")[0] for place in every}
    assert {"impl.maple.rebuild", "impl.mm.advise", "impl.mm.recovery.zero_marker"} <= modules
    new = {mutant.new for mutant in mutation.mutants("impl.mm.advise:madvise")}
    assert {"errno.EINVAL", "end", "None", "True"} & new == {"errno.EINVAL"}


def test_a_sample_is_the_same_each_time_and_out_of_both_packages() -> None:
    first, second = sample(7, 3), sample(7, 3)
    assert [str(one) for one in first] == [str(one) for one in second]
    assert [sum(one.where.startswith(package) for one in first) for package in PACKAGES] == [4, 3]
    assert [str(one) for one in sample(7, 4)] != [str(one) for one in first]


def test_functions_that_hold_on_to_variables_are_left_out() -> None:
    assert "impl.mm.calls:_writing" in functions("impl.mm")
    assert all("<locals>" not in where for where in functions("impl.maple"))


@pytest.mark.parametrize("lane", NOTICED)
def test_it_notices(lane: str) -> None:
    came = noticed(the(*NOTICED[lane]), 30)
    assert came.by.startswith(lane), came


def test_it_can_miss() -> None:
    """A change that changes nothing."""
    came = noticed(the("impl.mm.limits:clip", "start > low", "start >= low"), 0.5)
    assert not came.by
    assert came.seconds >= 0.5


def test_the_command_tells_of_each(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = [the(*NOTICED["canaries"]), the("impl.mm.limits:clip", "start > low", "start >= low")]
    monkeypatch.setattr(mutants, "sample", lambda count, seed: chosen)
    arguments = ["mutants", "--sample", "2", "--seconds", "0.2"]
    monkeypatch.setattr(sys, "argv", [*arguments, "--least", "0.5"])
    assert mutants.main() == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("noticed")
    assert told[1].startswith("MISSED")
    assert told[-1].startswith("50% of 2 noticed")
    monkeypatch.setattr(sys, "argv", [*arguments, "--least", "0.9"])
    assert mutants.main() == 1
