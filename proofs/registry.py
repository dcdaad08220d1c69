"""All claims by name."""

from __future__ import annotations

from proofs import (
    free_pgd_range_exact,
    free_pgtables_gathering,
    munmap_exact,
    recoveries_agree,
    undo_exact,
)
from proofs.claim import Claim

CLAIMS: dict[str, Claim] = {
    module.CLAIM.name: module.CLAIM
    for module in (
        free_pgd_range_exact,
        free_pgtables_gathering,
        undo_exact,
        recoveries_agree,
        munmap_exact,
    )
}
"""In the order in which they are proved; each may rest on those before it."""
