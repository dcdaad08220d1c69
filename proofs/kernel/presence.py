"""Functions that not every version has: a claim about one is not of a kernel that does without."""

from __future__ import annotations

from dataclasses import dataclass

from mapleproof.proofs.kernel.subject import Kernel


@dataclass(frozen=True, slots=True)
class Present:
    """A function, and how a version that does without is told from one in which it is missing: by one that
    stands in its place (``instead``; none of the versions tried has both), or since all of those are missing
    with which it came (``along``), and one is there that every version has (``among``)."""

    function: str
    instead: tuple[str, ...] = ()
    along: tuple[str, ...] = ()
    among: str = ""

    def why_not(self, kernel: Kernel) -> str:
        """Why a claim about the function is not of this kernel; empty where it is. Where nothing tells it is:
        then something is gone that the claim speaks of, and it is left open."""
        has = kernel.program.has
        if has(self.function):
            return ""
        others = [name for name in self.instead if has(name)]
        if others:
            return f"it has {others[0]}() in the place of {self.function}()"
        if self.along and has(self.among) and not any(map(has, self.along)):
            return f"it has neither {self.function}() nor {', '.join(f'{name}()' for name in self.along)}"
        return ""
