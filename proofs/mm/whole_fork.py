"""A whole fork on the shipped machine, with every request granted and refused in turn, for claims that speak
of all its failure points at once.

VMAs lie on neighbouring pages of small page tables and are of every kind that a fork treats in its own way;
their places are not symbolic, what is granted is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from mapleproof.impl.failure import FailurePlan
from mapleproof.impl.mm.fork import fork
from mapleproof.impl.mm.geometry import TINY
from mapleproof.impl.mm.mm import Mm
from mapleproof.impl.mm.promises import Oops
from mapleproof.impl.mm.recovery import RECOVERIES
from mapleproof.proofs.engine.cases import space_case
from mapleproof.proofs.engine.words import choose
from mapleproof.props.common.files import Case
from mapleproof.props.common.operation import Common
from mapleproof.props.mm import operations as ops
from mapleproof.props.mm.ports import ImplSpaces
from mapleproof.props.mm.tiny import KINDS, program_of

EXECUTED = (
    "fork.fork",
    "fork.dup_mmap",
    "recovery.zero_marker.ZeroMarker.recover",
    "recovery.unmap_in_place.UnmapInPlace.recover",
    "exit.exit_mmap",
    "exit.drop_mm",
    "locks.MmapLock.write_lock",
    "locks.MmapLock.write_unlock",
    "locks.MmapLock.read_lock",
    "locks.MmapLock.read_unlock",
    "fork._copy_by_dup",
    "fork._copy_by_insertion",
    "fork._duplicate",
    "fork._duplicate_arch",
    "fork._duplicate_userfaultfd",
    "fork._end_userfaultfd",
    "fork._give_up",
    "fork._is_clean",
    "fork._link",
    "fork._track_pfn",
    "locks.MmapLock.idle",
    "machine.Machine.charge",
    "machine.Machine.file",
    "machine.Machine.free_vma",
    "machine.Machine.lock_step",
    "machine.Machine.look_at",
    "mm.Mm.count_pages",
    "recovery.unmap_in_place.UnmapInPlace.tree_end",
    "recovery.unmap_in_place.UnmapInPlace.unmap",
    "rmap._link",
    "rmap.clone_anon_vmas",
    "rmap.fork_anon_vma",
    "rmap.link_file",
    "rmap.prepare_anon_vma",
    "rmap.unlink_anon_vmas",
    "rmap.unlink_file",
    "teardown._unlink",
    "teardown.count_rss",
    "teardown.free_pgtables",
    "teardown.put_policy",
    "teardown.release_pat",
    "teardown.release_vmas",
    "teardown.remove_vma",
    "teardown.unmap_vmas",
    "teardown.zap_vma",
)
"""What every fork executes that fails, and its recovery, under proof."""

AROUND = (
    "impl.maple",
    "failure",
    "advise",
    "calls",
    "flags",
    "free_range",
    "geometry",
    "limits",
    "map",
    "objects",
    "page_tables",
    "ranges",
    "split",
    "touch",
)
"""What runs as it ships besides."""


class Chosen(FailurePlan):
    """Requests are granted up to one that is refused, and after that none; which one, is an input."""

    def __init__(self) -> None:
        super().__init__()
        self.granted = 0

    def grants(self, kind: str, count: int, atomic: bool) -> bool:
        if self.refused or not choose(f"grant {self.asked}"):
            return False
        self.granted += 1
        return True


def scenarios(most: int) -> Iterator[tuple[str, ...]]:
    """The kinds of VMAs of every scenario with up to so many."""
    for count in range(1, most + 1):
        yield from product(KINDS, repeat=count)


def scenario_program(kinds: Sequence[str]) -> list[Common]:
    """What makes the parent: a policy and a userfaultfd context on the first VMA that can have them."""
    page = TINY.page
    program = program_of([(at, at + 1, kind) for at, kind in enumerate(kinds)], TINY)
    return [*program, ops.Mbind(0, 0), ops.Userfaultfd(0, 0)] if page else program


def parent_of(kinds: Sequence[str]) -> ImplSpaces:
    """The parent, in a world of its own."""
    port = ImplSpaces(TINY)
    for op in scenario_program(kinds):
        port.apply(op)
    return port


def forked(port: ImplSpaces, name: str) -> tuple[int, Mm | None]:
    """Fork with what was chosen. Where the recovery crashes, as some do, nothing is left to be said."""
    machine = port.machine
    if machine.plan is None:
        machine.plan = Chosen()
    try:
        return fork(machine, port.spaces[0], RECOVERIES[name])
    except Oops:
        return 0, None
    finally:
        machine.plan = None


def case_of(name: str, kinds: Sequence[str], inputs: dict[str, int]) -> Case:
    """The fork that fails where the inputs say."""
    granted = sum(inputs[name] for name in inputs if name.startswith("grant "))
    refused = any(inputs[name] == 0 for name in inputs if name.startswith("grant "))
    last = ops.Fork(0, 1, name, fail_after=granted) if refused else ops.Fork(0, 1, name)
    return space_case(name, [*scenario_program(kinds), last], TINY, "failed fork")
