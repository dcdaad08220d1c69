"""Which of two runs: the sources as they stand, or what Cython compiled them to.

Both give the same answers and the same nodes. The sources are what proofs execute and what mistakes are
planted in; what is compiled is many times faster. It is taken where it is there for every module, was made of
these very sources, and nobody asked for the sources: by ``MAPLEPROOF_PURE=1``, or by ``take_source()`` before
the modules are imported.

A compiled module tells in a line of text what it was made of (see ``setup.py``); where one of them is stale,
that is told, and the sources run.
"""

from __future__ import annotations

import hashlib
import os
import sys
import warnings
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

PACKAGE = "mapleproof"

HOT = (
    "impl.maple.rows",
    "impl.maple.tally",
    "impl.maple.place",
    "impl.maple.pool",
    "impl.maple.structure",
    "impl.maple.gaps",
    "impl.maple.classify",
    "impl.maple.workbench",
    "impl.maple.rebuild",
    "impl.maple.write",
    "impl.maple.search",
    "impl.maple.dup",
    "impl.maple.bulk",
    "impl.maple.check",
    "impl.maple.tree",
    "impl.maple.cursor_place",
    "impl.maple.cursor_stores",
    "impl.maple.cursor",
    "props.maple.loop.held",
    "props.maple.loop.tree",
    "props.maple.loop.cursor",
    "props.maple.loop.entries",
    "props.maple.loop.ours",
    "props.maple.loop.tape",
    "props.maple.loop.book",
    "props.maple.loop.aims",
    "props.maple.loop.steps",
    "props.maple.loop.loop",
)
"""The modules that are compiled, below the package."""

PURE = "MAPLEPROOF_PURE"
"""Set to 1 in the environment, it takes the sources."""

MADE_OF = "mapleproof sources "
"""Begins the line in a compiled module that says what it was made of."""

COMPILED = "compiled"
STALE = "uncompiled: what was compiled is of other sources"

_chosen = ""
"""What runs, in words, once that is settled."""


def sources(root: Path) -> list[Path]:
    """The files that are compiled, with those of their types; ``root`` is the package's folder."""
    return [root / f"{name.replace('.', '/')}{kind}" for name in HOT for kind in (".py", ".pxd")]


def digest(root: Path) -> str:
    """What stands for the sources. Raises OSError where one is missing."""
    found = hashlib.sha256()
    for path in sources(root):
        found.update(path.read_bytes() + b"\0")
    return found.hexdigest()


def take_source() -> None:
    """Have the sources run, in this process and those that it starts. Raises RuntimeError where it is too
    late: what is compiled was imported."""
    if is_compiled():
        raise RuntimeError(f"impl/maple runs compiled in this process: set {PURE}=1 before it begins")
    os.environ[PURE] = "1"


def is_compiled() -> bool:
    """Whether what was imported is compiled."""
    return _chosen == COMPILED


def which() -> str:
    """What runs, or would run: "compiled", or "uncompiled" and why."""
    return _chosen or _choice()


def choose() -> None:
    """Settle what is imported from now on."""
    global _chosen
    if _chosen:
        return
    _chosen = _choice()
    if not is_compiled():
        sys.meta_path.insert(0, _Sources())
    if _chosen == STALE:
        warnings.warn(f"impl/maple is {STALE}; `pip install -e .` compiles these", stacklevel=2)


def _choice() -> str:
    root = Path(__file__).parent.parent
    if os.environ.get(PURE, "0") not in ("", "0"):
        return f"uncompiled, as {PURE} says"
    made = [_binary(root, name) for name in HOT]
    if not all(made):
        return "uncompiled: it was not compiled here"
    wanted = (MADE_OF + digest(root)).encode()
    stale = any(path is not None and wanted not in path.read_bytes() for path in made)
    return STALE if stale else COMPILED


def _binary(root: Path, name: str) -> Path | None:
    path = root / name.replace(".", "/")
    found = (path.with_name(path.name + suffix) for suffix in EXTENSION_SUFFIXES)
    return next((one for one in found if one.exists()), None)


class _Sources(MetaPathFinder):
    """Finds the sources of modules that are there compiled too."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package, _, name = fullname.partition(".")
        if package != PACKAGE or name not in HOT:
            return None
        file = Path(__file__).parent.parent / f"{name.replace('.', '/')}.py"
        return spec_from_file_location(fullname, file)
