"""What this package raises; each message is one line that a person can act on."""

from __future__ import annotations

from pathlib import Path


class KernelBuildError(Exception):
    """A kernel tree that cannot be built or found. ``log`` is what the compiler said, if it did."""

    def __init__(self, message: str, log: Path | None = None) -> None:
        super().__init__(message)
        self.log = log


class KernelFetchError(KernelBuildError):
    """Kernel sources that are not to be had."""
