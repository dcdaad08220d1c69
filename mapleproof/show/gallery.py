"""The gallery: one page for each kind of mistake, made from the cases in docs/gallery.

`python -m mapleproof.show.gallery` makes pages and index.md anew, from the cases that lie there.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

from mapleproof.show.carry_out import picture_of_file
from mapleproof.show.page import picture_page, write_page
from mapleproof.show.picture import Picture

FOLDER = Path("docs/gallery")


class Shown(NamedTuple):
    """A page of the gallery: its case, the mistake that is planted (None where the recovery that the case
    names is the mistake), and what there is to see."""

    case: str
    seeded: str | None
    see: str


PAGES = (
    Shown(
        "wrong-gap",
        "G12_trailing_null_ignored",
        "A node keeps gap 0 for its last child, where nearly all indices are free: no search finds them.",
    ),
    Shown(
        "search-below-the-limit",
        "G01_lower_bound_ignored",
        "Room is asked for within [0x1..0x2], where there is none; the answer is [0x0..0x1].",
    ),
    Shown(
        "lost-entry",
        "W15_leaf_overflows",
        "A leaf of 16 slots takes a 17th: an entry that the model holds is gone from the tree.",
    ),
    Shown(
        "split-at-null",
        "W20_split_at_null",
        "A leaf is split behind a NULL, which then ends it: a range of NULL lies in two leaves.",
    ),
    Shown(
        "cursor-does-not-restart",
        "C08_walk_does_not_restart",
        "A cursor finds its entry, and still says that it has met its lower limit.",
    ),
    Shown(
        "copy-leaks-nodes",
        "D03_left_subtrees_left_behind",
        "A copy of a tree fails half-way; two of its nodes stay allocated, in no tree.",
    ),
    Shown(
        "copy-frees-twice",
        "D03_children_never_allocated_are_freed",
        "A copy of a tree fails; its undo frees nodes that it never had.",
    ),
    Shown(
        "undo-v3-page-tables",
        None,
        "The undo of a failed fork frees a PMD table over a PTE table that is still live, with a page in it.",
    ),
    Shown(
        "undo-v4-pages",
        None,
        "The undo of a failed fork frees a page table with a page in it that was never zapped.",
    ),
    Shown(
        "exit-marker-v2",
        None,
        "A failed fork leaves a zero marker and the parent's VMAs in the child's tree; exit_mmap() takes the"
        " marker for a VMA.",
    ),
    Shown(
        "page-table-ceiling",
        "F05_ceiling_at_the_first_left",
        "The page tables of a failed fork are freed up to the first VMA left only: the PUD table leaks.",
    ),
    Shown(
        "proof-floor-forgotten",
        "munmap_exact.floor_forgotten",
        "A counterexample of z3: munmap() frees the page tables that the neighbour on the left still needs.",
    ),
)


def picture(shown: Shown, folder: Path = FOLDER) -> Picture:
    """The picture of a page."""
    return picture_of_file(folder / f"{shown.case}.jsonl", seeded=shown.seeded)


def command(shown: Shown) -> str:
    """The command that makes the page."""
    seeded = f" --seeded {shown.seeded}" if shown.seeded else ""
    return f"mapleproof show {FOLDER}/{shown.case}.jsonl{seeded} --html {shown.case}.html"


def index() -> str:
    """index.md."""
    lines = [
        "# Gallery",
        "",
        "Mistakes that were made in this code, or that are the natural slip, each with its smallest case and",
        "the page that `mapleproof show` makes of it. A page is one file: download it and open it from disk.",
        "`python -m mapleproof.show.gallery` makes all of them anew.",
        "",
        "On the left are the steps, those that matter marked; a link to one is `#step=N`. In the middle is",
        "one axis of addresses, on which far-apart ones are drawn close (a zigzag marks where): where the",
        "step looked and what it answered, what the model holds, the nodes of the tree with pivots and",
        "gaps, of an address space the page tables by level. A fork that fails is shown as its recovery",
        "finds the child, as it leaves it, and at the end. On the right the same is said in words. `j` and",
        "`k` step, `+` and `-` zoom, `h` and `l` move, `d` goes to the first difference.",
        "",
        "![a page](picture.png)",
        "",
        "| page | what to see | made by |",
        "|---|---|---|",
    ]
    for shown in PAGES:
        row = f"[{shown.case}]({shown.case}.html)", shown.see, f"`{command(shown)}`"
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines) + "\n"


def main(folder: Path = FOLDER) -> int:
    """Make all pages; 1 where a case does not show its mistake."""
    missed = 0
    for shown in PAGES:
        made = picture(shown, folder)
        write_page(folder / f"{shown.case}.html", picture_page(made))
        print(f"{shown.case}: {made.headline}")
        missed += made.failing is None
    (folder / "index.md").write_text(index())
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
