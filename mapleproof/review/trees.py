"""Both sides of a change as folders: commits of a git tree, patches on top of a tree, or two trees."""

from __future__ import annotations

import filecmp
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from mapleproof.review.gitwork import Repository, ReviewError, mails, scratch_repository

TREE = ("lib/maple_tree.c", "include/linux/maple_tree.h", "include/trace/events/maple_tree.h")
"""Files of the maple tree."""

FORK = ("kernel/fork.c", "mm/", "include/linux/mm.h", "include/linux/mm_types.h", "include/linux/mm_inline.h")
"""Files of fork and of the freeing of page tables; a folder stands for all below it."""

FOR_TREE = (
    "Makefile",
    "lib",
    "include",
    "tools/include",
    "tools/lib",
    "tools/arch",
    "tools/testing",
    "mm",
    "kernel",
)
"""What of a kernel's sources the C tree is built of, and what of it is looked at."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What of a tree is reviewed. `watched` are its files, `pattern` finds them in a watched folder; where a
    change touches one of `whole` all of the tree is laid out, else only `parts`."""

    watched: tuple[str, ...]
    pattern: str
    whole: tuple[str, ...]
    parts: tuple[str, ...]


KERNEL = Subject((*TREE, *FORK), "*.[ch]", FORK, FOR_TREE)
"""A kernel's maple tree, its fork and page tables."""

IMPL = ("impl/maple/", "impl/mm/", "impl/failure.py")
"""Of this project's own sources what is tested."""

OWN = Subject(IMPL, "**/*.py", IMPL, (".",))
"""This project's own tree and fork."""

UPSTREAM = ("@{upstream}", "origin/HEAD", "origin/master", "origin/main")
"""What a branch is held against where nobody says."""


@dataclass(frozen=True, slots=True)
class Side:
    """One state of the sources: what it is called, its subject, and the folder that holds it. `changed` are
    the files in which it differs from the side before it."""

    name: str
    subject: str
    folder: Path
    changed: tuple[str, ...] = ()

    def touches(self, watched: Sequence[str]) -> list[str]:
        """The changed files that are among these."""
        return [path for path in self.changed if any(_is_below(path, one) for one in watched)]


def _is_below(path: str, watched: str) -> bool:
    return path == watched or (watched.endswith("/") and path.startswith(watched))


@dataclass(frozen=True, slots=True)
class Series:
    """A state of the sources, and those that follow it one by one. `skipped` counts commits that touch
    nothing of what is looked at; `tree` is the tree that all of them belong to; `subject` is what of it
    is reviewed."""

    base: Side
    sides: tuple[Side, ...]
    tree: Path
    skipped: int = 0
    subject: Subject = KERNEL


class Step(NamedTuple):
    """A commit or a patch: its name, its subject, and git's name of the tree that it makes."""

    name: str
    subject: str
    tree: str


@contextmanager
def series(tree: Path, what: Sequence[str], patches: Sequence[Path]) -> Iterator[Series]:
    """The series that a user means: `what` is a range of commits, two folders, or nothing, for the commits
    of the branch. Its folders are gone afterwards. Raises ReviewError."""
    with TemporaryDirectory(prefix="mapleproof-review-") as name:
        folder = Path(name)
        if len(what) == 2:
            yield _of_folders(Path(what[0]), Path(what[1]))
        elif patches:
            yield _of_patches(tree, patches, folder)
        else:
            yield _of_range(tree, what[0] if what else "", folder)


def subject_of(tree: Path) -> Subject:
    """Whether a tree is this project's own or a kernel's: what is reviewed of it."""
    own = all((tree / name).is_file() for name in ("impl/maple/tree.py", "props/maple/lockstep.py"))
    return OWN if own else KERNEL


def _of_folders(before: Path, after: Path) -> Series:
    for one in (before, after):
        if not one.is_dir():
            raise ReviewError(f"{one}: no such folder")
    subject = subject_of(before)
    changed = tuple(_differing(before, after, subject))
    names = (before.name, after.name) if before.name != after.name else (str(before), str(after))
    after_side = Side(names[1], "", after, changed)
    return Series(Side(names[0], "", before), (after_side,), before, subject=subject)


def _differing(before: Path, after: Path, subject: Subject) -> Iterator[str]:
    """The watched files in which two folders differ."""
    names: set[str] = set()
    for watched in subject.watched:
        for folder in (before, after):
            place = folder / watched
            files = sorted(place.glob(subject.pattern)) if watched.endswith("/") else [place]
            names |= {str(file.relative_to(folder)) for file in files if file.is_file()}
    for name in sorted(names):
        pair = before / name, after / name
        if not all(one.is_file() for one in pair) or not filecmp.cmp(*pair, shallow=False):
            yield name


