"""Forks of both sides: what one side alone breaks is news, and what shows once is not."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mapleproof.impl.kernel.booted.worktree import take_on
from mapleproof.impl.mm.geometry import X86_64
from mapleproof.impl.mm.promises import ANSWERED, CRASH, NODES, TABLES, ZAPPED
from mapleproof.props.job.subjects import read_case
from mapleproof.props.mm import operations as ops
from mapleproof.props.mm.booted_sweep import PAGE, RW, sort_of
from mapleproof.props.mm.sweep import Broken, Swept
from mapleproof.review.forks import Forks, Kernels, Sorts, port_for
from mapleproof.review.sides import News
from mapleproof.review.trees import Side

BASE, OLD, NEW = (Side(name, "", Path(name)) for name in ("base", "old", "new"))
PROGRAM = (ops.Mmap(0, 1 << 36, PAGE, RW, None), ops.Fork(0, 1, "bulk_insert", fail_after=2))

Shows = Callable[[int, int], list[tuple[str, str]]]
"""The breaks in a scenario, when it is swept for so many-th time."""


def broken(promise: str, what: str) -> Broken:
    return Broken(promise, what, PROGRAM, X86_64)


@dataclass
class FakeKernel:
    image: str
    shows: Shows
    swept: list[int] = field(default_factory=list)

    def sweep(self, number: int) -> tuple[Swept, Sorts] | None:
        self.swept.append(number)
        found = [broken(*one) for one in self.shows(number, self.swept.count(number))]
        return Swept(forks=11, failed=10, points=10), {sort_of(one): one for one in found}


def always(*shown: tuple[str, str]) -> Shows:
    return lambda number, time: list(shown)


def compared(out: Path, base: Shows, old: Shows, new: Shows) -> Forks:
    made = {BASE: FakeKernel("0", base), OLD: FakeKernel("1", old), NEW: FakeKernel("2", new)}
    kernels = Kernels(Path("tree"), 1, out, lambda _: None, dict(made))
    kernels.run(0)
    return kernels.compare(BASE, OLD, NEW)


def told(forks: Forks) -> list[tuple[News, str]]:
    return [(kind, shown.sort) for kind, shown in forks.news]


@pytest.mark.parametrize(
    ("promise", "what", "sort"),
    [
        (NODES, "maple_node +3", "tree nodes freed: maple_node"),
        (CRASH, "BUG in exit_mmap (mm/mmap.c:1971)", "no crash: BUG in exit_mmap"),
        (CRASH, "panic in f: a fault in kernel mode", "no crash: panic in f"),
        (
            ANSWERED,
            "a fork succeeded although __mt_dup was refused",
            "fails if refused: a fork succeeded",
        ),
    ],
)
def test_a_sort_has_no_numbers_and_no_lines(promise: str, what: str, sort: str) -> None:
    assert sort_of(broken(promise, what)) == sort


def test_what_one_side_alone_breaks_is_news(tmp_path: Path) -> None:
    hang = (CRASH, "hang in mas_alloc_nodes: asks again and again")
    old = always(hang, (TABLES, "nr_page_table_pages +1"))
    new = always(hang, (ZAPPED, "mapcounts is another one"), (ZAPPED, "Bad rss-counter: type:MM_ANONPAGES"))
    forks = compared(tmp_path, always(), old, new)
    assert told(forks) == [
        (News.BROKEN, "pages zapped: mapcounts is another one; pages zapped: Bad rss-counter"),
        (News.MENDED, "page tables freed exactly: nr_page_table_pages"),
        (News.BOTH, "no crash: hang in mas_alloc_nodes"),
    ]
    assert (forks.scenarios, forks.points, forks.failed, forks.same) == (2, 20, 20, False)
    shown = forks.news[0][1]
    assert [step.op for step in read_case(shown.case).steps][-1] == PROGRAM[-1]
    assert port_for(shown, Path("t")) == "booted:t?seed=none"


def at(wanted: int, *shown: tuple[str, str]) -> Shows:
    """What shows only when a scenario is swept for that time."""
    return lambda number, time: list(shown) if time == wanted else []


def test_what_does_not_come_again_is_no_news(tmp_path: Path) -> None:
    shown = (ZAPPED, "nr_mapped +1")
    assert told(compared(tmp_path, always(), always(), at(1, shown))) == []
    assert told(compared(tmp_path, always(), at(2, shown), always(shown))) == [
        (News.BOTH, "pages zapped: nr_mapped")
    ]


def test_what_the_first_state_breaks_is_as_before(tmp_path: Path) -> None:
    shown = (NODES, "maple_node +3")
    assert told(compared(tmp_path, always(shown), always(), always(shown))) == [
        (News.BOTH, "tree nodes freed: maple_node")
    ]


def test_the_same_kernel_is_not_run(tmp_path: Path) -> None:
    made = {side: FakeKernel("0", always((NODES, "maple_node +3"))) for side in (BASE, NEW)}
    kernels = Kernels(Path("tree"), 1, tmp_path, lambda _: None, dict(made))
    kernels.run(0)
    assert kernels.compare(BASE, BASE, NEW) == Forks(same=True)
    assert all(kernel.swept == [] for kernel in made.values())


def state(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("_", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_a_worktree_takes_on_a_state_and_leaves_it_as_it_is(tmp_path: Path) -> None:
    """Only what differs is newer than objects of the state before; what no guest needs is not there."""
    one = state(tmp_path / "one", kernel_fork="1", mm_mmap="m", mm_gone="g", Documentation_x="d")
    two = state(tmp_path / "two", kernel_fork="2", mm_mmap="m", mm_new="n")
    for folder in (one, two):
        (folder / "include").mkdir()
        (folder / "include/link").symlink_to("../mm")
    tree = tmp_path / "tree"
    tree.mkdir()
    assert take_on(tree, one) == 4
    for path in (*one.rglob("*"), *two.rglob("*")):
        os.utime(path, (1, 1), follow_symlinks=False)
    now = time.time()
    assert take_on(tree, two) == 3
    files = {
        str(path.relative_to(tree)) for path in tree.rglob("*") if not path.is_dir() or path.is_symlink()
    }
    assert files == {"kernel/fork", "mm/mmap", "mm/new", "include/link"}
    assert (tree / "kernel/fork").read_text() == "2"
    assert (one / "kernel/fork").read_text() == "1"
    assert (tree / "kernel/fork").stat().st_mtime > now - 60 > (tree / "mm/mmap").stat().st_mtime
    assert take_on(tree, two) == 0
