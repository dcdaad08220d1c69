"""mas_copy_node() and mas_dup_alloc() of the tree, by which mt_dup() copies a node and gets nodes for its
children. That the walk over all nodes comes to each of them is not part of this."""

from __future__ import annotations

from functools import partial
from typing import Any

import z3  # type: ignore[import-untyped]

from mapleproof.impl.maple.geometry import ARANGE_64, RANGE_64
from mapleproof.proofs.engine.claim import Claim
from mapleproof.proofs.engine.paths import assume, claim
from mapleproof.proofs.engine.words import FULL, Word
from mapleproof.proofs.ir.arithmetic import Value, term
from mapleproof.proofs.ir.errors import NotUnderstood
from mapleproof.proofs.ir.machine import Hook, Machine
from mapleproof.proofs.ir.memory import Block
from mapleproof.proofs.kernel.leaves import NODE, NODE_BYTES, NOT_NULL, TYPE_SHIFT
from mapleproof.proofs.kernel.made import Mistake, Part, edit, one_of, programs, twins
from mapleproof.proofs.kernel.presence import Present
from mapleproof.proofs.kernel.subject import Kernel

NAME = "copied_node_exact"
SENTENCE = (
    "A copied node holds what its source holds, under its own parent at the same place; its children are new"
    " nodes of the same kinds, each asked for once. Where they are refused no child is new, and that is told."
)
FORMULA = "parent' = parent | low byte;  slot'[i] = new node i | low byte of slot[i];  the rest as it was"

FILES = "lib/maple_tree.c"
COPY, CHILDREN = "mas_copy_node", "mas_dup_alloc"
PRESENT = Present(COPY, along=(CHILDREN, "mas_dup_build", "mas_dup_free", "__mt_dup"), among="mas_walk")

NEW_NODE, FIRST_CHILD = 0xFFFF_8880_0200_0000, 0xFFFF_8880_0300_0000
LOW = 0xFF
"""What a node's address leaves for its kind, or for its slot in its parent: MAPLE_NODE_MASK."""

ENOMEM = 12
KINDS = {
    "node of 16": ("maple_range_64", RANGE_64.node_slots),
    "node of 10": ("maple_arange_64", ARANGE_64.node_slots),
}


def _barrier(_machine: Machine, text: str, _args: list[Any]) -> int:
    """Assembly without a text only keeps the compiler from moving accesses."""
    if text.strip('"'):
        raise NotUnderstood(f"assembly: {text[:80]}")
    return 0


