"""mas_wr_store_type() of the tree against classify() of `impl/maple`: a translation check, so that what is
proved of the kinds of stores of the latter (`write_kinds`) is about the former.

Not covered: the tree without nodes (store_root), the far side of a store that leaves its leaf.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import pairwise
from types import SimpleNamespace
from typing import Any, NoReturn

import z3  # type: ignore[import-untyped]

from mapleproof.impl.maple import classify
from mapleproof.impl.maple.geometry import META, RANGE_64
from mapleproof.impl.maple.kinds import (
    APPEND,
    EXACT_FIT,
    NEW_ROOT,
    NODE_STORE,
    REBALANCE,
    SLOT_STORE,
    SPANNING_STORE,
    SPLIT,
    STORES,
)
from mapleproof.impl.maple.place import Store
from mapleproof.proofs.engine.claim import Claim
from mapleproof.proofs.engine.paths import assume, claim
from mapleproof.proofs.engine.words import FULL, Word, term_of
from mapleproof.proofs.ir.arithmetic import term, truth
from mapleproof.proofs.ir.machine import Machine
from mapleproof.proofs.ir.types import VOID
from mapleproof.proofs.kernel.leaves import NODE, NOT_NULL, ROOT, TYPE_SHIFT, place_leaf
from mapleproof.proofs.kernel.made import Mistake, Part, edit, programs, twins
from mapleproof.proofs.kernel.presence import Present
from mapleproof.proofs.kernel.subject import Kernel

NAME = "store_type_agrees"
SENTENCE = (
    "A store that begins in a leaf is of the kind that classify() tells, over the same range and slots; one"
    " that leaves a leaf is a spanning store, even one over everything, which is a new root in ours."
)
FORMULA = "(store_type, index, last, offset, offset_end) = (kind, first, last, left, right) of classify()"

FILES = "lib/maple_tree.c"
FUNCTION = "mas_wr_store_type"
PRESENT = Present(FUNCTION, ("mas_wr_modify",))

PARENT = 0xFFFF_8880_0200_0000
ENTRY = 0x1000

KINDS = {
    "wr_exact_fit": EXACT_FIT,
    "wr_slot_store": SLOT_STORE,
    "wr_append": APPEND,
    "wr_node_store": NODE_STORE,
    "wr_new_root": NEW_ROOT,
    "wr_split_store": SPLIT,
    "wr_rebalance": REBALANCE,
    "wr_spanning_store": SPANNING_STORE,
}
"""The kernel's names."""


class Index(Word):
    """A word of the shipped code, which adds up the truth of comparisons: each is decided at once."""

    __slots__ = ()
    __hash__ = None

    def __lt__(self, other: Any) -> bool:  # type: ignore[override]
        return bool(super().__lt__(other))

    def __le__(self, other: Any) -> bool:  # type: ignore[override]
        return bool(super().__le__(other))

    def __gt__(self, other: Any) -> bool:  # type: ignore[override]
        return bool(super().__gt__(other))

    def __ge__(self, other: Any) -> bool:  # type: ignore[override]
        return bool(super().__ge__(other))

    def __eq__(self, other: object) -> bool:  # type: ignore[override]
        return bool(super().__eq__(other))

    def __ne__(self, other: object) -> bool:  # type: ignore[override]
        return bool(super().__ne__(other))

    def __add__(self, other: Word | int) -> Index:
        made = super().__add__(other)
        return Index(made.term, made.left)


class BeyondTheLeaf(Exception):
    """Our code asks for a node above the leaf: the store leaves it."""


class Above:
    """Parents, of which nothing is told."""

    def __getitem__(self, _at: int) -> NoReturn:
        raise BeyondTheLeaf


class Slots:
    """The slots of a leaf as our code looks at them."""

    def __init__(self, slots: list[Any]) -> None:
        self.slots = slots

    def __getitem__(self, at: int) -> str | None:
        return None if truth(self.slots[at] == 0) else "entry"


