"""What a guest kernel is built with: small configuration fragments of ours on top of allnoconfig.

`Variant` names one of them; the files beside this one under config/ are its parts.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mapleproof.impl.kernel.errors import KernelBuildError

_FRAGMENTS = Path(__file__).parent / "config"

ARCHITECTURES = ("um", "x86")
"""User Mode Linux, a program of the host, and x86-64 in QEMU without KVM."""


@dataclass(frozen=True)
class Variant:
    """How a kernel is built and booted.

    `sanitize`: with KASAN. `debug`: with DEBUG_VM, the maple tree's own validation, checks of page tables and
    kmemleak. `levels`: page-table levels that are used, 0 for what the architecture has (of x86, 4 or 5;
    only how it is booted differs). `planted`: the name of the set of edits that were made to its sources.
    """

    arch: str = "um"
    sanitize: bool = False
    debug: bool = False
    levels: int = 0
    planted: str = ""

    def __post_init__(self) -> None:
        if self.arch not in ARCHITECTURES:
            raise KernelBuildError(f"no such architecture: {self.arch}; there are {', '.join(ARCHITECTURES)}")
        if self.levels not in ((0, 4, 5) if self.arch == "x86" else (0,)):
            raise KernelBuildError(f"{self.arch} cannot be booted with {self.levels} levels of page tables")

    def __str__(self) -> str:
        parts = [self.arch, "KASAN" if self.sanitize else "", "debug" if self.debug else ""]
        parts += [f"{self.levels} levels" if self.levels else "", self.planted]
        return ", ".join(filter(None, parts))

    @property
    def goals(self) -> tuple[str, ...]:
        """What make is to make."""
        return ("linux",) if self.arch == "um" else ("vmlinux", "bzImage")

    @property
    def images(self) -> dict[str, str]:
        """The files to keep of a build, by the name they are kept under."""
        kept = {"System.map": "System.map", "config": ".config"}
        if self.arch == "um":
            return {"linux": "linux", **kept}
        return {"vmlinux": "vmlinux", "bzImage": "arch/x86/boot/bzImage", **kept}

    def fragment(self) -> str:
        """All that is configured."""
        names = ["common", self.arch]
        names += [name for name in ("sanitize", "debug") if getattr(self, name)]
        return "".join((_FRAGMENTS / f"{name}.config").read_text() for name in names)
