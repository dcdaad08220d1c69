"""docs/tutorial.md, carried out: its files are written, its diffs applied, its commands run, in a copy.

Each section begins in a fresh copy of this checkout. What a command prints must be what the tutorial shows,
where `...` stands for anything and the width of columns does not matter; its status must be 0, or the one
named behind `console`. A section with blocks marked `kernel` is skipped where no kernel's sources are there.
"""

from __future__ import annotations

import doctest
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from mapleproof.impl.kernel import build, source
from mapleproof.impl.kernel.cache import cache
from mapleproof.impl.kernel.errors import KernelBuildError

ROOT = Path(__file__).parents[2]
TUTORIAL = ROOT / "docs" / "tutorial.md"
FENCE = re.compile(r"^```(\w*)(?: ([^\n]*))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LIKE = doctest.OutputChecker()
LONGEST = 120
"""Seconds after which a command hangs."""


class Block(NamedTuple):
    """A fenced block: its language, the words behind that, what is in it."""

    language: str
    words: list[str]
    text: str


def sections(text: str) -> dict[str, list[Block]]:
    """The blocks of each section, by its heading."""
    parts = [part.partition("\n") for part in text.split("\n## ")[1:]]
    return {
        heading: [Block(language, words.split(), body) for language, words, body in FENCE.findall(rest)]
        for heading, _, rest in parts
    }


SECTIONS = sections(TUTORIAL.read_text())
WITH_COMMANDS = [
    name for name, blocks in SECTIONS.items() if any(one.language == "console" for one in blocks)
]


class Copy:
    """A copy of what git tracks here, and an environment in which its code is what runs."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder = folder / "mapleproof"
        for name in tracked():
            target = self.folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target, follow_symlinks=False)
        home, commands = folder / "home", folder / "bin"
        home.mkdir()
        commands.mkdir()
        for name, start in (
            ("python", ""),
            ("mapleproof", "-m mapleproof "),
        ):
            command = commands / name
            command.write_text(f'#!/bin/sh\nexec "{sys.executable}" {start}"$@"\n')
            command.chmod(0o755)
        self.home = home
        self.environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"} | {
            "HOME": str(home),
            "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(self.folder),
            "XDG_CACHE_HOME": str(cache),
        }

    def follow(self, block: Block) -> None:
        """Do what a block says."""
        if block.language == "python":
            (target,) = block.words
            (self.folder / target).write_text(block.text)
        elif block.language == "diff":
            self.run("git apply -", 0, stdin=block.text)
        elif block.language == "console":
            status = [int(word.removeprefix("status=")) for word in block.words if word.startswith("status=")]
            before, *commands = re.split(r"^\$ ", block.text, flags=re.MULTILINE)
            assert commands, "a block of no command"
            assert not before, "what is shown before the first command"
            for command in commands:
                line, _, shown = command.partition("\n")
                output = self.run(line, *(status or [0]))
                is_like = LIKE.check_output(one_space(shown), one_space(output), doctest.ELLIPSIS)
                assert is_like, f"{line} printed\n{output}"
        else:
            raise AssertionError(f"nobody carries out a block of {block.language or 'no language'}")

    def run(self, command: str, status: int, stdin: str = "") -> str:
        """Run a command, which must end with that status: what it printed, without spaces at line ends."""
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self.environment,
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LONGEST,
            check=False,
        )
        assert done.returncode == status, f"{command} ended with {done.returncode}\n{done.stdout}"
        return "".join(f"{line.rstrip()}\n" for line in done.stdout.splitlines())


def one_space(text: str) -> str:
    """A text with one space where there are several, so that columns may be of any width."""
    return re.sub(" +", " ", text)


def tracked() -> list[str]:
    """The files that git tracks, as far as they are there."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("git is needed to copy the checkout")
    return [
        name
        for name in listed.stdout.split("\0")
        if name and ((ROOT / name).is_file() or (ROOT / name).is_symlink())
    ]


def kernel_tree() -> Path:
    """Sources of the version that the tutorial speaks of; else a skip."""
    try:
        build.compiler()
        return source.resolve("6.12")
    except KernelBuildError as error:
        pytest.skip(str(error))


@pytest.mark.late
@pytest.mark.parametrize("name", WITH_COMMANDS)
def test_it_is_as_the_tutorial_says(name: str, tmp_path: Path) -> None:
    needs_kernel = any("kernel" in block.words for block in SECTIONS[name])
    copy = Copy(tmp_path, cache().parents[1])
    if needs_kernel:
        (copy.home / "linux").symlink_to(kernel_tree())
    for block in SECTIONS[name]:
        copy.follow(block)


def test_only_installing_is_left_out() -> None:
    left_out = {name: blocks for name, blocks in SECTIONS.items() if name not in WITH_COMMANDS and blocks}
    assert list(left_out) == ["Install"]
    assert [block.language for block in left_out["Install"]] == ["sh"]
    assert sum(TUTORIAL.read_text().count(fence) for fence in ("\n```",)) == 2 * sum(
        map(len, SECTIONS.values())
    )


def test_the_code_that_runs_is_the_copy(tmp_path: Path) -> None:
    copy = Copy(tmp_path, tmp_path / "cache")
    where = copy.run("python -c 'import mapleproof; print(mapleproof.__file__)'", 0)
    assert where == f"{copy.folder}/mapleproof/__init__.py\n"
    (copy.folder / "mapleproof" / "cli" / "cli.py").write_text("def main():\n    print('the copy')\n")
    assert copy.run("mapleproof check", 0) == "the copy\n"


@pytest.mark.parametrize(
    ("language", "words", "text"),
    [
        ("console", "", "$ echo a b\na c\n"),
        ("console", "", "$ echo a; echo b; echo c\na\nc\n"),
        ("console", "", "$ echo a; echo b\n...\na\n"),
        ("console", "", "$ true\nsomething\n"),
        ("console", "", "$ true\n$ false\n"),
        ("console", "status=1", "$ true\n"),
        ("console", "", "true\n"),
        ("console", "", "a\n$ echo a\na\n"),
        ("diff", "", "--- a/LICENSE\n+++ b/LICENSE\n@@ -1,1 +1,1 @@\n-not there\n+not there either\n"),
        ("text", "", "what nobody carries out\n"),
    ],
)
def test_what_is_not_so_is_noticed(language: str, words: str, text: str, tmp_path: Path) -> None:
    copy = Copy(tmp_path, tmp_path / "cache")
    with pytest.raises(AssertionError):
        copy.follow(Block(language, words.split(), text))


def test_what_is_left_out_may_be_anything(tmp_path: Path) -> None:
    copy = Copy(tmp_path, tmp_path / "cache")
    copy.follow(Block("console", [], "$ echo a; echo b; echo c 1 d\na\n...\nc ... d\n$ echo e\n...e\n"))
