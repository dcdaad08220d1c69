"""What the compiler says of the tree's structs and constants: where members lie is never guessed.

Each unit is compiled with a tail that has a constant for each thing asked. What a tree does not have is left
out, and only a claim that needs it is left open.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from mapleproof.proofs.ir.errors import Missing
from mapleproof.proofs.ir.module import Program

PREFIX = "mapleproof_fact_"
_LINE = 1_000_000
"""The tail's lines are numbered from here on, so that errors in it are told from others."""

MEMBERS = {
    "vm_area_struct": "vm_start vm_end vm_flags vm_mm vm_file vm_ops vm_pgoff vm_policy anon_vma",
    "mm_struct": "mm_mt map_count flags total_vm data_vm exec_vm stack_vm pgd task_size",
    "file": "f_mapping",
    "vm_operations_struct": "open",
    "address_space": "i_mmap",
    "mmu_gather": "mm fullmm",
    "ma_state": "tree index last node min max offset mas_flags depth status store_type end alloc"
    " node_request",
    "ma_wr_state": "mas node r_min r_max type offset_end pivots end_piv slots entry content vacant_height"
    " sufficient_height",
    "maple_tree": "ma_lock ma_flags ma_root",
    "maple_node": "parent",
    "maple_range_64": "parent pivot slot meta",
    "maple_arange_64": "parent pivot slot gap meta",
    "maple_metadata": "end gap",
    "maple_big_node": "parent pivot slot padding gap b_end type",
    "vma_iterator": "mas",
    "unmap_desc": "mas first pg_start pg_end vma_start vma_end tree_end tree_reset mm_wr_locked",
}
VALUES = """VM_ACCOUNT VM_HUGETLB VM_DONTCOPY VM_WIPEONFORK VM_EXEC VM_WRITE VM_SHARED VM_MAYWRITE VM_STACK
    VM_LOCKED VM_LOCKONFAULT dup_userfaultfd_fail
    FIRST_USER_ADDRESS USER_PGTABLES_CEILING PMD_SIZE
    maple_leaf_64 maple_range_64 maple_arange_64 ma_active ma_start ma_root ma_none MT_FLAGS_USE_RCU
    MT_FLAGS_ALLOC_RANGE MAPLE_RANGE64_SLOTS MAPLE_ARANGE64_SLOTS MAPLE_NODE_SLOTS wr_invalid
    wr_new_root wr_store_root wr_exact_fit wr_spanning_store wr_split_store wr_rebalance wr_append
    wr_node_store wr_slot_store MA_STATE_BULK MA_STATE_REBALANCE"""


Questions = list[tuple[str, str]]
"""What is asked: what it is called, and the expression in C."""


def questions() -> Questions:
    """All that is asked."""
    asked = []
    for struct, members in MEMBERS.items():
        asked.append((f"size_{struct}", f"sizeof(struct {struct})"))
        for member in members.split():
            asked.append((f"at_{struct}__{member}", f"__builtin_offsetof(struct {struct}, {member})"))
    return asked + [(f"value_{name}", f"(unsigned long)({name})") for name in VALUES.split()]


def answered(unit: str) -> Questions:
    """Of all that is asked, what the text of a compiled unit has an answer to."""
    return [(name, text) for name, text in questions() if f"@{PREFIX}{name} " in unit]


def tail(asked: Iterable[tuple[str, str]]) -> str:
    """Text for the end of a unit: one line for each."""
    lines = [f"const unsigned long {PREFIX}{name} = {text};" for name, text in asked]
    return f'\n#line {_LINE} "facts.h"\n' + "\n".join(lines) + "\n"


def refused(said: str, asked: Questions) -> Questions | None:
    """Of what was asked, what the compiler accepts, by its errors; None where one is not about the tail."""
    lines = re.findall(r"^(\S+?):(\d+):\d+: (?:fatal )?error:", said, re.MULTILINE)
    numbers = {int(line) - _LINE for name, line in lines if name.endswith("facts.h")}
    if not numbers or len(numbers) > len(asked) or any(not name.endswith("facts.h") for name, _ in lines):
        return None
    return [each for number, each in enumerate(asked) if number not in numbers]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the units of a program say."""

    program: Program

    def _number(self, name: str, told: str) -> int:
        for unit in self.program.units:
            if f"@{PREFIX}{name}" in unit.variables:
                return unit.constant(PREFIX + name)
        raise Missing(f"the sources have no {told}")

    def offset(self, struct: str, member: str) -> int:
        """Where a member of a struct begins. Raises Missing."""
        return self._number(f"at_{struct}__{member}", f"member {member} in struct {struct}")

    def size(self, struct: str) -> int:
        """The bytes of a struct. Raises Missing."""
        return self._number(f"size_{struct}", f"struct {struct}")

    def value(self, name: str) -> int:
        """A constant. Raises Missing."""
        return self._number(f"value_{name}", f"constant {name}")

    def has_value(self, name: str) -> bool:
        """Whether there is a constant."""
        return any(f"@{PREFIX}value_{name}" in unit.variables for unit in self.program.units)

    def has(self, struct: str, member: str) -> bool:
        """Whether a struct has a member."""
        return any(f"@{PREFIX}at_{struct}__{member}" in unit.variables for unit in self.program.units)
