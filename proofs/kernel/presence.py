"""Functions that not every version has: where another stands in its place a claim is not of that kernel."""

from __future__ import annotations

from dataclasses import dataclass

from mapleproof.proofs.kernel.subject import Kernel


@dataclass(frozen=True, slots=True)
class Present:
    """A function, and those that stand in its place in versions without it; none of those tried has both."""

    function: str
    instead: tuple[str, ...]

    def why_not(self, kernel: Kernel) -> str:
        """Why a claim about the function is not of this kernel; empty where it is. Where all of them are
        missing it is: then something is gone that the claim speaks of, and it is left open."""
        if kernel.program.has(self.function):
            return ""
        others = [name for name in self.instead if kernel.program.has(name)]
        return f"it has {others[0]}() in the place of {self.function}()" if others else ""
