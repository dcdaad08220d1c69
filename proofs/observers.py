"""While a failing fork drops locks, nobody meets in the child what is not the child's.

The shipped fork() and recovery run with every request refused in turn. After each lock operation each
observer looks, and so does who waits for a file's mapping: observers change nothing, so what one of them
meets does not depend on which of the others ran before, and all interleavings are all pairs of a lock
operation and an observer. How many such states there were is asserted.

Not covered: more VMAs than are executed here, and observers that ``impl/mm/observers.py`` does not have.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mapleproof.impl.mm.geometry import TINY
from mapleproof.impl.mm.machine import Machine
from mapleproof.impl.mm.mm import Mm
from mapleproof.impl.mm.objects import Vma
from mapleproof.impl.mm.observers import (
    all_observers,
    oom_reaper,
    rmap_walk_of_file,
    scanners,
    swapoff,
    swapoff_looking,
    uprobes,
)
from mapleproof.impl.mm.promises import OBSERVERS
from mapleproof.impl.mm.recovery import RECOVERIES, claimed
from mapleproof.proofs.engine.claim import Claim, Edit, Twin, main
from mapleproof.proofs.engine.paths import Program, claim
from mapleproof.proofs.engine.words import choose
from mapleproof.proofs.mm.whole_fork import AROUND, EXECUTED, case_of, forked, parent_of, scenarios
from mapleproof.props.common.files import Case

SAFE = claimed("observers")
"""Recoveries for which the claim holds; where open_coded crashes there is nothing to be met."""

STATES: dict[str, int] = {}
"""How many pairs of a lock operation and an observer each part has seen, over all its paths."""


def program(name: str, kinds: tuple[str, ...]) -> Program:
    """A fork of VMAs of these kinds, at each of its failure points."""
    part = f"{name}: {', '.join(kinds)}"

    def run() -> None:
        port = parent_of(kinds)
        machine = port.machine

        def looking(observer: Callable[[Machine, str], None]) -> Callable[[Machine, str], None]:
            def look(machine: Machine, where: str) -> None:
                STATES[part] = STATES.get(part, 0) + 1
                observer(machine, where)
                _nobody_met(machine, observer.__name__)

            return look

        def look_at_file(machine: Machine, file: Any, where: str) -> None:
            STATES[part] = STATES.get(part, 0) + 1
            rmap_walk_of_file(machine, file, where)
            _nobody_met(machine, "who waited for a file's mapping")

        looks = all_observers(swapoff_looks=RECOVERIES[name].swapoff_looks)
        machine.observers = tuple(looking(observer) for observer in looks)
        machine.file_observer = look_at_file
        forked(port, name)
        _nobody_met(machine, "a userfaultfd monitor")

    return run


def may_program(observer: Callable[[Machine, str], None]) -> Program:
    """An observer meets what is in a tree if and only if it may walk it: else it would prove nothing that it
    meets nothing."""

    def run() -> None:
        machine = Machine(TINY)
        mm, other = Mm(machine), Mm(machine)
        mm.tree.store_range(0, TINY.page - 1, Vma(other, 0, TINY.page, 0))
        file = machine.file(1)
        file.i_mmap[Vma(mm, 0, TINY.page, 0, file)] = None
        writer, reader = choose("writer"), choose("reader")
        mm.lock.writer, mm.lock.readers = writer, int(reader and not writer)
        mm.users = int(choose("users"))
        mm.unstable, mm.oom_skip = choose("unstable"), choose("oom_skip")
        machine.forking, told = choose("forking"), choose("told of it")
        if told:
            machine.scanned[mm] = None
        used = mm.users == 1
        may = {
            "oom_reaper": not writer and not mm.oom_skip,
            "swapoff": not writer and used,
            "swapoff_looking": not writer and used and not mm.unstable,
            "scanners": not writer and used and told,
            "uprobes": not writer and not reader and used and not mm.unstable and not machine.forking,
        }
        observer(machine, "a turn")
        claim(
            "it meets what is there if and only if it may walk",
            bool(machine.alarms) == may[observer.__name__],
        )

    return run


def lock_program() -> None:
    """The mmap lock is taken and released as one writer or many readers may; else it complains."""
    machine = Machine(TINY)
    lock = Mm(machine).lock
    lock.writer = choose("writer")
    lock.readers = int(choose("reader") and not lock.writer)
    writer, readers = lock.writer, lock.readers
    claim("a reader can come in beside readers", lock.free == (not writer))
    claim("a writer can come in where nobody is", lock.idle == (not writer and not readers))
    operations = {
        "write_lock": (not writer and not readers, (True, 0)),
        "write_unlock": (writer, (False, 0)),
        "read_lock": (not writer, (False, readers + 1)),
        "read_unlock": (readers > 0, (False, readers - 1)),
    }
    wanted = next((name for name in list(operations)[:3] if choose(name)), "read_unlock")
    may, after = operations[wanted]
    complained = False
    try:
        getattr(lock, wanted)()
    except AssertionError:
        complained = True
    claim("it complains if and only if that is not allowed", complained != may)
    held = after if may else (writer, readers)
    claim("and is held by whom it must be", (lock.writer, lock.readers) == held)
    claim("each operation is remembered", len(machine.record) == may)


def _nobody_met(machine: Machine, who: str) -> None:
    met = [what for promise, what in machine.alarms if promise == OBSERVERS]
    claim(f"{who} meets nothing that is not the child's", not met)


def to_case(part: str, inputs: dict[str, int]) -> Case | None:
    """The fork that fails where the inputs say."""
    name, _, kinds = part.partition(": ")
    if name in ("who may walk", "the lock"):
        return None
    if not kinds:
        return case_of(name.split()[0], ("anonymous",), inputs)
    return case_of(name, tuple(kinds.split(", ")), inputs)


def _parts() -> dict[str, Program]:
    watchers = (oom_reaper, swapoff, swapoff_looking, scanners, uprobes)
    who = {f"who may walk: {one.__name__}": may_program(one) for one in watchers}
    return (
        {"the lock": lock_program}
        | who
        | {
            f"{name}: {', '.join(kinds)}": program(name, kinds)
            for name in SAFE
            for kinds in scenarios(3 if name == "unmap_in_place" else 2)
        }
    )


IN_PLACE = "impl.mm.recovery.unmap_in_place:UnmapInPlace.recover"

CLAIM = Claim(
    name="observers",
    sentence="At no point at which a failing fork drops a lock does anyone who may run there meet in the"
    " child a VMA that is not the child's, a zero marker, or anything freed.",
    formula="for every failure point, lock operation and observer: what it walks is the walked one's own",
    bounds=f"{', '.join(SAFE)}: every failure point of every scenario of 1 and 2 VMAs, unmap_in_place"
    " also of 3, each anonymous, of a file, not to be forked, to be wiped, or PFN-mapped",
    executes=(
        *EXECUTED,
        "recovery.bulk_insert.BulkInsert.recover",
        "recovery.undo_v3.UndoV3.recover",
        "observers.oom_reaper",
        "observers.swapoff",
        "observers.swapoff_looking",
        "observers.scanners",
        "observers.uprobes",
        "locks.MmapLock.free",
        "observers._foreign_entry",
        "observers._rmap_anon",
        "observers._walk",
        "observers.foreign",
        "observers.rmap_walk",
        "observers.rmap_walk_of_file",
        "recovery.open_coded.OpenCoded.unmap_region",
        "recovery.zero_marker.ZeroMarker614.recover",
    ),
    around=AROUND,
    parts=_parts(),
    twins=(
        Twin(
            "exit_marker_v2", "the parent's VMAs stay", programs=(program("exit_marker_v2", ("anonymous",)),)
        ),
        Twin("zero_marker", "a marker is seen", programs=(program("zero_marker", ("anonymous",)),)),
        Twin(
            "zero_marker_6_14",
            "swapoff does not ask whether it is stable",
            programs=(program("zero_marker_6_14", ("anonymous",)),),
        ),
        Twin(
            "tree_is_left",
            "what is left of the parent stays in the tree",
            (Edit(IN_PLACE, "mm.tree.destroy()", "pass"),),
            ("unmap_in_place: file",),
        ),
        Twin(
            "not_unstable",
            "a tree with a marker counts as stable",
            (
                Edit(
                    "impl.mm.recovery.zero_marker:ZeroMarker614.recover",
                    "unstable = True",
                    "unstable = False",
                ),
            ),
            ("zero_marker_6_17: anonymous",),
        ),
    ),
    to_case=to_case,
)

if __name__ == "__main__":
    main(CLAIM)
