"""Changing one comparison in any function that a claim executes makes a proof fail."""

from __future__ import annotations

import pytest

from tests.mutation import Mutant, mutants
from tests.proofs.mutants import executed, parts_that_run, run, runs, tried

pytestmark = pytest.mark.source

ALL = [mutant for where in executed() for mutant in mutants(where, conditions_only=True)]

EQUIVALENT: dict[str, str] = {
    "impl.mm.limits:clip: start > low  ->  start >= low": "where they are equal either is the same",
    "impl.mm.limits:clip: end < high  ->  end <= high": "where they are equal either is the same",
    "impl.mm.limits:step_end: wrap(border - 1) < wrap(end - 1)  ->  wrap(border - 1) <= wrap(end - 1)": (
        "where they are equal, border and end are the same"
    ),
    "impl.mm.limits:narrow: addr > wrap(end - 1)  ->  addr >= wrap(end - 1)": (
        "addr is a multiple of a page, end - 1 never is"
    ),
    "impl.mm.fork:_duplicate: old.anon_vma is not None and (not flags & VM_WIPEONFORK) and (not"
    " fork_anon_vma(machine, new, old))  ->  not flags & VM_WIPEONFORK and (not fork_anon_vma(machine, new,"
    " old))": "fork_anon_vma() asks the same at once",
}
"""Changes that change nothing, and why."""


def test_there_are_changes_of_every_function_with_a_comparison() -> None:
    assert len(ALL) > 600
    assert set(EQUIVALENT) <= {str(mutant) for mutant in ALL}


@pytest.mark.parametrize(
    ("where", "claim", "parts"),
    [
        ("impl.mm.limits:table_goes", "free_pgd_range_exact", ["4 levels, table of level 2"]),
        ("impl.mm.limits:clip", "undo_exact", ["any number, unmap_vmas, behind it VMA"]),
    ],
)
def test_it_is_noticed(where: str, claim: str, parts: list[str]) -> None:
    """What the deep profile does with all."""
    known = {(claim, part): run((claim, part), most=4) for part in parts}
    assert sorted(parts_that_run(where, known)) == sorted(known)
    for mutant in mutants(where, conditions_only=True):
        found = tried(mutant, list(known))
        assert found.verdict == "refuted" or str(mutant) in EQUIVALENT, (str(mutant), found)


@pytest.mark.deep
@pytest.mark.parametrize("mutant", ALL, ids=str)
def test_it_is_noticed_or_changes_nothing(mutant: Mutant) -> None:
    found = tried(mutant, parts_that_run(mutant.where, runs()))
    assert found.verdict == ("survived" if str(mutant) in EQUIVALENT else "refuted"), found.by
