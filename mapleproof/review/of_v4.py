"""The recoveries that were proposed and shipped, as patches on top of Linux 6.12, each on top of the one
before: v3 of the mail's patch, v4, the reviewer's lines, recovery in place. What `docs/review-of-v4.md`
reviews.

    python -m mapleproof.review.of_v4 [VERSION|PATH] > of-v4.mbox

PATH is a whole tree; without one it is that of 6.12 (`mapleproof kernel fetch 6.12`). The code is ours,
written after what is known of theirs (`impl.kernel.booted.recoveries`).
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from mapleproof.impl.kernel.booted import whole
from mapleproof.impl.kernel.booted.recoveries import RECOVERIES, sources
from mapleproof.impl.kernel.errors import KernelBuildError

_HEAD = """\
From {number:040x} Mon Sep 17 00:00:00 2001
From: mapleproof <mapleproof@example.org>
Date: Mon, 01 Jan 2024 00:00:00 +0000
Subject: [PATCH {number}/{of}] {name}: {what}

---
"""


def patches(tree: Path) -> Iterator[str]:
    """The series for this tree, one mail after the other. Raises ValueError where it does not fit."""
    before: Mapping[str, str] = {}
    for number, one in enumerate(RECOVERIES, 1):
        after = sources(tree, one.name)
        changed = "".join(
            difference(path, before.get(path) or (tree / path).read_text(), text)
            for path, text in after.items()
        )
        head = _HEAD.format(number=number, of=len(RECOVERIES), name=one.name, what=one.what)
        yield f"{head}{changed}-- \nmapleproof\n\n"
        before = after


def difference(path: str, before: str, after: str) -> str:
    """How a file differs, as git tells it; empty where it does not."""
    if before == after:
        return ""
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), f"a/{path}", f"b/{path}"
    )
    return f"diff --git a/{path} b/{path}\n{''.join(lines)}"


def main(words: list[str]) -> int:
    """Print the series; 2 with one line where there is none for the tree."""
    try:
        tree = whole.resolve(words[0]) if words else whole.find()
        sys.stdout.write("".join(patches(tree)))
    except (KernelBuildError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