@dataclass(frozen=True, slots=True)
class Writing:
    """A store that begins in a leaf: its range, the leaf's lowest index, the limits and contents of its
    slots; whether the tree is in RCU mode, the leaf the root, what is stored NULL, the tree loaded in order.
    """

    first: Any
    last: Any
    low: Any
    limits: list[Any]
    slots: list[Any]
    rcu: Any
    root: bool
    null: bool
    bulk: bool

    @staticmethod
    def arbitrary(count: int, *, root: bool, null: bool, bulk: bool = False, begins: int = 0) -> Writing:
        """Any store in any leaf of so many slots that begins in slot ``begins`` or behind it. What is loaded
        in order goes to the last leaf."""
        low = z3.BitVecVal(0, 64) if root else Word.named("min").term
        high = z3.BitVecVal(FULL, 64) if root or bulk else Word.named("max").term
        limits = [*(Word.named(f"pivot{at}").term for at in range(count - 1)), high]
        slots = [Word.named(f"slot{at}").term for at in range(count)]
        first, last, rcu = Word.named("first").term, Word.named("last").term, Word.named("rcu", 63).term
        for one, other in pairwise(limits):
            assume(z3.ULT(one, other))
        for one, other in pairwise(slots):
            assume(z3.Or(one != 0, other != 0))
        if not root:
            assume(z3.Or(high == FULL, slots[-1] != 0))
            assume(z3.Or(high != FULL, low != 0))
        assume(z3.And(z3.ULE(low, limits[0]), z3.ULE(low, first), z3.ULE(first, high), z3.ULE(first, last)))
        if begins:
            assume(z3.ULT(limits[begins - 1], first))
        return Writing(first, last, low, limits, slots, rcu, root, null, bulk)

    def in_python(self) -> Store | None:
        """What classify() says; None where the store leaves the leaf."""
        end = len(self.slots) - 1
        pivots: list[Any] = [*map(Index, self.limits[:-1]), *[0] * (META - end), end]
        tree: Any = SimpleNamespace(
            pool=SimpleNamespace(pivots=pivots, slots=Slots(self.slots), parents=Above()),
            height=1 if self.root else 2,
            rcu=Word(self.rcu) != 0,
            leaf_min=RANGE_64.leaf_min,
            leaf_slots=RANGE_64.leaf_slots,
        )
        store: Any = Store()
        store.node, store.low, store.high = 0, Index(self.low), Index(self.limits[-1])
        first, last, entry = Index(self.first), Index(self.last), None if self.null else "entry"
        try:
            classify.classify(tree, store, first, last, entry, self.bulk)  # type: ignore[arg-type]
        except BeyondTheLeaf:
            return None
        return store if store.left >= 0 else None

    def in_c(self, kernel: Kernel) -> Store | None:
        """What mas_wr_store_type() says, told in the same way."""
        machine = Machine(kernel.program, {"trace_ma_write": lambda _machine, _args: 0})
        facts = kernel.facts
        tree = machine.block("tree", facts.size("maple_tree"), unknown=machine.anything("tree"))
        flags = z3.If(self.rcu == 0, z3.BitVecVal(0, 32), facts.value("MT_FLAGS_USE_RCU"))
        tree.store(facts.offset("maple_tree", "ma_flags"), 4, flags)
        node = place_leaf(kernel, machine, self.limits, self.slots)
        node.store(facts.offset("maple_node", "parent"), 8, tree.base | ROOT if self.root else PARENT)
        mas, at = machine.block("mas", facts.size("ma_state"), unknown=machine.anything("mas")), facts.offset
        for name, size, value in (
            ("tree", 8, tree.base),
            ("index", 8, self.first),
            ("last", 8, self.last),
            ("node", 8, NODE | facts.value("maple_leaf_64") << TYPE_SHIFT | NOT_NULL),
            ("min", 8, self.low),
            ("max", 8, self.limits[-1]),
            ("status", 4, facts.value("ma_active")),
            ("offset", 1, 0),
            ("mas_flags", 1, facts.value("MA_STATE_BULK") if self.bulk else 0),
        ):
            mas.store(at("ma_state", name), size, value)
        wr_mas = machine.block("wr_mas", facts.size("ma_wr_state"), unknown=machine.anything("wr_mas"))
        wr_mas.store(at("ma_wr_state", "mas"), 8, mas.base)
        wr_mas.store(at("ma_wr_state", "entry"), 8, 0 if self.null else ENTRY)
        told = machine.call(FUNCTION, [wr_mas.base])
        if kernel.program.function(FUNCTION).returns == VOID:
            told = mas.load(at("ma_state", "store_type"), 4)
        store: Any = Store()
        store.kind = next((kind for name, kind in KINDS.items() if facts.value(name) == told), None)
        store.first = mas.load(at("ma_state", "index"), 8)
        store.last = mas.load(at("ma_state", "last"), 8)
        store.left = mas.load(at("ma_state", "offset"), 1)
        store.right = wr_mas.load(at("ma_wr_state", "offset_end"), 1)
        return store if store.kind != SPANNING_STORE else None


