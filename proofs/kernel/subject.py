"""A kernel tree that claims are made about, and the same with edits of its text."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from mapleproof.impl.kernel.booted.edits import Edit, edited_files
from mapleproof.proofs.ir.module import Program
from mapleproof.proofs.kernel.facts import Facts
from mapleproof.proofs.kernel.units import Units


class Kernel:
    """The functions of a tree that was compiled, and what the compiler says of it. Read when it is needed."""

    def __init__(self, units: Units) -> None:
        self.units = units
        self._program: Program | None = None

    @property
    def program(self) -> Program:
        """All units as one program."""
        if self._program is None:
            self._program = Program.read(list(self.units.files.values()))
        return self._program

    @property
    def facts(self) -> Facts:
        """What the compiler says."""
        return Facts(self.program)

    def edited(self, edits: Sequence[Edit]) -> Kernel:
        """The same tree with edits of its text, compiled. Raises ValueError where one does not fit, and
        KernelBuildError where that does not compile."""
        return _edited(self, tuple(edits))

    def fits(self, edits: Sequence[Edit]) -> bool:
        """Whether the edits fit the tree's text."""
        try:
            return bool(edited_files(self.units.tree, edits))
        except ValueError:
            return False


@lru_cache(maxsize=4)
def _edited(kernel: Kernel, edits: tuple[Edit, ...]) -> Kernel:
    return Kernel(kernel.units.edited(edited_files(kernel.units.tree, edits)))