def _of_range(tree: Path, what: str, folder: Path) -> Series:
    repository = Repository(tree, folder)
    base, head = _ends(repository, what)
    commits = repository.line("rev-list", "--reverse", "--first-parent", f"{base}..{head}").split()
    if not commits:
        raise ReviewError(f"{what or 'this branch'}: no commits in {base[:12]}..{head[:12]}")
    steps = [Step(*_described(repository, commit), commit) for commit in commits]
    return _of_trees(repository, base, steps, folder, tree)


def _ends(repository: Repository, what: str) -> tuple[str, str]:
    if what:
        before, dots, after = what.partition("..")
        if not dots or after.startswith("."):
            raise ReviewError(f"{what}: a range is BASE..HEAD")
    else:
        named = next((name for name in UPSTREAM if repository.has(name)), None)
        if named is None:
            raise ReviewError("this branch has no upstream: name a range, BASE..HEAD")
        before, after = repository.line("merge-base", named, "HEAD"), "HEAD"
    ends = []
    for name in (before or "HEAD", after or "HEAD"):
        if not repository.has(f"{name}^{{commit}}"):
            raise ReviewError(f"there is no commit {name}")
        ends.append(repository.line("rev-parse", "--verify", f"{name}^{{commit}}"))
    return ends[0], ends[1]


def _of_patches(tree: Path, patches: Sequence[Path], folder: Path) -> Series:
    letters = mails(patches, folder)
    is_git = (tree / ".git").exists()
    if is_git:
        repository, base = Repository(tree, folder), "HEAD"
    else:
        if not tree.is_dir():
            raise ReviewError(f"{tree}: no such folder")
        touched = sorted({path for letter in letters for path in letter.paths})
        repository, base = scratch_repository(tree, touched, folder)
    steps, at = [], base
    for number, letter in enumerate(letters, 1):
        try:
            at = repository.patched(at, letter.patch)
        except ReviewError as error:
            raise ReviewError(f"patch {number} ({letter.subject}) does not fit: {error}") from None
        steps.append(Step(f"patch {number}", letter.subject, at))
    return _of_trees(repository, base, steps, folder, tree, None if is_git else tree)


def _of_trees(
    repository: Repository,
    base: str,
    steps: Sequence[Step],
    folder: Path,
    tree: Path,
    whole: Path | None = None,
) -> Series:
    """Folders of git's trees: the first is written out, or is `whole`, each other one is the one before with
    what changed."""
    subject = subject_of(tree)
    first = whole or folder / "base"
    changes = [repository.changed(before, after) for before, after in _pairs(base, steps)]
    watched = [Side("", "", folder, tuple(changed)) for changed in changes]
    if whole is None:
        paths = (".",) if any(side.touches(subject.whole) for side in watched) else subject.parts
        repository.export(base, first, paths)
    sides, before, skipped = [], first, 0
    for number, (step, side) in enumerate(zip(steps, watched, strict=True)):
        after = folder / f"side-{number}"
        linked(before, after)
        for path in side.changed:
            _put(after / path, repository.content(step.tree, path))
        if side.touches(subject.watched):
            sides.append(Side(step.name, step.subject, after, side.changed))
        else:
            skipped += 1
        before = after
    if whole is not None:
        return Series(Side(str(whole), "", first), tuple(sides), tree, skipped, subject)
    return Series(Side(*_described(repository, base), first), tuple(sides), tree, skipped, subject)


def _described(repository: Repository, commit: str) -> tuple[str, str]:
    name, _, subject = repository.line("log", "-1", "--format=%h %s", commit).partition(" ")
    return name, subject


def _pairs(base: str, steps: Sequence[Step]) -> Iterator[tuple[str, str]]:
    before = base
    for step in steps:
        yield before, step.tree
        before = step.tree


def linked(before: Path, after: Path, paths: Iterable[str] = (".",)) -> None:
    """A copy of a folder whose files are links to the same contents where the file system can do that. What
    is to differ is put there anew, never written into."""

    def link(source: str, target: str) -> str:
        try:
            os.link(source, target)
        except OSError:
            shutil.copy2(source, target)
        return target

    for path in paths:
        if (before / path).is_dir():
            shutil.copytree(
                before / path,
                after / path,
                symlinks=True,
                copy_function=link,
                dirs_exist_ok=True,
                ignore=shutil.ignore_patterns(".git"),
            )
        elif (before / path).is_file():
            (after / path).parent.mkdir(parents=True, exist_ok=True)
            link(str(before / path), str(after / path))


def _put(path: Path, content: bytes | None) -> None:
    path.unlink(missing_ok=True)
    if content is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