def _part(how: dict[str, Any], kernel: Kernel) -> None:
    store = Writing.arbitrary(**how)
    found, told = store.in_c(kernel), store.in_python()
    if found is None or told is None:
        claim("the same stores leave the leaf", found is told)
        return
    kind = told.kind
    small = store.root and kind == NODE_STORE and told.new_end + 1 < RANGE_64.leaf_min
    if small and _has_small_roots(kernel) and truth(store.rcu == 0):
        kind = _in_small_root(told, len(store.slots) - 1)
    names = [STORES[each] if each is not None else "none of them" for each in (found.kind, kind)]
    claim(f"it is of the same kind: {names[0]} in C, {names[1]} in Python", found.kind == kind)
    claim("the slots are the same", (found.left, found.right) == (told.left, told.right))
    for one, other in ((found.first, told.first), (found.last, told.last)):
        claim("the range is the same", term(one, 64) == term_of(other))


def _in_small_root(store: Store, end: int) -> int:
    """What a store is where 7.x looks for less than a node store, with fewer slots than a leaf keeps."""
    if store.left == end:
        return APPEND
    return SLOT_STORE if store.new_end == end and store.right - store.left == 1 else NODE_STORE


@lru_cache(maxsize=16)
def _has_small_roots(kernel: Kernel) -> bool:
    """Whether a tree does so, by the one store behind an entry for 0 in a tree of nothing else."""
    word = partial(z3.BitVecVal, bv=64)
    limits, slots = [word(0), word(FULL)], [word(ENTRY), word(0)]
    found = Writing(word(2), word(FULL), word(0), limits, slots, word(0), True, False, False).in_c(kernel)
    return found is not None and found.kind == APPEND


def _name(how: dict[str, Any]) -> str:
    where = f"{'root' if how['root'] else 'leaf'} of {how['count']}"
    behind = f" from slot {how['begins']} on" if how.get("begins") else ""
    return f"{where}, {'NULL' if how['null'] else 'entry'}{behind}{', in bulk' if how.get('bulk') else ''}"


LEAVES: tuple[tuple[int, bool, int], ...] = (
    *((count, True, 0) for count in range(1, 5)),
    (8, True, 6),
    (15, True, 13),
    (16, True, 14),
    (7, False, 4),
    (8, False, 6),
    (15, False, 13),
    (16, False, 14),
)
"""How many slots a leaf has, whether it is the root, and the lowest slot that the store begins in. No leaf
but the root has fewer than seven."""


def parts(bulk: bool = True) -> dict[str, Part]:
    """Leaves about which the kind may change; where there is such a thing, also while a tree is loaded."""
    all_of_them: list[dict[str, Any]] = [
        {"count": count, "root": root, "null": null, "begins": begins}
        for count, root, begins in LEAVES
        for null in (False, True)
    ]
    if bulk:
        all_of_them.append({"count": 7, "root": False, "null": False, "begins": 5, "bulk": True})
    return {_name(how): partial(_part, how) for how in all_of_them}


