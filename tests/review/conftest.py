"""A small history of a kernel's tree, made of the sources at hand and edits in our own words."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from mapleproof.impl.kernel import build, source
from mapleproof.impl.kernel.errors import KernelBuildError

SOURCE = "lib/maple_tree.c"

Edit = Callable[[str], str]


def git(folder: Path, *words: str) -> str:
    """What a git command prints."""
    name = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    return subprocess.run(
        ["git", "-C", str(folder), *name, *words], check=True, capture_output=True, text=True
    ).stdout.strip()


def in_function(function: str, find: str, replace: str) -> Edit:
    """An edit of the first place in a function where this stands."""

    def edit(text: str) -> str:
        start = text.index(f"{function}(struct ma_state *mas, unsigned long min, bool empty)\n{{")
        at = text.index(find, start)
        return text[:at] + replace + text[at + len(find) :]

    return edit


class History:
    """A git repository with as much of a kernel as a build needs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def commit(self, subject: str, edit: Edit | None = None, path: str = SOURCE) -> str:
        """Commit what an edit makes of a file. The commit's name."""
        if edit is not None:
            file = self.folder / path
            file.write_text(edit(file.read_text()))
        git(self.folder, "add", "-A")
        git(self.folder, "commit", "-q", "-m", subject)
        return git(self.folder, "rev-parse", "HEAD")


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As much of Linux 6.12 as a build of its tree needs."""
    try:
        build.compiler()
        tree = source.resolve("6.12")
    except KernelBuildError as error:
        pytest.skip(str(error))
    copy = tmp_path_factory.mktemp("sources") / "linux"
    (copy / "lib").mkdir(parents=True)
    for name in (SOURCE, "Makefile"):
        shutil.copy(tree / name, copy / name)
    (copy / "include/linux").mkdir(parents=True)
    for header in (tree / "include/linux").glob("*.h"):
        shutil.copy(header, copy / "include/linux")
    for name in ("tools/include", "tools/arch"):
        shutil.copytree(tree / name, copy / name)
    return copy


@pytest.fixture
def history(sources: Path, tmp_path: Path) -> History:
    """A history of one commit."""
    folder = tmp_path / "linux"
    shutil.copytree(sources, folder)
    git(folder, "init", "-q", "-b", "main")
    made = History(folder)
    made.commit("the sources")
    return made
