"""Forks of a booted kernel that fail: what holds, and that each mistake is found."""

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from mapleproof.impl.kernel.booted.machine import GuestDied
from mapleproof.props.job.replay import replay_file
from mapleproof.props.job.subjects import read_case
from mapleproof.props.mm import booted_run
from mapleproof.props.mm import operations as ops
from mapleproof.props.mm.booted_port import BootedPort
from mapleproof.props.mm.booted_sweep import PAGE, RW, TRYING, sweep, write_booted_case
from tests.booted.conftest import port_name

CASES = Path(__file__).parent / "cases"

ONE, TWO = (1 << 36), (1 << 36) + 4 * PAGE
SMALL = [
    ops.Mmap(0, ONE, 2 * PAGE, RW, None),
    ops.Mmap(0, TWO, 2 * PAGE, RW, 1),
    ops.Touch(0, ONE, 2 * PAGE),
    ops.Touch(0, TWO, 2 * PAGE),
    ops.Userfaultfd(0, ONE),
    ops.MmapEach(0, ONE + 64 * PAGE, PAGE, 2 * PAGE, 20, RW),
]

SEEDS = {
    "charge-kept": "charge zero",
    "vma-not-freed": "VMAs released once",
    "nodes-kept": "tree nodes freed",
    "anon-vma-kept": "VMAs released once",
    "marker-on-linked": "map_count agrees",
    "tables-kept-going": "fails if refused",
}


def test_every_request_is_failed_and_nothing_is_left(mended: BootedPort, tmp_path: Path) -> None:
    swept = sweep(mended, SMALL, out=tmp_path)
    assert {promise: broken.what for promise, broken in swept.broken.items()} == {}
    assert swept.points > 20
    asked = " ".join(swept.refused)
    for who in ("__mt_dup", "anon_vma_fork", "copy_page_range", "dup_userfaultfd"):
        assert who in asked
    assert read_case(tmp_path / TRYING).steps[-1].op.fail_after is not None


@pytest.mark.parametrize("seed", SEEDS)
def test_a_mistake_is_found_and_its_case_shows_it(seed: str, mended: BootedPort, tmp_path: Path) -> None:
    name = port_name(seed=seed)
    port = BootedPort(name)
    try:
        swept = sweep(port, SMALL, only=SEEDS[seed])
        assert SEEDS[seed] in swept.broken
    finally:
        port.close()
    broken = swept.broken[SEEDS[seed]]
    path = write_booted_case(tmp_path / "case.jsonl", "case", broken.program, broken.promise)
    assert replay_file(path, name).difference is not None
    assert replay_file(path, mended.name).difference is None


def test_the_kernel_that_panics_is_an_answer(tmp_path: Path) -> None:
    """6.12 for User Mode Linux as it is: flush_tlb_mm follows the marker of a failed fork."""
    port = BootedPort(port_name())
    try:
        swept = sweep(port, SMALL, only="no crash", both=False, out=tmp_path)
        guests = port.spaces.guests
    finally:
        port.close()
    assert "flush_tlb_mm" in swept.broken["no crash"].what
    assert guests > 1


def test_a_fork_that_asks_for_ever_is_an_answer() -> None:
    """6.12 clears the place of a VMA that is not copied by a store that needs several nodes: where one can be
    had and the others never, it asks without end. Which request that is depends on the build."""
    case = read_case(CASES / "fork-asks-for-ever.jsonl")
    port = BootedPort(port_name(seed="none"), patience=4)
    try:
        for refused in range(1, 40):
            port.reset()
            for step in case.steps[:-1]:
                port.apply(step.op)
            crash = port.apply(replace(case.steps[-1].op, fail_after=refused)).crash
            if isinstance(crash, str) and "hang" in crash:
                break
    finally:
        port.close()
    assert crash == "the kernel died: hang in mas_alloc_nodes: asks again and again for what it is refused"


def test_a_guest_that_is_gone_is_told(mended: BootedPort) -> None:
    mended.reset()
    mended.spaces.guest._kill()
    with pytest.raises(GuestDied):
        mended.spaces.guest.read("/proc/version")
    mended.reset()
    assert mended.apply(SMALL[0]).ret == 0


def test_a_guest_ends_with_who_began_it() -> None:
    name = port_name()
    code = f"from mapleproof.props.mm.booted_port import BootedPort; p = BootedPort({name!r}); "
    code += "print(p.spaces.guest._process.pid, flush=True); import os; os.kill(os.getpid(), 9)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    end = time.monotonic() + 20
    while Path(f"/proc/{int(done.stdout)}").exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert not Path(f"/proc/{int(done.stdout)}").exists()


def test_histories_agree(mended: BootedPort) -> None:
    runs = list(booted_run.histories(mended.name, 0, 0))
    assert [run.difference for run in runs if run.difference] == []
    assert sum(run.kinds.total() for run in runs) == 25 * booted_run.HISTORIES
