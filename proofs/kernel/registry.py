"""All claims about a kernel tree, by name: where there is one about our Python, its name and sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mapleproof.impl.kernel.booted import whole
from mapleproof.proofs.engine.claim import Claim
from mapleproof.proofs.kernel import (
    accounting,
    calc_split,
    copy_node,
    exit_mmap,
    free_pgd_range,
    free_pgtables,
    leaf_gap,
    store_type,
)
from mapleproof.proofs.kernel.subject import Kernel
from mapleproof.proofs.kernel.units import Tell, Units, compile_units

_MODULES = (free_pgd_range, free_pgtables, exit_mmap, accounting, leaf_gap, calc_split, store_type, copy_node)
"""In the order in which they rest on each other."""

SENTENCES = {module.NAME: module.SENTENCE for module in _MODULES}

PRESENT = {module.NAME: module.PRESENT for module in (calc_split, store_type, copy_node)}
"""The functions of those claims that are not of every version."""

FILES = {module.NAME: tuple(module.FILES.split()) for module in _MODULES}
"""The files of a tree in which the functions may be that each claim is about."""


def claims_about(kernel: Kernel) -> dict[str, Claim]:
    """The claims about a tree that is compiled."""
    return {module.NAME: module.claim_about(kernel) for module in _MODULES}


@dataclass(slots=True)
class KernelClaims:
    """Compiled units of a tree as what claims are made about; each process reads them when it needs them."""

    units: Units
    _claims: dict[str, Claim] = field(default_factory=dict)

    @staticmethod
    def of(named: str, tell: Tell = lambda _: None) -> KernelClaims:
        """A tree that a person named: its folder, its tarball, or the version of one that is at hand. Raises
        KernelBuildError."""
        return KernelClaims(compile_units(whole.resolve(named), tell=tell))

    def claims(self) -> Mapping[str, Claim]:
        """The claims, by name."""
        if not self._claims:
            self._claims = claims_about(Kernel(self.units))
        return self._claims

    def __getstate__(self) -> Units:
        return self.units

    def __setstate__(self, units: Units) -> None:
        self.units, self._claims = units, {}
