"""Recoveries of the past and of the review, put into 6.12's dup_mmap in its own recovery's place.

Written anew after what is known of them (the same sources as `impl.mm.recovery`), for Linux 6.12's functions.
The same names as there, so that both tables can be laid side by side.
"""

from __future__ import annotations

import re
from pathlib import Path

from mapleproof.impl.kernel.booted.edits import PARAMETER, Edit, Planted, edited_files

UNDO_V3, UNDO_V4, OPEN_CODED, UNMAP_IN_PLACE = range(101, 105)

_SOURCES = Path(__file__).parent / "undo"
_DECLARED = "void mapleproof_undo(struct mm_struct *mm, struct vm_area_struct *left, int how);"


def _source(name: str) -> str:
    return "\n" + (_SOURCES / name).read_text()


_CALL = Edit(
    ("kernel/fork.c",),
    "dup_mmap",
    "if (mpnt) { mas_set_range(&vmi.mas, mpnt->vm_start,",
    "if (mapleproof_seed > 100) {\n\t\t\tmapleproof_undo(mm, mpnt, mapleproof_seed);\n"
    "\t\t\tset_bit(MMF_OOM_SKIP, &mm->flags);\n"
    "\t\t} else if (mpnt) {\n\t\t\tmas_set_range(&vmi.mas, mpnt->vm_start,",
    before=_DECLARED,
)
_FREE, _EXIT = "struct unlink_vma_file_batch vb;", "int count = 0;"
_SHARED = (
    _CALL,
    Edit(("mm/memory.c",), "free_pgtables", _FREE, _FREE, behind=_source("free_tables.c")),
    Edit(("mm/mmap.c",), "exit_mmap", _EXIT, _EXIT, behind=_source("undo.c")),
)
"""The code is there once; it asks for the number."""

RECOVERIES = (
    Planted("undo_v3", UNDO_V3, "v3: the iterator is not moved behind the first VMA", _SHARED),
    Planted("undo_v4", UNDO_V4, "v4: undo_dup_mmap", (), needs="undo_v3"),
    Planted("open_coded", OPEN_CODED, "the reviewer's lines", (), needs="undo_v3"),
    Planted("unmap_in_place", UNMAP_IN_PLACE, "7.2's four values, in 6.12", (), needs="undo_v3"),
)
"""By the names that `impl.mm.recovery` has for them."""

_ASKED = re.compile(r"\bhow (==|!=) (\d+)")


def sources(tree: Path, name: str) -> dict[str, str]:
    """The files of a tree with one of the recoveries in its own recovery's place for good, by path: nothing
    is chosen any more. Raises ValueError where it does not fit, KeyError where there is none of that name."""
    number = {one.name: one.number for one in RECOVERIES}[name]

    def answered(asked: re.Match[str]) -> str:
        return str(int((int(asked[2]) == number) == (asked[1] == "==")))

    made = edited_files(tree, _SHARED)
    for path, text in made.items():
        settled = _ASKED.sub(answered, text).replace(f"{PARAMETER} > 100", "1")
        made[path] = re.sub(rf"\b{PARAMETER}\b", str(number), settled)
    return made
