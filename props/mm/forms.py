"""Flags and words in case files about address spaces; docs/address-space-cases.md tells them to people."""

from dataclasses import replace

from mapleproof.impl.mm.geometry import TINY, TINY_5, X86_64, X86_64_LA57, PageGeometry
from mapleproof.impl.mm.recovery import RECOVERIES
from mapleproof.model.address_space import ADVICE
from mapleproof.props.common.forms import CHOICES

FLAGS = ("tiny", "five_levels", "hugepd")
"""What a case's header says of the page tables."""

CHOICES.update(recovery=tuple(RECOVERIES), advice=tuple(ADVICE))

_BASES = {
    (False, False): X86_64,
    (False, True): X86_64_LA57,
    (True, False): TINY,
    (True, True): TINY_5,
}


def geometry_of(flags: dict[str, bool]) -> PageGeometry:
    """The page tables that a header's flags stand for."""
    base = _BASES[flags["tiny"], flags["five_levels"]]
    return replace(base, hugepd=True) if flags["hugepd"] else base


def flags_of(geometry: PageGeometry) -> dict[str, bool]:
    """The header's flags for page tables that it can name. Raises KeyError for others."""
    plain = replace(geometry, hugepd=False)
    for (tiny, five), base in _BASES.items():
        if base == plain:
            return {"tiny": tiny, "five_levels": five, "hugepd": geometry.hugepd}
    raise KeyError(geometry)
