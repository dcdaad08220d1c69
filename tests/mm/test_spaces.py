"""Real address spaces: those kept with the project, and this process's own."""

import re

import pytest

from mapleproof.impl.mm.recovery import MEANT_TO_BE_RIGHT
from mapleproof.props.mm.maps import SpaceError, capture, from_text, kept_spaces, spread, sweep_space, to_text

SPACES = kept_spaces()
SMALL = [name for name, space in SPACES.items() if len(space) <= 200]


def test_a_dozen_are_kept_and_one_is_large() -> None:
    assert len(SPACES) >= 12
    assert max(len(space) for space in SPACES.values()) > 10_000


def test_they_tell_of_no_machine() -> None:
    for space in SPACES.values():
        assert re.fullmatch(r"(?:[0-9a-f]+-[0-9a-f]+ [a-z,-]+ (?:\d+|-) \d+\n)+", to_text(space))


@pytest.mark.parametrize("name", SMALL)
def test_every_failure_point_of_a_small_one(name: str) -> None:
    swept = sweep_space(SPACES[name], MEANT_TO_BE_RIGHT)
    assert not swept.broken
    assert swept.points > len(SPACES[name])


def test_every_failure_point_of_an_interpreter_with_hundreds_of_vmas() -> None:
    space = SPACES["python-z3"]
    swept = sweep_space(space, MEANT_TO_BE_RIGHT)
    assert len(space) > 200
    assert swept.points > 500
    assert not swept.broken


def test_some_failure_points_of_the_largest() -> None:
    swept = sweep_space(SPACES["python-12000"], MEANT_TO_BE_RIGHT, 4)
    assert swept.points >= 4
    assert not swept.broken


def test_the_patch_of_the_mail_breaks_on_a_real_space() -> None:
    assert sweep_space(SPACES["bash"], "undo_v4").broken


def test_this_process_can_fork() -> None:
    try:
        space = capture()
    except SpaceError:
        pytest.skip("no smaps here")
    assert from_text(to_text(space), "self") == space
    assert not sweep_space(space, MEANT_TO_BE_RIGHT, 40).broken


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no VMA"),
        ("1000-2000 rd - x\n", "no VMA:"),
        ("1000-2000 rd - 0\n1000-3000 rd - 0\n", ":2: "),
        ("1000-1001 rd - 0\n", "unaligned"),
        ("1000-2000 zz - 0\n", "zz"),
    ],
)
def test_bad_text_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(SpaceError, match=reason):
        from_text(text, "kept")


def test_points_are_spread_from_the_first_to_the_last() -> None:
    assert spread(5, 10) is None
    assert spread(1000, 4) == [0, 1, 2, 3, 250, 500, 750, 998, 999]
