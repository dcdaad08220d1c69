"""What must be installed to build and boot a guest kernel, and the one line that says what is missing."""

from __future__ import annotations

import shutil
import subprocess

from mapleproof.impl.kernel.build import compiler
from mapleproof.impl.kernel.errors import KernelBuildError

QEMU = "qemu-system-x86_64"

_PROGRAMS = {"make": "make", "flex": "flex", "bison": "bison", "bc": "bc", "ld": "binutils"}
_HEADERS = {"libelf.h": "libelf-dev"}
"""What objtool, which an x86 kernel is built with, includes; and the package of Debian that has it."""


def missing(arch: str) -> list[str]:
    """The names of packages, as Debian has them, that are missing to build for this architecture and to boot
    what was built."""
    found = [package for program, package in _PROGRAMS.items() if shutil.which(program) is None]
    if arch == "x86":
        found += [package for header, package in _HEADERS.items() if not _compiles(f"#include <{header}>")]
        found += [] if shutil.which(QEMU) else ["qemu-system-x86"]
    if not _compiles("int main(void) { return 0; }", "-static"):
        found.append("libc6-dev")
    return found


def check_needs(arch: str) -> None:
    """KernelBuildError that names what is missing, if something is."""
    if lacking := missing(arch):
        raise KernelBuildError(
            f"a kernel for {arch} cannot be built and booted here: missing {', '.join(lacking)}"
        )


def _compiles(source: str, *flags: str) -> bool:
    command = [compiler(), "-x", "c", "-", "-o", "/dev/null", *flags]
    command += [] if "main" in source else ["-c"]
    return subprocess.run(command, input=source.encode(), capture_output=True, check=False).returncode == 0
