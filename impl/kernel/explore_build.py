"""How the explorer of interleavings is compiled: see `explore/explore.h` for what it is.

Only maple_tree.c is instrumented, by the compiler's -fsanitize=thread; what that calls is in
`explore/access.c`, in place of the sanitizer's library. Accesses through volatile (READ_ONCE and its kin) are
told apart from plain ones.

Not covered: processors other than x86-64, for want of a switch of stacks.
"""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path

from mapleproof.impl.kernel.errors import KernelBuildError

FOLDER = Path(__file__).parent / "explore"

_GCC = ("--param=tsan-distinguish-volatile=1", "--param=tsan-instrument-func-entry-exit=0")
_CLANG = ("-mllvm", "-tsan-distinguish-volatile=1", "-mllvm", "-tsan-instrument-func-entry-exit=0")


def includes() -> list[str]:
    """Folders of headers that come before the shim's."""
    return [f"-I{FOLDER}", f"-I{FOLDER}/include"]


def commands(cc: str, flags: Sequence[str], source: Path, work: Path) -> list[list[str]]:
    """What makes ``work/server`` of a maple_tree.c. Raises KernelBuildError where this machine cannot run
    it."""
    if platform.machine() not in ("x86_64", "AMD64"):
        raise KernelBuildError(f"the explorer of interleavings needs x86-64, this is {platform.machine()}")
    said = subprocess.run([cc, "--version"], capture_output=True, text=True, check=False).stdout
    telling = _CLANG if "clang" in said else _GCC
    instrumented = ["-fsanitize=thread", *telling, "-include", str(FOLDER / "hook.h")]
    part = str(work / "maple_tree.o")
    parts = sorted(str(file) for file in FOLDER.glob("*.c"))
    return [
        [cc, *flags, *instrumented, "-c", str(source), "-o", part],
        [cc, *flags, "-no-pie", *parts, part, "-o", str(work / "server")],
    ]
