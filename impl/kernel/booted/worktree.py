"""One folder that takes on one state of a kernel's sources after another: its objects stay, and only what
depends on files that differ is compiled again.

It lies in the user's cache folder, one for each tree. Files are links to those of the first state where the
file system can do that, and are replaced, never written into.
"""

from __future__ import annotations

import filecmp
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mapleproof.impl.kernel.booted.build import booted_folder, locked
from mapleproof.impl.kernel.booted.whole import is_needed


@contextmanager
def worktree(tree: Path) -> Iterator[Path]:
    """The folder for states of this tree, of which only one process at a time has it."""
    tree = tree.resolve()
    digest = hashlib.sha256(str(tree).encode()).hexdigest()[:12]
    home = booted_folder() / "trees" / f"{tree.name}-{digest}"
    (home / tree.name).mkdir(parents=True, exist_ok=True)
    with locked(home):
        yield home / tree.name


def take_on(folder: Path, state: Path) -> int:
    """Make a worktree the same as a state of the sources, as far as a guest is built of it; how many of its
    files were not. What is replaced is newer than all objects."""
    there, wanted = set(_files(folder)), set(_files(state))
    empty = not there
    for name in there - wanted:
        (folder / name).unlink()
    replaced = len(there - wanted)
    for name in wanted:
        source, target = state / name, folder / name
        if name in there and _same(source, target):
            continue
        target.unlink(missing_ok=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        _put(source, target, links=empty)
        replaced += 1
    return replaced


def _files(folder: Path) -> Iterator[str]:
    """The files and symbolic links of a tree that a guest may need, by path in it."""
    for place, folders, names in os.walk(folder):
        inside = os.path.relpath(place, folder)
        prefix = "" if inside == "." else f"{inside}/"
        folders[:] = [name for name in folders if name != ".git"]
        linked = [name for name in folders if os.path.islink(os.path.join(place, name))]
        yield from (prefix + name for name in (*names, *linked) if is_needed(prefix + name))


def _same(one: Path, other: Path) -> bool:
    if one.is_symlink() or other.is_symlink():
        return one.is_symlink() and other.is_symlink() and one.readlink() == other.readlink()
    return one.samefile(other) or filecmp.cmp(one, other, shallow=False)


def _put(source: Path, target: Path, links: bool) -> None:
    if source.is_symlink():
        target.symlink_to(source.readlink())
        return
    if links:
        try:
            os.link(source, target)
        except OSError:
            shutil.copy2(source, target)
        return
    shutil.copy(source, target)  # with the time of now