class Copied:
    """A node of anything, its copy to be, and cursors on both."""

    def __init__(self, kernel: Kernel, kind: str, grant: bool = True) -> None:
        self.machine, self.facts, self.grant = Machine(kernel.program, asm=_barrier), kernel.facts, grant
        self.asked: list[int] = []
        self.given = 0
        words = range(1, NODE_BYTES // 8)
        self.words = [Word.named("node.parent").term, *(z3.BitVec(f"word{at}", 64) for at in words)]
        assume(self.words[0] & (FULL ^ LOW) != NODE)  # else it is dead
        self.source, self.copy = (
            self.machine.block(name, NODE_BYTES, base=base)
            for name, base in (("node", NODE), ("new node", NEW_NODE))
        )
        for at, word in enumerate(self.words):
            self.source.store(8 * at, 8, word)
            self.copy.store(8 * at, 8, self.machine.new("new node", 64))
        self.high = Word.named("max").term
        tag = self.facts.value(kind) << TYPE_SHIFT | NOT_NULL
        self.mas, self.new_mas = (self._cursor(base | tag) for base in (NODE, NEW_NODE))
        bulk: dict[str, Hook] = dict.fromkeys(
            ("kmem_cache_alloc_bulk_noprof", "kmem_cache_alloc_bulk"), self._bulk
        )
        self.machine.hooks |= bulk | {"mas_alloc_nodes": self._reserve, "mas_pop_node": self._pop}

    def _cursor(self, node: int) -> Block:
        mas = self.machine.block("mas", self.facts.size("ma_state"), unknown=self.machine.anything("mas"))
        mas.store(self.facts.offset("ma_state", "node"), 8, node)
        mas.store(self.facts.offset("ma_state", "max"), 8, self.high)
        mas.store(self.facts.offset("ma_state", "status"), 4, self.facts.value("ma_active"))
        return mas

    def _bulk(self, machine: Machine, args: list[Any]) -> Value:
        """kmem_cache_alloc_bulk(): all of them or none."""
        count, to = args[2:4]
        self.asked.append(count)
        for at in range(count if self.grant else 0):
            machine.memory.store(to + 8 * at, 8, FIRST_CHILD + NODE_BYTES * at)
        return count if self.grant else 0

    def _reserve(self, machine: Machine, args: list[Any]) -> Value:
        """mas_alloc_nodes(): as many as the cursor says, or an error there."""
        self.asked.append(self.mas.load(self.facts.offset("ma_state", "node_request"), 8))
        return 0 if self.grant else machine.call("mas_set_err", [args[0], FULL + 1 - ENOMEM])

    def _pop(self, _machine: Machine, _args: list[Any]) -> Value:
        """mas_pop_node(): one of these."""
        self.given += 1
        claim("no more nodes are taken than were asked for", self.given <= sum(self.asked))
        return FIRST_CHILD + NODE_BYTES * (self.given - 1)

    def set_children(self, kind: str, count: int) -> int:
        """So many children; the word that the first of them is."""
        at = self.facts.offset
        meta = at(kind, "meta") + at("maple_metadata", "end")
        if kind == "maple_arange_64":
            self.source.store(meta, 1, count - 1)
        else:
            last = at(kind, "pivot") + 8 * (RANGE_64.node_slots - 2)
            if count < RANGE_64.node_slots - 1:
                self.source.store(last, 8, 0)
                self.source.store(meta, 1, count - 1)
            elif count == RANGE_64.node_slots - 1:
                self.source.store(last, 8, self.high)
                assume(self.high != 0)
            else:
                assume(z3.And(self.words[last // 8] != 0, self.words[last // 8] != self.high))
        self.words = [term(self.source.load(8 * each, 8), 64) for each in range(len(self.words))]
        return at(kind, "slot") // 8

    def copied(self) -> None:
        """mas_copy_node() under any parent, and what it must have done."""
        parent = Word.named("parent", 8).term
        self.machine.call(COPY, [self.mas.base, self.new_mas.base, parent])
        self.expected = [self.words[0] & LOW | parent, *self.words[1:]]
        self.must_be(self.expected)

    def must_be(self, expected: list[Any]) -> None:
        """The copy holds this, and the source what it held."""
        for at, (word, before) in enumerate(zip(expected, self.words, strict=True)):
            claim(f"word {at} of the copy", term(self.copy.load(8 * at, 8), 64) == word)
            claim("the source is as it was", term(self.source.load(8 * at, 8), 64) == before)


def _leaf(kernel: Kernel) -> None:
    Copied(kernel, "maple_leaf_64").copied()


def _inner(name: str, grant: bool, kernel: Kernel) -> None:
    kind, most = KINDS[name]
    node = Copied(kernel, kind, grant)
    count = one_of("children", range(2, most + 1))
    first = node.set_children(kind, count)
    node.copied()
    node.machine.call(CHILDREN, [node.mas.base, node.new_mas.base, 0])
    claim(f"{count} nodes are asked for, once: {node.asked}", node.asked == [count])
    error = (-ENOMEM << 2 | 2) & FULL
    told = node.mas.load(node.facts.offset("ma_state", "node"), 8)
    claim("an error is told if and only if there was none", (told == error) is not grant)
    if grant:
        for at in range(count):
            new = FIRST_CHILD + NODE_BYTES * at
            node.expected[first + at] = z3.BitVecVal(new, 64) | node.words[first + at] & LOW
        node.must_be(node.expected)
        return
    for at in range(first, first + count):
        slot = term(node.copy.load(8 * at, 8), 64)
        claim("no child is a new one", z3.Or(slot == 0, slot == node.words[at]))


def parts() -> dict[str, Part]:
    """A leaf, and the kinds of nodes, with their children granted or refused."""
    inner = {
        f"{name}, {'granted' if grant else 'refused'}": partial(_inner, name, grant)
        for name in KINDS
        for grant in (True, False)
    }
    return {"leaf": _leaf, **inner}


MISTAKES: tuple[Mistake, ...] = tuple(
    (name, what, edit(FILES, function, find, replace), (part,))
    for name, what, function, find, replace, part in (
        (
            "last_word_left",
            "the last word is not copied",
            COPY,
            "sizeof(struct maple_node));",
            "sizeof(struct maple_node) - 8);",
            "leaf",
        ),
        (
            "slot_in_parent_lost",
            "the copy does not know its slot in its parent",
            COPY,
            "(unsigned long)node->parent & MAPLE_NODE_MASK;",
            "0;",
            "leaf",
        ),
        (
            "parent_of_the_source",
            "the copy keeps the source's parent",
            COPY,
            "(val | (unsigned long)parent)",
            "((unsigned long)node->parent)",
            "leaf",
        ),
        (
            "last_child_shared",
            "the last child is not asked for",
            CHILDREN,
            "mas_data_end(mas) + 1;",
            "mas_data_end(mas);",
            "node of 10, granted",
        ),
        (
            "kind_lost",
            "children do not get the kinds of their sources",
            CHILDREN,
            "val &= MAPLE_NODE_MASK;",
            "val = 0;",
            "node of 10, granted",
        ),
        (
            "address_mixed",
            "a child's address is mixed with its source's",
            CHILDREN,
            "val &= MAPLE_NODE_MASK;",
            ";",
            "node of 16, granted",
        ),
        (
            "refusal_not_told",
            "that children are refused is not told",
            CHILDREN,
            "mas_set_err(mas, -ENOMEM);",
            ";",
            "node of 10, refused",
        ),
        (
            "goes_on_refused",
            "it goes on where children are refused",
            CHILDREN,
            "if (unlikely(mas_is_err(mas))) return;",
            ";",
            "node of 10, refused",
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
        "one node of any content under any parent: a leaf, and nodes of 2 children to as many as they hold",
        (COPY, CHILDREN),
        programs(kernel, all_parts),
        twins=twins(kernel, all_parts, MISTAKES),
        ours=False,
        absent=PRESENT.why_not(kernel),
    )