MISTAKES: tuple[Mistake, ...] = tuple(
    (name, what, edit(FILES, function, find, replace), (part,))
    for name, what, function, find, replace, part in (
        (
            "rebalanced_early",
            "a leaf that keeps the fewest slots allowed is balanced",
            FUNCTION,
            "new_end < mt_min_slots[wr_mas->type]",
            "new_end <= mt_min_slots[wr_mas->type]",
            "leaf of 7, entry from slot 4 on",
        ),
        (
            "split_late",
            "one slot too many is no split",
            FUNCTION,
            "new_end >= mt_slots[wr_mas->type]",
            "new_end > mt_slots[wr_mas->type]",
            "leaf of 15, entry from slot 13 on",
        ),
        (
            "slots_under_readers",
            "several slots are replaced in place though readers may be there",
            FUNCTION,
            "wr_mas->offset_end - mas->offset == 1",
            "wr_mas->offset_end - mas->offset >= 1",
            "leaf of 7, entry from slot 4 on",
        ),
        (
            "appends_before_the_end",
            "what ends in the last slot counts as appended",
            FUNCTION,
            "mas->offset == mas->end",
            "wr_mas->offset_end == mas->end",
            "root of 8, entry from slot 6 on",
        ),
        (
            "slots_of_small_root",
            "several slots of a root with few are replaced in place",
            FUNCTION,
            "mas->end == new_end && one_slot",
            "mas->end == new_end",
            "root of 4, entry",
        ),
        (
            "balanced_in_bulk",
            "the last leaf is balanced while more is to come",
            FUNCTION,
            "!(mas->mas_flags & MA_STATE_BULK)",
            "true",
            "leaf of 7, entry from slot 5 on, in bulk",
        ),
        (
            "one_slot_less",
            "the new slot is not counted",
            "mas_wr_new_end",
            "mas->end + 2;",
            "mas->end + 1;",
            "leaf of 15, entry from slot 13 on",
        ),
        (
            "null_not_widened",
            "a NULL does not take in the one that it begins in",
            "mas_wr_extend_null",
            "mas->index = wr_mas->r_min;",
            ";",
            "root of 2, NULL",
        ),
        (
            "null_beside_left_out",
            "a NULL takes in no NULL behind it",
            "mas_wr_extend_null",
            "wr_mas->offset_end++;",
            ";",
            "root of 3, NULL",
        ),
        (
            "last_null_spans",
            "a NULL up to the highest index leaves the leaf",
            "mas_is_span_wr",
            "if (entry || last == ULONG_MAX)",
            "if (entry)",
            "root of 2, NULL",
        ),
        (
            "ends_early",
            "a range that ends with a slot reaches into the next",
            "mas_wr_end_piv",
            "(wr_mas->mas->last > wr_mas->pivots[wr_mas->offset_end])",
            "(wr_mas->mas->last >= wr_mas->pivots[wr_mas->offset_end])",
            "root of 2, entry",
        ),
        (
            "begins_late",
            "a range that begins with a slot's last index begins in the next",
            "mas_wr_node_walk",
            "mas->index > wr_mas->pivots[offset]",
            "mas->index >= wr_mas->pivots[offset]",
            "root of 2, entry",
        ),
    )
)


def claim_about(kernel: Kernel) -> Claim:
    """The claim about a tree."""
    # A twin that fits says itself that there is a bulk load
    of_it = parts(bulk=kernel.facts.has_value("MA_STATE_BULK"))
    return Claim(
        NAME,
        SENTENCE,
        FORMULA,
        "roots of 1 to 4 slots; of 7, 8, 15 and 16 slots what begins in the last two or three; any range and"
        " limits, each slot NULL or not, in RCU mode or not; 64-bit words",
        (FUNCTION,),
        programs(kernel, of_it),
        twins=twins(kernel, parts(), MISTAKES),
        ours=False,
        orders=True,
        absent=PRESENT.why_not(kernel),
    )
