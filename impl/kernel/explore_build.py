"""How a writer and a reader beside each other are compiled: see `explore/explore.h` for what they are.

As coroutines: only maple_tree.c is instrumented, by the compiler's -fsanitize=thread; what that calls is in
`explore/coroutines/access.c`, in place of the sanitizer's library. Accesses through volatile (READ_ONCE and
its kin) are told apart from plain ones. As threads: nothing is instrumented.

Not covered: coroutines on processors other than x86-64, for want of a switch of stacks.
"""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from mapleproof.impl.kernel.errors import KernelBuildError

Beside = Literal["coroutines", "threads"]
"""How a writer and a reader run beside each other; the folder of that name has what only that build has."""

FOLDER = Path(__file__).parent / "explore"

_GCC = ("--param=tsan-distinguish-volatile=1", "--param=tsan-instrument-func-entry-exit=0")
_CLANG = ("-mllvm", "-tsan-distinguish-volatile=1", "-mllvm", "-tsan-instrument-func-entry-exit=0")


def includes(beside: Beside) -> list[str]:
    """Folders of headers that come before the shim's."""
    return [f"-I{FOLDER}", f"-I{FOLDER}/{beside}/include", f"-I{FOLDER}/include"]


def commands(cc: str, flags: Sequence[str], source: Path, work: Path, beside: Beside) -> list[list[str]]:
    """What makes ``work/server`` of a maple_tree.c. Raises KernelBuildError where this machine cannot run
    it."""
    part = str(work / "maple_tree.o")
    parts = sorted(str(file) for folder in (FOLDER, FOLDER / beside) for file in folder.glob("*.c"))
    return [
        [cc, *flags, *_instrumented(cc, beside), "-c", str(source), "-o", part],
        [cc, *flags, "-pthread", "-no-pie", *parts, part, "-o", str(work / "server")],
    ]


def _instrumented(cc: str, beside: Beside) -> list[str]:
    """Options for maple_tree.c alone."""
    if beside == "threads":
        return []
    if platform.machine() not in ("x86_64", "AMD64"):
        raise KernelBuildError(f"the explorer of interleavings needs x86-64, this is {platform.machine()}")
    said = subprocess.run([cc, "--version"], capture_output=True, text=True, check=False).stdout
    telling = _CLANG if "clang" in said else _GCC
    return ["-fsanitize=thread", *telling, "-include", str(FOLDER / "coroutines/hook.h")]
