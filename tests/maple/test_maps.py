"""Real address spaces as input: what is read, what is refused, and that what is done with them can fail."""

from pathlib import Path

import pytest

from mapleproof.props.common.difference import Difference
from mapleproof.props.common.planting import planted
from mapleproof.props.job.units import Task, run_unit
from mapleproof.props.maple.lanes.maps import (
    MapsError,
    Space,
    exercise,
    load_space,
    read_maps,
    running_spaces,
)
from mapleproof.props.maple.lockstep import Lockstep
from mapleproof.props.maple.ports import ImplPort
from mapleproof.props.maple.seeds import BY_NAME

TEXT = """\
55d0c0000000-55d0c0010000 r--p 00000000 08:01 1234                       /usr/bin/python3
55d0c0010000-55d0c0200000 r-xp 00010000 08:01 1234                       /usr/bin/python3
7ffd10000000-7ffd10021000 rw-p 00000000 00:00 0                          [stack]
"""


def test_ranges_are_read() -> None:
    assert read_maps(TEXT, "x") == (
        (0x55D0C0000000, 0x55D0C000FFFF),
        (0x55D0C0010000, 0x55D0C01FFFFF),
        (0x7FFD10000000, 0x7FFD10020FFF),
    )


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("hello", "no line of a maps file"),
        ("2000-1000 r--p 00000000 00:00 0", "is empty"),
        ("1000-2000 r--p 00000000 00:00 0\n1fff-3000 r--p 00000000 00:00 0", "before the one above it ends"),
        ("11111111111111111-2 r--p 00000000 00:00 0", "no line of a maps file"),
    ],
)
def test_bad_lines_are_refused_with_their_place(line: str, reason: str) -> None:
    with pytest.raises(MapsError, match=rf"^x:\d+: .*{reason}"):
        read_maps(line, "x")


def test_a_file_or_process_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(MapsError, match="No such file"):
        load_space(str(tmp_path / "none"))
    (tmp_path / "empty").write_text("")
    with pytest.raises(MapsError, match="no range"):
        load_space(str(tmp_path / "empty"))


def test_running_processes_are_real_input(tmp_path: Path) -> None:
    spaces = running_spaces()
    assert spaces, "this process at least can be read"
    done = run_unit(Task("spaces", 0, 0, out=str(tmp_path), space=spaces[0]))
    assert done.failure is None
    assert done.operations > len(spaces[0].ranges)


@pytest.mark.source
def test_what_is_done_with_a_space_can_fail() -> None:
    space = Space("made", tuple((index * 0x3000, index * 0x3000 + 0xFFF) for index in range(400)))
    lockstep = Lockstep(ImplPort(alloc_range=True), alloc_range=True)

    def do_it() -> None:
        for op in exercise(space):
            lockstep.apply(op)

    with planted(BY_NAME["G12_first_slot_from_zero"]), pytest.raises(Difference, match="broken invariant"):
        do_it()
