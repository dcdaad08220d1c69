"""mab_calc_split() of the tree against `proofs/maple/kernel_cuts.py`, which tells it once more in Python: a
translation check, so that what is proved of our tree's splits by the latter is about the former."""

from __future__ import annotations

from functools import partial

from mapleproof.impl.maple.geometry import ARANGE_64, RANGE_64
from mapleproof.proofs.engine.claim import Claim
from mapleproof.proofs.engine.paths import assume, claim
from mapleproof.proofs.engine.words import Word
from mapleproof.proofs.ir.arithmetic import Value, truth
from mapleproof.proofs.ir.machine import Machine
from mapleproof.proofs.kernel.made import Mistake, Part, edit, one_of, programs, twins
from mapleproof.proofs.kernel.presence import Present
from mapleproof.proofs.kernel.subject import Kernel
from mapleproof.proofs.maple.kernel_cuts import bulk_cut, cuts

NAME = "calc_split_agrees"
SENTENCE = "What does not fit a node is cut where kernel_cuts.py cuts it, whichever slots are NULL."
FORMULA = "(split, mid_split) = cuts(null, b_end + 1, slots, least), mid_split 0 for a cut in two"

FILES = "lib/maple_tree.c"
FUNCTION = "mab_calc_split"
PRESENT = Present(FUNCTION, ("dst_setup",))

SHAPES = {
    "leaf": ("maple_leaf_64", RANGE_64.leaf_slots, RANGE_64.leaf_min),
    "node of 16": ("maple_range_64", RANGE_64.node_slots, RANGE_64.node_min),
    "node of 10": ("maple_arange_64", ARANGE_64.node_slots, ARANGE_64.node_min),
}
"""Kinds of nodes: the kernel's name, how many slots it has, and how many it keeps."""


class BigNode:
    """A maple_big_node of some slots, which are NULL or not as they are looked at; a node's children never
    are."""

    def __init__(self, kernel: Kernel, machine: Machine, kind: str, has_null: bool) -> None:
        facts = kernel.facts
        self.has_null = has_null
        self.slots: dict[int, Value] = {}
        self.first = facts.offset("maple_big_node", "slot")
        self.end = facts.offset("maple_big_node", "b_end")
        """Slots end where this member begins."""
        self.machine = machine
        self.block = machine.block("bn", facts.size("maple_big_node"), unknown=self._looked_at)
        self.block.store(facts.offset("maple_big_node", "type"), 4, facts.value(kind))

    @property
    def most(self) -> int:
        """How many slots there is room for."""
        return (self.end - self.first) // 8

    def slot(self, at: int) -> Value:
        """What a slot holds."""
        if at not in self.slots:
            self.slots[at] = Word.named(f"slot{at}").term
            if not self.has_null:
                assume(self.slots[at] != 0)
        return self.slots[at]

    def null(self, at: int) -> bool:
        """Whether a slot is NULL."""
        return truth(self.slot(at) == 0)

    def _looked_at(self, offset: int, size: int) -> Value:
        at, odd = divmod(offset - self.first, 8)
        return (
            self.slot(at)
            if not odd and size == 8 and 0 <= at < self.most
            else self.machine.new("bn", 8 * size)
        )


def _part(shape: str, bulk: bool, kernel: Kernel) -> None:
    kind, count, least = SHAPES[shape]
    machine, facts = Machine(kernel.program), kernel.facts
    node = BigNode(kernel, machine, kind, has_null=shape == "leaf")
    # Two nodes' worth and what a store adds: so much is copied to one at the most
    b_end = one_of("b_end", range(count, min(node.most, 2 * count + 2)))
    node.block.store(node.end, 1, b_end)
    mas = machine.block("mas", facts.size("ma_state"), unknown=machine.anything("mas"))
    mas.store(facts.offset("ma_state", "mas_flags"), 1, facts.value("MA_STATE_BULK") if bulk else 0)
    middle = machine.block("mid_split", 1)
    split = machine.call(FUNCTION, [mas.base, node.block.base, middle.base])
    found = (split, middle.load(0, 1))
    told = bulk_cut(node.null, b_end + 1, least) if bulk else cuts(node.null, b_end + 1, count, least)
    expected = (*told, 0)[:2]
    claim(
        f"of {b_end + 1} slots the same are the last of their nodes: {found} in C, {expected} in Python",
        found == expected,
    )


def parts() -> dict[str, Part]:
    """Each kind of node, in a tree that is loaded in order or not."""
    return {
        f"{shape}{', in bulk' if bulk else ''}": partial(_part, shape, bulk)
        for shape in SHAPES
        for bulk in (False, True)
    }


MISTAKES: tuple[Mistake, ...] = tuple(
    (name, what, edit(FILES, function, find, replace), (part,))
    for name, what, function, find, replace, part in (
        (
            "quarter",
            "the first of three nodes is too small",
            FUNCTION,
            "split = b_end / 3;",
            "split = b_end / 4;",
            "leaf",
        ),
        (
            "middle_late",
            "the second of three nodes ends one slot late",
            FUNCTION,
            "*mid_split = split * 2;",
            "*mid_split = split * 2 + 1;",
            "node of 10",
        ),
        (
            "bulk_keeps_one_more",
            "in bulk the new node gets one slot more",
            FUNCTION,
            "split = b_end - mt_min_slots[bn->type];",
            "split = b_end - mt_min_slots[bn->type] - 1;",
            "node of 16, in bulk",
        ),
        (
            "bulk_ends_on_null",
            "in bulk a node may end on NULL",
            FUNCTION,
            "if (!bn->slot[split])",
            "if (bn->slot[split])",
            "leaf, in bulk",
        ),
        (
            "null_to_the_left",
            "a NULL at the cut goes to the right node",
            "mab_no_null_split",
            "split++;",
            "split--;",
            "leaf",
        ),
        (
            "null_moves_middle",
            "a NULL at the second cut of three goes to the left node",
            "mab_no_null_split",
            "(split < slot_count - 1)",
            "(split < 2 * slot_count)",
            "leaf",
        ),
        (
            "two_where_null_ends",
            "what fits two nodes but for a NULL is cut in two",
            "mab_middle_node",
            "(size >= 2 * slot_count - 1)",
            "(size >= 2 * slot_count)",
            "leaf",
        ),
        (
            "three_late",
            "what does not fit two nodes is cut in two",
            "mab_middle_node",
            "if (size >= 2 * slot_count)",
            "if (size > 2 * slot_count)",
            "leaf",
        ),
    )
)


def claim_about(kernel: Kernel) -> Claim:
    """The claim about a tree."""
    all_parts = parts()
    return Claim(
        NAME,
        SENTENCE,
        FORMULA,
        "from one slot too many to two nodes and two more, each NULL or not, children never; in bulk or not",
        (FUNCTION,),
        programs(kernel, all_parts),
        twins=twins(kernel, all_parts, MISTAKES),
        ours=False,
        absent=PRESENT.why_not(kernel),
    )
