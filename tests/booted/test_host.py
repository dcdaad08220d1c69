"""On a processor with more registers than a kernel knows, User Mode Linux gets room for them."""

from pathlib import Path

import pytest

from mapleproof.impl.kernel.booted.host import ROOM, has_wide_registers, host_edits

OFFSETS = "arch/x86/um/user-offsets.c"


def tree_with(folder: Path, statement: str) -> Path:
    path = folder / OFFSETS
    path.parent.mkdir(parents=True)
    path.write_text(f"void foo(void);\n\nvoid foo(void)\n{{\n\t{statement}\n}}\n")
    return folder


@pytest.mark.parametrize(("flags", "wide"), [("sse avx avx512f", False), ("sse amx_tile amx_int8", True)])
def test_the_processor_says_whether_it_is_such(flags: str, wide: bool, tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"processor\t: 0\nflags\t\t: {flags}\n")
    assert has_wide_registers(cpuinfo) is wide


def test_a_host_that_tells_nothing_is_none(tmp_path: Path) -> None:
    assert not has_wide_registers(tmp_path / "none")


def test_there_is_more_room_in_the_build_alone(tmp_path: Path) -> None:
    tree = tree_with(tmp_path, "DEFINE_LONGS(HOST_FP_SIZE, 2696);")
    before = (tree / OFFSETS).read_text()
    assert host_edits(tree, "um", wide=True) == {OFFSETS: before.replace("2696", str(ROOM))}
    assert (tree / OFFSETS).read_text() == before


def test_what_runs_as_it_is_stays(tmp_path: Path) -> None:
    tree = tree_with(tmp_path, "DEFINE_LONGS(HOST_FP_SIZE, 2696);")
    assert host_edits(tree, "um", wide=False) == {}
    assert host_edits(tree, "x86", wide=True) == {}


def test_a_kernel_that_asks_its_host_stays(tmp_path: Path) -> None:
    assert host_edits(tree_with(tmp_path, "DEFINE(HOST_BX, RBX);"), "um", wide=True) == {}
    assert host_edits(tmp_path / "none", "um", wide=True) == {}
