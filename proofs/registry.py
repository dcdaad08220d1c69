"""All claims by name."""

from __future__ import annotations

from mapleproof.proofs import (
    accounting,
    dup_is_isomorphic,
    dup_is_linear,
    free_pgd_range_exact,
    free_pgtables_gathering,
    gap_is_exact,
    loop_map_agrees,
    model_laws,
    munmap_exact,
    observers,
    recoveries_agree,
    replace_needs_no_memory,
    undo_exact,
    words_suffice,
    write_kinds,
)
from mapleproof.proofs.engine.claim import Claim

CLAIMS: dict[str, Claim] = {
    module.CLAIM.name: module.CLAIM
    for module in (
        free_pgd_range_exact,
        free_pgtables_gathering,
        undo_exact,
        recoveries_agree,
        munmap_exact,
        accounting,
        observers,
        write_kinds,
        gap_is_exact,
        replace_needs_no_memory,
        words_suffice,
        dup_is_isomorphic,
        model_laws,
        loop_map_agrees,
        dup_is_linear,
    )
}
"""In the order in which they are proved; each may rest on those before it."""
