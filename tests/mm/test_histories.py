"""Whole histories, reference and implementation side by side."""

from collections import Counter
from pathlib import Path

import pytest

from mapleproof.props.common.planting import Edit, Seed, planted
from mapleproof.props.job.replay import replay_file
from mapleproof.props.job.units import Task, run_unit
from mapleproof.props.mm.histories import history


def run(seed: int, count: int) -> Counter[str]:
    """Random histories in lockstep; how often each kind of operation went well, and how often it did not."""
    done: Counter[str] = Counter()
    for number in range(count):
        came = history(f"{seed}/{number}")
        assert came.met is None, (number, came.met)
        done += came.done
    return done


def test_they_agree_and_everything_was_done() -> None:
    done = run(7, 400)
    for name in ("mmap", "munmap", "mprotect", "mremap", "madvise", "touch", "fork", "exit"):
        assert done[name] > 80, (name, done)
    assert done["failed fork"] > 80


MISTAKES = {
    "an error of mprotect() for another": Edit(
        "impl.mm.advise:mprotect",
        "if covered == start:\n        return -errno.ENOMEM",
        "if covered == start:\n        return -errno.EINVAL",
    ),
    "pages of mappings with an anon_vma are not zapped": Edit(
        "impl.mm.teardown:zap_vma", "if tables.top.below or tables.top.pages:", "if vma.flags & VM_PFNMAP:"
    ),
    "madvise() goes on after a split was refused": Edit(
        "impl.mm.advise:madvise", "low, high = max(start, over.start)", "low, high = min(start, over.start)"
    ),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_a_mistake_in_a_system_call_is_found(what: str, tmp_path: Path) -> None:
    with planted(Seed("mistake", "", what, (MISTAKES[what],))):
        for number in range(3):
            done = run_unit(Task("histories", number, 0, out=str(tmp_path)))
            if done.failure is not None:
                break
        assert done.case is not None
        assert done.steps <= 6
        assert replay_file(Path(done.case)).difference is not None
    assert replay_file(Path(done.case)).difference is None


def test_what_goes_wrong_before_a_fork_is_a_difference_too(tmp_path: Path) -> None:
    """The lane fork meets it in a scenario: that is no mistake of the suite."""
    edit = Edit("impl.mm.rmap:unlink_file", "del file.i_mmap[vma]", "pass")
    with planted(Seed("mistake", "", "", (edit,))):
        for number in range(8):
            done = run_unit(Task("fork", number, 0, out=str(tmp_path), recovery="unmap_in_place"))
            if done.failure is not None:
                break
        assert done.case is not None
        assert replay_file(Path(done.case)).difference is not None


@pytest.mark.deep
def test_they_agree_for_long() -> None:
    run(8, 30_000)
