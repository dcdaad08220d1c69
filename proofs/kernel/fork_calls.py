"""What a tree's dup_mmap() calls, about one VMA: each call stands for what it promises. It does all of it, or
nothing and says so; which of the two is left open."""

from __future__ import annotations

from typing import Any

import z3  # type: ignore[import-untyped]

from mapleproof.proofs.engine.paths import claim
from mapleproof.proofs.engine.words import FULL, choose
from mapleproof.proofs.ir.arithmetic import Value, term, tidy, truth
from mapleproof.proofs.ir.machine import Hook, Machine
from mapleproof.proofs.ir.memory import Block
from mapleproof.proofs.kernel.fork_space import Copy, Space
from mapleproof.proofs.kernel.free_pgtables import ZERO
from mapleproof.proofs.kernel.subject import Kernel

EINTR, ENOMEM = 4, 12
TREE = "tree"
"""What is asked for before the first VMA is looked at: the tree's duplicate, or nodes for one."""

NOTHING_OF_COPIES = """flush_cache_dup_mm uprobe_dup_mmap dup_mm_exe_file mt_clear_in_rcu vma_start_write
    untrack_pfn_clear hugetlb_dup_vma_private flush_dcache_mmap_lock flush_dcache_mmap_unlock mas_destroy
    ksm_fork khugepaged_fork uprobe_start_dup_mmap uprobe_end_dup_mmap set_bit mm_flags_set
    flush_tlb_mm_range flush_cache_mm"""
"""Functions that flush, lock against faults, or tell others: of none of them anything is claimed."""

INTERRUPTED = ("the parent's lock", "lock against faults", "signal")
"""What is refused with -EINTR; all else with -ENOMEM."""


