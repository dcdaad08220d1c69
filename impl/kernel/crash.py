"""What is known of a step that crashed: its kind, the op, the place in the kernel's source, its words.

It reads the text that ``shim/report.c`` sends, and a sanitizer's report on standard error. Two crashes
with the same ``signature`` are taken for the same defect.
"""

from __future__ import annotations

import re
import signal
import subprocess
from dataclasses import dataclass, field

from mapleproof.impl.kernel.build import Build

_SANITIZER = re.compile(r"SUMMARY: AddressSanitizer: ([\w-]+)")
_WRAPPERS = {"mt_alloc_one", "mt_alloc_bulk", "mt_free_one", "mt_free_bulk", "mt_free_rcu", "ma_free_rcu"}
"""Functions of maple_tree.c that do no more than call the allocator: a place is in who called them."""


@dataclass(frozen=True)
class Crash:
    """One crash. ``str()`` tells all that fits a line."""

    kind: str
    """A signal's name, WARN, BUG, hang, double free, write after free, or what a sanitizer calls it."""
    op: str
    place: str
    """The innermost functions in the kernel's source, and the line in the first of them."""
    detail: str = ""
    """What failed, in the words of the assertion or the allocator."""
    said: str = field(default="", compare=False)
    """All that the kernel and the sanitizer printed."""
    stack: tuple[str, ...] = field(default=(), compare=False)

    @property
    def title(self) -> str:
        return f"{self.kind} in {self.op}"

    @property
    def signature(self) -> tuple[str, str, str]:
        return (self.kind, self.op, self.place)

    def __str__(self) -> str:
        at = f" at {self.place}" if self.place else ""
        return f"{self.title}{at}" + (f": {self.detail}" if self.detail else "")

    @staticmethod
    def read(op: str, text: str, said: str, code: int, build: Build) -> Crash:
        """Make one from the server's last words, its standard error and its exit status."""
        kind, _, rest = text.partition("\n")
        detail, _, rest = rest.partition("\n")
        counters, _, printed = rest.partition("\n")
        stack = symbolize(build, counters.split())
        if kind in ("", "exit"):
            kind = signal.Signals(-code).name if code < 0 else f"exit status {code}"
        if found := _SANITIZER.search(said):
            kind = found[1]
        return Crash(kind, op, place_of(stack), detail, printed + said, stack)


def place_of(stack: tuple[str, ...]) -> str:
    """The three innermost frames in the kernel's source, and the line in the first."""
    frames = [frame.split(" ") for frame in stack if " maple_tree.c:" in frame]
    frames = [frame for frame in frames if frame[0] not in _WRAPPERS][:3]
    return " < ".join(name for name, _ in frames) + f" ({frames[0][1]})" if frames else ""


def symbolize(build: Build, counters: list[str]) -> tuple[str, ...]:
    """Program counters as ``function file:line``, inlined callers included; empty without addr2line."""
    if not counters:
        return ()
    command = ["addr2line", "-f", "-i", "-s", "-e", str(build.server), *(f"0x{pc}" for pc in counters)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ()
    lines = done.stdout.splitlines()
    frames = [f"{name} {where.split(' (')[0]}" for name, where in zip(lines[::2], lines[1::2], strict=False)]
    return tuple(frame for frame in frames if not frame.startswith("??"))
