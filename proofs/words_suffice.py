"""Compiled, the tree calculates with 64-bit words; uncompiled with integers: it comes to the same.

Words add and subtract as integers do, but for multiples of 2**64. So they come to the same wherever all that
is compared lies within 64 bits, and all that is kept does. Programs of `write_kinds` and `gap_is_exact` are
executed again; what they say of what is kept is claimed again too. Whatever the code compares is claimed to
lie within 64 bits.

Not covered: positions and numbers of nodes, which the size of memory bounds; what cursors compare.
"""

from __future__ import annotations

from mapleproof.proofs import gap_is_exact, write_kinds
from mapleproof.proofs.engine.claim import Claim, Edit, Twin, main
from mapleproof.proofs.engine.integers import as_words
from mapleproof.proofs.engine.paths import Program


def in_words(program: Program) -> Program:
    """The same, and what is compared lies within 64 bits."""

    def run() -> None:
        with as_words():
            program()

    return run


FROM: dict[str, tuple[str, ...]] = {
    "write_kinds": (
        *(f"entry, leaf of {count} slots" for count in (1, 2, 7)),
        *(f"NULL, leaf of {count} slots" for count in (1, 2, 3)),
        *(f"{name}, tree {shape}" for name in ("entry", "NULL") for shape in (1, 3, (2, 2), (2, 2, 2))),
        "entry, tree ((2, 2), (2, 2))",
        "entry, no node yet",
        "NULL, no node yet",
        "split of 17 slots",
        "levelling out of 6 slots",
    ),
    "gap_is_exact": (
        *(f"leaf of {count} slots" for count in (1, 2, 4)),
        "told on, child 0 of 3",
        *(
            f"store of {name} in (2, 2), {how}"
            for name in ("an entry", "NULL")
            for how in ("RCU", "in place")
        ),
        *(f"{which} in {shape}" for which in ("lowest", "highest") for shape in (0, 1, 3, (2, 2), (2, 2, 2))),
    ),
}
"""The parts of other claims that are executed again."""

CLAIMS = {claim.name: claim for claim in (write_kinds.CLAIM, gap_is_exact.CLAIM)}

EXECUTED = dict.fromkeys((*write_kinds.CLAIM.executes, *gap_is_exact.CLAIM.executes))

PARTS = {
    f"{claim}: {part}": in_words(CLAIMS[claim].parts[part]) for claim, parts in FROM.items() for part in parts
}

CLAIM = Claim(
    name="words_suffice",
    sentence="Whatever the tree compares lies within 64 bits, so that calculating with words comes to the"
    " same as with integers.",
    formula="a < b, a <= b, a == b executed => 0 <= a, b < 2**64",
    bounds="leaves of 1 to 7 slots, any pivots and any range; splits of 17 slots and levelling out of 6"
    " between any siblings; trees of up to 8 slots and three levels; searches in trees of up to 6 slots, any"
    " limits and size",
    executes=tuple(name for name in EXECUTED if name != "rebuild.grow_root"),
    around=write_kinds.CLAIM.around,
    parts=PARTS,
    twins=(
        Twin(
            "behind_the_top",
            "a span that ends at the top looks for what is behind it",
            (
                Edit(
                    "impl.maple.classify:classify_span",
                    "after = last + 1 if last < MAX else MAX",
                    "after = last + 1",
                ),
            ),
            ("write_kinds: entry, tree (2, 2)",),
        ),
        Twin(
            "room_for_everything",
            "the room up to the top is counted, which from index 0 on is 2**64",
            (
                Edit(
                    "impl.maple.search:highest",
                    "size - 1 <= most - start",
                    "size <= most - start + 1",
                ),
            ),
            ("gap_is_exact: highest in 3",),
        ),
    ),
)

if __name__ == "__main__":
    main(CLAIM)
