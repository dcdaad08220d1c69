"""The clang that compiles kernel files for proofs.

It is what $MAPLEPROOF_CLANG names, else the newest clang-N that is installed, else clang, else the one in the
package ziglang.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from functools import lru_cache
from importlib.util import find_spec

from mapleproof.impl.kernel.errors import KernelBuildError

VARIABLE = "MAPLEPROOF_CLANG"


@lru_cache
def clang() -> tuple[str, ...]:
    """The words of its command. Raises KernelBuildError where there is none."""
    named = os.environ.get(VARIABLE)
    if named:
        words = tuple(shlex.split(named))
        if not words or shutil.which(words[0]) is None:
            raise KernelBuildError(f"{VARIABLE}: {named} is not installed")
        return words
    found = [
        (int(match[1]), match[0]) for name in _programs() if (match := re.fullmatch(r"clang-(\d+)", name))
    ]
    if found:
        return (max(found)[1],)
    if shutil.which("clang") is not None:
        return ("clang",)
    if find_spec("ziglang") is not None:
        return (sys.executable, "-m", "ziglang", "cc")
    raise KernelBuildError("proofs about C need clang: apt install clang, or pip install 'mapleproof[clang]'")


def _programs() -> set[str]:
    names: set[str] = set()
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        if os.path.isdir(folder):
            names.update(name for name in os.listdir(folder) if name.startswith("clang-"))
    return names


@lru_cache
def version() -> str:
    """The first line that it says of itself."""
    done = subprocess.run([*clang(), "--version"], capture_output=True, text=True, check=False)
    return done.stdout.partition("\n")[0]