class Calls(Space):
    """The calls, and what was noted of them."""

    def __init__(self, kernel: Kernel, file: bool) -> None:
        self.by_dup = kernel.program.has("__mt_dup")
        super().__init__(kernel, self._hooks(), file)
        self.refused: list[str] = []
        self.asked = 0
        self.locked: dict[Any, int] = {}
        self.over = self.in_rcu = self.error = self.rewound = False
        self.contexts: Any = None
        self.settled: list[str] = []
        self.marked: list[tuple[Any, Any]] = []
        self.unmapped: dict[str, Any] = {}
        self.torn: tuple[Any, ...] = ()
        self.destroyed = 0
        self.waiting = [self.old, self.rest]
        self.machine.pointers[self.opens] = self._open

    def _hooks(self) -> dict[str, Hook]:
        hooks: dict[str, Hook] = {name: lambda machine, args: 0 for name in NOTHING_OF_COPIES.split()}
        asked = {
            "mmap_write_lock_killable": ("the parent's lock", self._lock),
            "vma_start_write_killable": ("lock against faults", self._nothing_more),
            "__mt_dup": (TREE, self._nothing_more),
            "security_vm_enough_memory_mm": ("charge", self._charge),
            "vma_dup_policy": ("policy", self._dup_policy),
            "dup_userfaultfd": ("userfaultfd", self._dup_contexts),
            "anon_vma_fork": ("anon_vma", self._link),
            "copy_page_range": ("page tables", self._copy_pages),
            "arch_dup_mmap": ("arch", self._nothing_more),
        }
        if not self.by_dup:
            asked |= dict.fromkeys(("ksm_fork", "mas_expected_entries"), (TREE, self._nothing_more))
        hooks |= {name: self._request(kind, then) for name, (kind, then) in asked.items()}
        return hooks | {
            "mmap_write_lock_nested": lambda machine, args: self._lock(args),
            "mmap_write_unlock": self._unlock,
            "get_current": lambda machine, args: self.parent.base,
            "fatal_signal_pending": lambda machine, args: int(self._is_refused("signal")),
            "mas_find": self._find,
            "mas_set": self._rewind,
            "mas_store": self._store,
            "mas_store_gfp": self._clear,
            "mas_is_err": lambda machine, args: int(self.error),
            "vm_unacct_memory": self._uncharge,
            "vm_area_dup": self._duplicate,
            "vm_area_free": self._free,
            "mpol_put": self._put_policy,
            "__mk_vma_flags": self._mask,
            "vma_flags_test": lambda machine, args: self._test(args[0], args[1]),
            "vma_flags_test_all_mask": lambda machine, args: self._test_all(args[0], args[1]),
            "vma_flags_clear_mask": self._clear_flags,
            "get_file": self._get_file,
            "i_mmap_lock_write": lambda machine, args: self._lock(args),
            "i_mmap_unlock_write": self._unlock,
            "mapping_allow_writable": self._allow_writable,
            "vma_interval_tree_insert_after": self._list,
            "mapping_rmap_tree_insert_after": self._list,
            "mt_set_in_rcu": self._set_in_rcu,
            "unlink_anon_vmas": self._unlink,
            "vma_mark_attached": self._attach,
            "unmap_region": self._unmap,
            "tear_down_vmas": self._tear_down,
            "__mt_destroy": self._destroy,
            "dup_userfaultfd_complete": self._settle("complete"),
            "dup_userfaultfd_fail": self._settle("fail"),
        }

    def _is_refused(self, kind: str) -> bool:
        self.asked += 1
        refused = choose(f"refuse {self.asked}: {kind}")
        self.refused += [kind] * refused
        return refused

    def _request(self, kind: str, then: Any) -> Hook:
        """A call that does what it is for, or is refused."""

        def asked(_machine: Machine, args: list[Any]) -> int:
            if self._is_refused(kind):
                return (1 << 32) - (EINTR if kind in INTERRUPTED else ENOMEM)
            then(args)
            return 0

        return asked

    def _nothing_more(self, args: list[Any]) -> None:
        """Granted: nothing of what is looked at changes."""

    def _lock(self, args: list[Any]) -> int:
        self.locked[args[0]] = self.locked.get(args[0], 0) + 1
        return 0

    def _unlock(self, _machine: Machine, args: list[Any]) -> int:
        self.locked[args[0]] = self.locked.get(args[0], 0) - 1
        return 0

    def _find(self, machine: Machine, args: list[Any]) -> int:
        claim("the loop goes over all VMAs", term(args[1], 64) == FULL)
        if self.rewound:
            self.rewound = False
            return self._come_to(machine, args[0], self._first())
        if not self.waiting or not choose(
            "a VMA is there" if len(self.waiting) == 2 else "one more is there"
        ):
            self.over, self.waiting = True, []
            return 0
        return self._come_to(machine, args[0], self.waiting.pop(0))

    def _come_to(self, machine: Machine, mas: Any, vma: Block) -> int:
        """A cursor is on a VMA."""
        at = self.facts.offset
        start, end = (vma.load(self._member(name), 8) for name in ("vm_start", "vm_end"))
        machine.memory.store(mas + at("ma_state", "index"), 8, start)
        machine.memory.store(mas + at("ma_state", "last"), 8, end - 1)
        if self.facts.has("ma_state", "status"):
            machine.memory.store(mas + at("ma_state", "status"), 4, self.facts.value("ma_active"))
        return vma.base

    def _rewind(self, _machine: Machine, args: list[Any]) -> int:
        """The cursor goes back: the next VMA is the first in the child's tree."""
        claim("the cursor goes to the beginning of the tree", term(args[1], 64) == 0)
        self.rewound = True
        return 0

    def _first(self) -> Block:
        """The first VMA in the child's tree: a copy of before, the one that was just made, or one left."""
        if truth(self.total.copies != 0):
            return self.earlier
        stored = [copy.block for copy in self.made if copy.stored]
        return [*stored, self.rest if self.left_out else self.old][0]

    def _cursor(self, mas: Any) -> list[Any]:
        """The range that a cursor is on."""
        at = self.facts.offset
        return [
            term(self.machine.memory.load(mas + at("ma_state", name), 8), 64) for name in ("index", "last")
        ]

    def _store(self, _machine: Machine, args: list[Any]) -> int:
        low, high = self._cursor(args[0])
        if args[1] == ZERO:
            self.marked.append((low, high))
            return 0
        copy = self._copy(args[1])
        claim("the copy takes the place of its source", z3.And(low == self.start, high == self.end - 1))
        claim("it is stored once, and not freed", not copy.stored and not copy.freed)
        # In the place of its source no memory is needed
        self.error = not self.by_dup and self._is_refused("node")
        copy.stored = not self.error
        return 0

    def _clear(self, _machine: Machine, args: list[Any]) -> int:
        low, high = self._cursor(args[0])
        claim("what is left out is taken out of the tree", not isinstance(args[1], int) or args[1] == 0)
        claim("all of it, and nothing else", z3.And(low == self.start, high == self.end - 1))
        self.error = self._is_refused("node")
        self.left_out = not self.error
        return 0

    def _charge(self, args: list[Any]) -> None:
        self.charged = self.charged + term(args[1], 64)

    def _uncharge(self, _machine: Machine, args: list[Any]) -> int:
        self.charged = self.charged - term(args[0], 64)
        return 0

    def _duplicate(self, machine: Machine, args: list[Any]) -> int:
        claim("what is duplicated is the VMA at hand", args[0] == self.old.base)
        if self._is_refused("vma"):
            return 0
        size = self.facts.size("vm_area_struct")
        self.made.append(Copy(machine.block("copy", size, unknown=self.old.load)))
        return self.made[-1].block.base

    def _free(self, _machine: Machine, args: list[Any]) -> int:
        copy = self._copy(args[0])
        copy.freed += 1
        claim("what is freed is not in the tree, and freed once", not copy.stored and copy.freed == 1)
        claim(
            "what is freed holds no policy, and is linked to no anon_vma", not copy.policy and not copy.linked
        )
        return 0

    def _dup_policy(self, args: list[Any]) -> None:
        copy = self._copy(args[1])
        copy.policy = self.machine.reserve(1)
        copy.block.store(self._member("vm_policy"), 8, copy.policy)

    def _put_policy(self, _machine: Machine, args: list[Any]) -> int:
        held = [copy for copy in self.made if copy.policy and copy.policy == args[0]]
        claim("what is put is the policy of a copy, once", bool(held))
        held[0].policy = 0
        return 0

    def _dup_contexts(self, args: list[Any]) -> None:
        self._copy(args[0])
        claim("the copy is the child's when its context is", self._mm_of(args[0]) == self.mm.base)
        claim("contexts wait on one list", self.contexts in (None, args[1]))
        self.contexts = args[1]

    def _settle(self, how: str) -> Hook:
        def settled(_machine: Machine, args: list[Any]) -> int:
            self.settled.append(how)
            claim("the contexts that wait are settled", self.contexts in (None, args[0]))
            return 0

        return settled

    def _mask(self, machine: Machine, args: list[Any]) -> int:
        """A set of flags out of the numbers of their bits: a given set and so many more."""
        mask = int(args[0])
        for number in range(args[1]):
            mask |= 1 << machine.memory.load(args[2] + 4 * number, 4)
        return mask

    def _test(self, flags: int, bit: int) -> Value:
        """One flag of a set in memory."""
        return tidy(z3.Extract(bit, bit, term(self.machine.memory.load(flags, 8), 64)))

    def _test_all(self, flags: int, mask: Value) -> int:
        """Whether all of some flags are in a set in memory."""
        held = term(self.machine.memory.load(flags, 8), 64)
        return int(truth(z3.simplify(held & mask == mask)))

    def _clear_flags(self, machine: Machine, args: list[Any]) -> int:
        cleared = term(machine.memory.load(args[0], 8), 64) & ~term(args[1], 64)
        machine.memory.store(args[0], 8, cleared)
        return 0

    def _link(self, args: list[Any]) -> None:
        copy = self._copy(args[0])
        claim("it is linked to its source's anon_vmas, once", args[1] == self.old.base and not copy.linked)
        copy.linked = True

    def _unlink(self, _machine: Machine, args: list[Any]) -> int:
        self._copy(args[0]).linked = False
        return 0

    def _attach(self, _machine: Machine, args: list[Any]) -> int:
        self._copy(args[0]).attached += 1
        return 0

    def _open(self, _machine: Machine, args: list[Any]) -> int:
        self._copy(args[0]).opened += 1
        return 0

    def _get_file(self, _machine: Machine, args: list[Any]) -> int:
        claim("the file is that of the copy at hand", bool(self.made) and args[0] == self.file.base)
        self.made[-1].files += 1
        return int(args[0])

    def _allow_writable(self, _machine: Machine, args: list[Any]) -> int:
        claim("who may write is counted where the file is", args[0] == self.mapping.base)
        self.made[-1].writable += 1
        return 0

    def _list(self, _machine: Machine, args: list[Any]) -> int:
        copy = self._copy(args[0])
        at = args[2] - self.mapping.base
        claim("it is listed behind its source", args[1] == self.old.base and 0 <= at < self.mapping.size)
        claim("under the list's lock", self.locked.get(self.mapping.base) == 1)
        copy.listed += 1
        return 0

    def _copy_pages(self, args: list[Any]) -> None:
        copy = self._copy(args[0])
        claim("pages are copied from its source, into what is in the tree", args[1] == self.old.base)
        claim("pages are copied once it is in the tree", copy.stored)
        copy.paged += 1

    def _set_in_rcu(self, _machine: Machine, _args: list[Any]) -> int:
        self.in_rcu = True
        return 0

    # The recovery of those versions that have it here

    def _unmap(self, machine: Machine, args: list[Any]) -> int:
        at = self.facts.offset
        members = ("first", "pg_start", "pg_end", "vma_start", "vma_end", "tree_end", "tree_reset")
        told = {name: term(machine.memory.load(args[0] + at("unmap_desc", name), 8), 64) for name in members}
        claim("nothing was unmapped before", not self.unmapped)
        claim("the cursor is behind the first VMA", self._cursor_end(args[0]) == told["tree_reset"] - 1)
        self.unmapped = told
        return 0

    def _cursor_end(self, described: Any) -> Any:
        mas = self.machine.memory.load(described + self.facts.offset("unmap_desc", "mas"), 8)
        return self._cursor(mas)[1]

    def _tear_down(self, _machine: Machine, args: list[Any]) -> Value:
        """tear_down_vmas(): those from a VMA up to an end are released, their charge is told."""
        claim("they are released once, after their page tables", not self.torn and bool(self.unmapped))
        self.torn = tuple(args[2:4])
        return self._done().spanned

    def _destroy(self, _machine: Machine, args: list[Any]) -> int:
        self.destroyed += 1
        return 0
