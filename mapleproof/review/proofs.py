"""Claims about the C of both sides: what is proved of one and refuted of the other.

The tree that the change belongs to is compiled by its own make, with its headers; each side's files then take
the place of its own. A change to a header is for `mapleproof prove` on a whole tree.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from mapleproof.impl.kernel.errors import KernelBuildError
from mapleproof.proofs.engine.claim import Judged, Verdict, Wanted
from mapleproof.proofs.kernel.registry import FILES, SENTENCES, KernelClaims
from mapleproof.proofs.kernel.units import UNITS, Units, compile_units
from mapleproof.proofs.prove import prove
from mapleproof.review.sides import Tell
from mapleproof.review.trees import Side


def claims_on(paths: set[str]) -> list[str]:
    """The claims about functions that may be in these files."""
    return [name for name, files in FILES.items() if paths & set(files)]


@dataclass(frozen=True, slots=True)
class Claimed:
    """A claim on both sides: `sentence` is what is claimed, `told` what refutes it, or why there is no
    answer."""

    name: str
    sentence: str
    before: Verdict
    after: Verdict
    told: str = ""

    @property
    def broken(self) -> bool:
        return self.after == "refuted" and self.before != "refuted"

    @property
    def mended(self) -> bool:
        return self.before == "refuted" and self.after == "proved"


@dataclass(slots=True)
class Prover:
    """Judges claims about the sides of a series, each text once. `tree` is the tree that they belong to."""

    tree: Path
    jobs: int
    tell: Tell
    _units: Units | None = None
    _judged: dict[tuple[tuple[str, Path], ...], dict[str, Judged]] = field(default_factory=dict)

    def compare(self, names: list[str], before: Side, after: Side) -> list[Claimed]:
        """These claims on both sides, but for those that are of neither. Raises KernelBuildError where the
        tree is not whole, clang is missing, or a side does not compile."""
        one, other = self._claims(names, before), self._claims(names, after)
        found = []
        for name in names:
            judged = other[name]
            if judged.claim.absent and one[name].claim.absent:
                continue
            told = str(judged.refutation or judged.claim.absent) or "; ".join(judged.unknown[:1])
            found.append(Claimed(name, SENTENCES[name], one[name].verdict, judged.verdict, told))
        return found

    def _claims(self, names: list[str], side: Side) -> dict[str, Judged]:
        if self._units is None:
            self._units = compile_units(self.tree, tell=self.tell)
        there = [name for name in UNITS if (side.folder / name).is_file()]
        try:
            units = self._units.edited({name: (side.folder / name).read_text() for name in there})
        except KeyError as missing:
            raise KernelBuildError(f"{self.tree} has no {missing}, which {side.name} has") from None
        judged = self._judged.setdefault(tuple(sorted(units.files.items())), {})
        if left := [name for name in names if name not in judged]:
            self.tell(f"{side.name}: claims about its C: {', '.join(left)}")
            found = prove(left, self.jobs, Wanted(twins=False), lambda done, of: None, KernelClaims(units))
            judged |= {one.claim.name: one for one in found}
        return judged
