"""Git, in a way that leaves the user's repository as it is: what is made lies in folders of our own."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path


class ReviewError(Exception):
    """What was asked to be reviewed is not to be had: what and why, in one line."""


@dataclass(frozen=True, slots=True)
class Repository:
    """A git repository that is only read. New objects, which patches make, go to `scratch`."""

    folder: Path
    scratch: Path
    git_dir: Path = field(init=False)

    def __post_init__(self) -> None:
        said = subprocess.run(
            ["git", "-C", str(self.folder), "rev-parse", "--absolute-git-dir", "--git-common-dir"],
            capture_output=True,
            text=True,
            check=False,
        )
        if said.returncode:
            raise ReviewError(f"{self.folder}: no git repository")
        own, common = said.stdout.splitlines()
        object.__setattr__(self, "git_dir", Path(own))
        objects = (self.folder / common).resolve() / "objects"
        (self.scratch / "objects" / "info").mkdir(parents=True, exist_ok=True)
        (self.scratch / "objects" / "info" / "alternates").write_text(f"{objects}\n")

    def run(self, *words: str, given: bytes | None = None) -> bytes:
        """What a git command prints. ReviewError, with its first line of complaint, where it fails."""
        environment = os.environ | {
            "GIT_DIR": str(self.git_dir),
            "GIT_OBJECT_DIRECTORY": str(self.scratch / "objects"),
            "GIT_INDEX_FILE": str(self.scratch / "index"),
            "GIT_OPTIONAL_LOCKS": "0",
        }
        done = subprocess.run(
            ["git", "-c", "core.quotePath=false", *words],
            cwd=self.scratch,
            env=environment,
            input=given,
            capture_output=True,
            check=False,
        )
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            raise ReviewError(f"git {words[0]}: {said[0] if said else 'failed'}")
        return done.stdout

    def line(self, *words: str) -> str:
        """The one line that a git command prints."""
        return self.run(*words).decode(errors="replace").strip()

    def has(self, revision: str) -> bool:
        """Whether there is such a commit or tree."""
        try:
            self.run("rev-parse", "--verify", "--quiet", f"{revision}^{{}}")
        except ReviewError:
            return False
        return True

    def changed(self, before: str, after: str) -> list[str]:
        """The paths in which two trees differ."""
        said = self.run("diff-tree", "-r", "-z", "--no-renames", "--name-only", before, after)
        return [name.decode(errors="surrogateescape") for name in said.split(b"\0") if name]

    def content(self, tree: str, path: str) -> bytes | None:
        """A file's content in a tree; None where it has no such file."""
        said = self.run("ls-tree", "-z", tree, "--", path)
        if not said:
            return None
        return self.run("cat-file", "blob", said.split(b"\t")[0].split()[-1].decode())

    def export(self, tree: str, folder: Path, paths: Sequence[str]) -> None:
        """Write what a tree has below these paths to a folder."""
        there = self.run("ls-tree", "-z", "--name-only", tree, "--", *paths)
        names = [name.decode(errors="surrogateescape") for name in there.split(b"\0") if name]
        folder.mkdir(parents=True, exist_ok=True)
        if names:
            content = self.run("archive", "--format=tar", tree, "--", *names)
            with tarfile.open(fileobj=io.BytesIO(content)) as archive:
                archive.extractall(folder, filter="tar")

    def patched(self, tree: str, patch: bytes) -> str:
        """The tree that a patch makes of a tree. ReviewError where it does not fit."""
        self.run("read-tree", tree)
        self.run("apply", "--cached", "--whitespace=nowarn", "-", given=patch)
        return self.line("write-tree")


def scratch_repository(tree: Path, paths: Iterable[str], scratch: Path) -> tuple[Repository, str]:
    """A repository of our own that holds these files of a tree which is none, and the tree that it has of
    them."""
    home = scratch / "of-its-own"
    subprocess.run(["git", "init", "-q", str(home)], check=True, capture_output=True)
    repository = Repository(home, scratch)
    for path in paths:
        if (tree / path).is_file():
            blob = (
                repository.run("hash-object", "-w", "--stdin", given=(tree / path).read_bytes())
                .decode()
                .strip()
            )
            repository.run("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}")
    return repository, repository.line("write-tree")


@dataclass(frozen=True, slots=True)
class Mail:
    """A patch out of a mailbox: its subject without the words in brackets, and the change itself."""

    subject: str
    patch: bytes

    @property
    def paths(self) -> list[str]:
        """The files that it touches, as far as they are there before."""
        lines = self.patch.decode(errors="surrogateescape").splitlines()
        return [line[6:].split("\t")[0] for line in lines if line.startswith("--- a/")]


def mails(files: Sequence[Path], scratch: Path) -> list[Mail]:
    """The patches in these mailboxes, in their order; a file without mail headers is one patch. Letters
    without a patch, such as a cover letter, are left out. ReviewError where there is no patch at all."""
    found = []
    for number, file in enumerate(files):
        if not file.is_file():
            raise ReviewError(f"{file}: no such file")
        folder = scratch / f"mail-{number}"
        folder.mkdir()
        split = subprocess.run(
            ["git", "mailsplit", f"-o{folder}", str(file)], capture_output=True, check=False
        ).returncode
        parts = sorted(folder.iterdir()) if split == 0 else []
        found += [one for one in (_mail(part, folder) for part in parts) if one is not None]
        if not parts or not found:
            text = file.read_bytes()
            if b"\n+++ " in text:
                found.append(Mail(file.name, text))
    if not found:
        raise ReviewError(f"{', '.join(map(str, files))}: no patch in it")
    return found


def _mail(part: Path, folder: Path) -> Mail | None:
    message, patch = folder / "message", folder / "patch"
    done = subprocess.run(
        ["git", "mailinfo", str(message), str(patch)],
        input=part.read_bytes(),
        capture_output=True,
        check=False,
    )
    content = patch.read_bytes() if done.returncode == 0 and patch.exists() else b""
    if b"\n+++ " not in b"\n" + content:
        return None
    headers = dict(line.partition(": ")[::2] for line in done.stdout.decode(errors="replace").splitlines())
    return Mail(headers.get("Subject", part.name), content)
