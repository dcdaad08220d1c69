"""Changes of the tree between Linux 6.12 and 7.3, one by one, as patches on top of 6.12: what
`docs/review-of-ten.md` reviews.

    python -m mapleproof.review.of_ten OLD NEW [NAME...] > of-ten.mbox

OLD and NEW are unpacked sources of 6.12 and 7.3, or their versions where they are at hand. A change is made
of what NEW has: a function in the place of OLD's own, or a fragment of one where the rest of it belongs to
another change. The series holds those that are named, all of them else, each on top of the one before.

Nothing of the kernel's text is kept here but names and fragments to find a place by.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mapleproof.impl.kernel import source
from mapleproof.impl.kernel.errors import KernelBuildError
from mapleproof.review.code import SOURCE, span
from mapleproof.review.of_v4 import difference

_HEAD = """\
From {number:040x} Mon Sep 17 00:00:00 2001
From: mapleproof <mapleproof@example.org>
Date: Mon, 01 Jan 2024 00:00:00 +0000
Subject: [PATCH {number}/{of}] {title}

---
"""


@dataclass(frozen=True, slots=True)
class Change:
    """One change: its title upstream, or what it does where that is not known. `taken` are functions of the
    newer tree that stand in the place of the older one's, `brought` such that it does not have, put before
    the first that is changed; `edits` are (function, what stands there, what stands there then).
    `left_out` is a call in them of what the older tree does not have: lockdep's checks."""

    title: str
    taken: tuple[str, ...] = ()
    brought: tuple[str, ...] = ()
    edits: tuple[tuple[str, str, str], ...] = ()
    left_out: str = ""

    def made(self, old: str, new: str) -> str:
        """The older text with it. Raises ValueError where it does not fit."""
        text = old
        for name in self.taken:
            first, last = span(text, name)
            start, end = span(new, name)
            text = text[:first] + new[start:end] + text[last:]
        for function, find, replace in self.edits:
            first, last = span(text, function)
            pattern = r"\s+".join(map(re.escape, find.split()))
            found = list(re.finditer(pattern, text[first:last]))
            if len(found) != 1:
                raise ValueError(f"{function}(): what is to be changed stands there {len(found)} times")
            text = text[: first + found[0].start()] + replace + text[first + found[0].end() :]
        functions = [*self.taken, *(function for function, _, _ in self.edits)]
        at = min(span(text, name)[0] for name in functions)
        for name in self.brought:
            start, end = span(new, name)
            own = re.sub(rf"^\s*{self.left_out}\(.*\);\n", "", new[start:end], flags=re.MULTILINE)
            text = f"{text[:at]}{own if self.left_out else new[start:end]}\n\n{text[at:]}"
        return text


CHANGES: Mapping[str, Change] = {
    "dead-node": Change("maple_tree: use ma_dead_node() in mte_dead_node()", taken=("mte_dead_node",)),
    "descend": Change(
        "maple_tree: index has been checked to be smaller than pivot", taken=("mas_anode_descend",)
    ),
    "sibling": Change("maple_tree: root node could be handled by !p_slot too", taken=("mas_prev_sibling",)),
    "root-expand": Change(
        "maple_tree: the return value of mas_root_expand() is not used",
        edits=(
            ("mas_root_expand", "static inline int", "static inline void"),
            ("mas_root_expand", "return slot;", ""),
        ),
    ),
    "new-root": Change(
        "maple_tree: not necessary to check index/last again",
        edits=(("mas_new_root", "if (!entry && !mas->index && mas->last == ULONG_MAX) {", "if (!entry) {"),),
    ),
    "prev-slot": Change(
        "mas_prev_slot() as 7.3 has it: one way out below the limit", taken=("mas_prev_slot",)
    ),
    "empty-area": Change(
        "mas_empty_area() as 7.3 has it: an offset is not looked at again", taken=("mas_empty_area",)
    ),
    "walk": Change(
        "maple_tree: restart walk on correct status",
        edits=(
            (
                "mas_walk",
                "!mas_is_active(mas) || !mas_is_start(mas)",
                "!mas_is_active(mas) && !mas_is_start(mas)",
            ),
        ),
    ),
    "activate": Change(
        "maple_tree: fix status setup on restore to active",
        taken=("mas_next_setup", "mas_prev_setup", "mas_find_setup"),
        brought=("mas_may_activate",),
        left_out="mas_lock_check",
    ),
    "slot-store": Change(
        "mas_wr_slot_store() of 7.3 takes what it overwrites from the walk",
        edits=(
            (
                "mas_wr_slot_store",
                "gap |= !mt_slot_locked(mas->tree, slots, offset);",
                "gap |= !wr_mas->content;",
            ),
        ),
    ),
    "spanning-null": Change(
        "mas_extend_spanning_null() as 7.3 has it: a NULL on the right is not extended",
        taken=("mas_extend_spanning_null",),
    ),
}
"""By the names that the page has for them."""


def patches(old: Path, new: Path, names: list[str]) -> Iterator[str]:
    """The series, one mail after the other. Raises ValueError where it does not fit, KeyError where there is
    no change of that name, OSError where there is no such tree."""
    text, newer = ((tree / SOURCE).read_text() for tree in (old, new))
    for number, name in enumerate(names, 1):
        change = CHANGES[name]
        after = change.made(text, newer)
        head = _HEAD.format(number=number, of=len(names), title=f"{name}: {change.title}")
        yield f"{head}{difference(SOURCE, text, after)}-- \nmapleproof\n\n"
        text = after


def main(words: list[str]) -> int:
    """Print the series; 2 with one line where there is none for these trees."""
    try:
        if len(words) < 2:
            raise ValueError("two trees are needed, the older one first")
        old, new = map(source.resolve, words[:2])
        sys.stdout.write("".join(patches(old, new, words[2:] or list(CHANGES))))
    except KeyError as error:
        print(f"there is no change {error}; there are {', '.join(CHANGES)}", file=sys.stderr)
        return 2
    except (KernelBuildError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
