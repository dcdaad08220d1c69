"""Edits of a kernel's sources, by function and statement: how mistakes and other recoveries get into a guest.

An edit names files in which its function may be (it moves between versions), the function, a fragment that
stands exactly once in it (spaces stand for any white space), and what stands there instead. All that fit a
tree are built in at once; which of them is at work is chosen on the kernel's command line, so that one build
serves all.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from mapleproof.impl.kernel.errors import KernelBuildError

PARAMETER = "mapleproof_seed"
"""The kernel's parameter that chooses: a number, 0 for none."""

_HEAD = f"extern int {PARAMETER};\n#define SEEDED(number) ({PARAMETER} == (number))\n#line 1\n"
_TAIL = (
    "\n#include <linux/moduleparam.h>\n"
    f"int {PARAMETER} __read_mostly;\ncore_param({PARAMETER}, {PARAMETER}, int, 0444);\n"
)
_HOLDS_PARAMETER = "kernel/fork.c"


@dataclass(frozen=True)
class Edit:
    """One place. `{number}` in `replace` is the number of what the edit belongs to; `before` is text that
    goes before the function, `behind` such that goes to the end of the file."""

    files: tuple[str, ...]
    function: str
    find: str
    replace: str
    before: str = ""
    behind: str = ""


@dataclass(frozen=True)
class Planted:
    """Something that can be chosen on the command line, by `number`: `what` it does, or which `promise`
    breaks.

    `needs` is whose edits it shares; `without` names the architectures on which it cannot show."""

    name: str
    number: int
    what: str
    edits: tuple[Edit, ...]
    promise: str = ""
    needs: str = ""
    without: tuple[str, ...] = ()


@dataclass(frozen=True)
class Edited:
    """What became of a tree: files that differ, by path, and the names that fit; of the others, why not."""

    files: dict[str, str]
    fits: frozenset[str]
    misfits: dict[str, str]


def apply_all(tree: Path, planted: Sequence[Planted], always: Sequence[Edit] = ()) -> Edited:
    """Put all in that fit; `always` are edits that are no choice, and are left out where they do not fit."""
    files: dict[str, str] = {}
    fits, misfits = set(), {}
    for edit in always:
        try:
            files |= _applied(tree, files, (edit,), 0)
        except ValueError:
            continue
    for one in planted:
        try:
            files |= _applied(tree, files, one.edits, one.number)
            fits.add(one.name)
        except ValueError as error:
            misfits[one.name] = str(error)
        if one.needs in misfits:
            fits.discard(one.name)
            misfits[one.name] = misfits[one.needs]
    files.setdefault(_HOLDS_PARAMETER, (tree / _HOLDS_PARAMETER).read_text())
    files[_HOLDS_PARAMETER] += _TAIL
    return Edited({name: _HEAD + text for name, text in files.items()}, frozenset(fits), misfits)


def edited_files(tree: Path, edits: Sequence[Edit]) -> dict[str, str]:
    """The files of a tree that these edits change, by path. Raises ValueError where one does not fit."""
    return _applied(tree, {}, edits, 0)


def _applied(tree: Path, files: dict[str, str], edits: Sequence[Edit], number: int) -> dict[str, str]:
    """The files that these edits change. Raises ValueError where one does not fit."""
    changed: dict[str, str] = {}
    for edit in edits:
        name, text = _file_with(tree, {**files, **changed}, edit)
        changed[name] = _edited(text, edit, number)
    return changed


def _file_with(tree: Path, files: dict[str, str], edit: Edit) -> tuple[str, str]:
    why = ""
    for name in edit.files:
        path = tree / name
        text = files.get(name) or (path.read_text() if path.is_file() else "")
        try:
            definition(text, edit.function)
        except ValueError as error:
            why = str(error)
            continue
        return name, text
    raise ValueError(why)


def definition(text: str, function: str) -> tuple[int, int]:
    """From where to where the body of a function stands in a C source; of several definitions, for kernels
    that lack something, the longest. Raises ValueError where there is none."""
    found = []
    for match in re.finditer(rf"^(?:[^\s/*#].*\b)?{function}\(", text, re.MULTILINE):
        opening, semicolon = text.find("\n{", match.start()), text.find(";", match.start())
        if opening >= 0 and not 0 <= semicolon < opening:
            found.append((opening, text.find("\n}", opening)))
    if not found:
        raise ValueError(f"{function}() is not defined")
    return max(found, key=lambda place: place[1] - place[0])


def _edited(text: str, edit: Edit, number: int) -> str:
    start, end = definition(text, edit.function)
    pattern = r"\s+".join(re.escape(word) for word in edit.find.split())
    found = list(re.finditer(pattern, text[start:end]))
    if len(found) != 1:
        raise ValueError(f"{len(found)} places in {edit.function}()")
    first, last = start + found[0].start(), start + found[0].end()
    replaced = text[:first] + edit.replace.replace("{number}", str(number)) + text[last:]
    if edit.before:
        head = replaced.rfind("\n\n", 0, start) + 2
        replaced = replaced[:head] + edit.before + "\n\n" + replaced[head:]
    return replaced + edit.behind


@lru_cache
def edits_of(path: str) -> Edited:
    """All that can be planted into a tree."""
    from mapleproof.impl.kernel.booted.planted import ALWAYS, PLANTED
    from mapleproof.impl.kernel.booted.recoveries import RECOVERIES

    return apply_all(Path(path).expanduser().resolve(), (*PLANTED, *RECOVERIES), ALWAYS)


def edits_for(path: str, name: str) -> tuple[dict[str, str], int]:
    """The files of a tree with everything planted, and the number to choose `name` by. Raises
    KernelBuildError where it is unknown, or does not fit the tree."""
    from mapleproof.impl.kernel.booted.planted import PLANTED
    from mapleproof.impl.kernel.booted.recoveries import RECOVERIES

    known = {one.name: one for one in (*PLANTED, *RECOVERIES)}
    if name != NOTHING and name not in known:
        raise KernelBuildError(f"there is no seed {name!r} for a booted kernel; there are {', '.join(known)}")
    edited = edits_of(path)
    if name in edited.misfits:
        raise KernelBuildError(f"seed {name} does not fit {path}: {edited.misfits[name]}")
    return edited.files, 0 if name == NOTHING else known[name].number


NOTHING = "none"
"""The name that chooses nothing: the kernel as it is, but for the edits that are always made."""
