"""Claims about kernels' own C are proved, their twins refuted; what is not there is never judged."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from mapleproof.cli import status
from mapleproof.cli.prove import prove as command
from mapleproof.impl.kernel.booted.edits import Edit
from mapleproof.proofs.engine.claim import Wanted, describe, do, judge, judged_of, units
from mapleproof.proofs.engine.emitted import compare
from mapleproof.proofs.kernel.registry import SENTENCES, claims_about
from mapleproof.proofs.kernel.subject import Kernel
from mapleproof.proofs.kernel.units import Units
from mapleproof.proofs.registry import CLAIMS
from tests.proofs.kernel.conftest import kernel_of

pytestmark = pytest.mark.source

QUICK = {
    "free_pgd_range_exact": (
        "4 levels, table of level 1, free_pgd_range",
        "4 levels, table of level 2, free_pmd_range",
        "5 levels, table of level 4, free_p4d_range",
        "floor_not_strict",
        "pmd_mask",
        "pmd_not_moved",
        "p4d_whole_range",
    ),
    "free_pgtables_gathering": ("1 VMAs", "2 VMAs", "last_page_only", "gathered_from_last"),
    "leaf_gap_exact": ("2 slots", "3 slots", "15 slots", "first_short", "slot_left_out", "skips_too_many"),
    "calc_split_agrees": ("leaf", "node of 10", "quarter", "bulk_ends_on_null", "two_where_null_ends"),
    "store_type_agrees": ("root of 1,", "root of 2,", "root of 3, entry", "null_not_widened", "begins_late"),
    "copied_node_exact": ("leaf", "node of 10", "slot_in_parent_lost", "last_child_shared"),
    "accounting": ("a turn and the ends, a VMA without", "charge_kept", "copy_is_left"),
    "exit_mmap_exact": ("0 VMAs", "2 VMAs", "tree_kept", "charge_of", "not_moved"),
}
"""Parts and twins that are tried each time; the deep profile tries all."""

WITHOUT = {("7.3", "calc_split_agrees"), ("6.1", "store_type_agrees"), ("6.1", "copied_node_exact")}
"""Versions, and claims that are not of them."""


@pytest.mark.late
@pytest.mark.parametrize("name", SENTENCES)
def test_it_is_proved(version: str, kernel: Kernel, name: str) -> None:
    claim, wanted = claims_about(kernel)[name], Wanted()
    assert bool(claim.absent) == ((version, name) in WITHOUT)
    if claim.absent:
        return
    work = [unit for unit in units(claim, wanted) if unit[1].startswith(QUICK[name])]
    done = [do(claim, unit, wanted) for unit in work]
    assert {one.verdict for one in done} <= {"proved", "not tried"}, [
        line for one in done for line in describe(one)
    ]
    assert "proved" in {one.verdict for one in done}
    assert all(found is not None for one in done for found in one.twins.values())


@pytest.mark.deep
@pytest.mark.parametrize("name", SENTENCES)
def test_all_of_it_is_proved(version: str, kernel: Kernel, name: str) -> None:
    judged = judge(claims_about(kernel)[name])
    expected = "not of this kernel" if (version, name) in WITHOUT else "proved"
    assert judged.verdict == expected, "\n".join(describe(judged))


@pytest.mark.parametrize("name", sorted(set(SENTENCES) & set(CLAIMS)))
def test_the_sentence_is_that_of_the_claim_about_our_python(release: Kernel, name: str) -> None:
    one, other = claims_about(release)[name], CLAIMS[name]
    assert (one.sentence, one.formula) == (other.sentence, other.formula)


@pytest.mark.parametrize("name", SENTENCES)
def test_what_the_sources_do_not_have_is_not_judged(release: Kernel, name: str) -> None:
    """Without the functions that it speaks of a claim is neither proved nor refuted."""
    claim = claims_about(Kernel(Units(release.units.tree, {}, {})))[name]
    for unit in units(claim, Wanted(twins=False)):
        judged = do(claim, unit, Wanted())
        assert judged.verdict == "inconclusive", (unit, judged)
        assert judged.unknown


@pytest.mark.parametrize(("now", "left_out"), [("dst_setup", True), ("mab_calc_splits", False)])
def test_a_function_is_gone_where_another_is_in_its_place(release: Kernel, now: str, left_out: bool) -> None:
    """One that was given another name, or was lost, leaves a claim open."""
    source = "lib/maple_tree.c"
    text = (release.units.tree / source).read_text().replace("mab_calc_split(", f"{now}(")
    claim = claims_about(Kernel(release.units.edited({source: text})))["calc_split_agrees"]
    assert claim.absent == ("it has dst_setup() in the place of mab_calc_split()" if left_out else "")
    verdict = judged_of(
        claim, Wanted(twins=False), (do(claim, unit, Wanted()) for unit in units(claim, Wanted(twins=False)))
    ).verdict
    assert verdict == ("not of this kernel" if left_out else "inconclusive")


def test_the_command_says_what_is_not_of_a_kernel() -> None:
    tree = kernel_of("7.3").units.tree
    result = CliRunner().invoke(command, ["--kernel", str(tree), "calc_split_agrees"])
    assert result.exit_code == status.NO_ANSWER
    told, verdict = result.output.splitlines()[-2:]
    assert (
        told == "calc_split_agrees: not of this kernel: it has dst_setup() in the place of mab_calc_split()"
    )
    assert verdict == "No answer: not of this kernel: claim calc_split_agrees."


def test_what_came_with_a_function_is_missing_too(release: Kernel) -> None:
    """6.1 copies no trees at all; where one function of several is gone, something is wrong."""
    absent = claims_about(kernel_of("6.1"))["copied_node_exact"].absent
    assert absent.startswith("it has neither mas_copy_node() nor ")
    source = "lib/maple_tree.c"
    text = (release.units.tree / source).read_text().replace("mas_copy_node(", "mas_copy_a_node(")
    renamed = Kernel(release.units.edited({source: text}))
    assert not claims_about(renamed)["copied_node_exact"].absent


@pytest.mark.late
@pytest.mark.parametrize(
    ("name", "part"),
    [("free_pgtables_gathering", "1 VMAs"), ("leaf_gap_exact", "2 slots")],
)
def test_another_solver_agrees(release: Kernel, tmp_path: Path, name: str, part: str) -> None:
    pytest.importorskip("cvc5")
    claim = claims_about(release)[name]
    for unit in units(claim, Wanted(twins=False)):
        if unit[1].startswith(part):
            assert do(claim, unit, Wanted(emit=tmp_path)).verdict == "proved"
    queries = sorted(tmp_path.glob("*.smt2"))
    assert queries
    assert {compare(path) for path in queries} == {"agrees"}


DUP = "retval = __mt_dup(&oldmm->mm_mt, &mm->mm_mt, GFP_KERNEL);"
USELESS = {
    "it always refuses": (DUP, "retval = -ENOMEM;", "refuted"),
    "it copies nothing": (DUP, "retval = 0; goto out;", "inconclusive"),
    "it returns before it has begun": (
        "if (mmap_write_lock_killable(oldmm))",
        "return 0; if (1)",
        "inconclusive",
    ),
}
"""What stands in place of what, and what comes of it: with no loop left, the claim is about nothing."""


@pytest.mark.late
@pytest.mark.parametrize("what", USELESS)
def test_a_fork_that_does_nothing_is_never_proved(release: Kernel, what: str) -> None:
    find, replace, verdict = USELESS[what]
    edited = release.edited([Edit(("kernel/fork.c",), "dup_mmap", find, replace)])
    claim = claims_about(edited)["accounting"]
    done = do(claim, ("part", "a turn and the ends, a VMA without"), Wanted())
    assert done.verdict == verdict, describe(done)


@pytest.mark.late
@pytest.mark.parametrize("version", ["7.3"])
def test_the_recovery_in_place_is_about_the_copies(kernel: Kernel) -> None:
    """7.3 undoes a failed fork in dup_mmap() itself: each of its limits counts."""
    for find, replace, told in (
        ("unmap.tree_end = end;", "", "tree_end"),
        ("/* vma_end = */ end,", "/* vma_end = */ ULONG_MAX,", "vma_end"),
        ("end = mpnt->vm_start;", "end = mpnt->vm_end;", "vma_end"),
        ("tear_down_vmas(mm, &vmi, tmp, end);", "tear_down_vmas(mm, &vmi, tmp, ULONG_MAX);", "released"),
        ("if (!mm->map_count) {", "if (0) {", "nothing is unmapped"),
        ("vm_unacct_memory(charge); } __mt", "} __mt", "nothing is charged"),
    ):
        edited = kernel.edited([Edit(("mm/mmap.c",), "dup_mmap", find, replace)])
        claim = claims_about(edited)["accounting"]
        done = do(claim, ("part", "a turn and the ends, a VMA without"), Wanted())
        assert done.refutation is not None, find
        assert told in done.refutation.sentence


def test_without_a_twin_that_is_refuted_a_claim_stays_open(release: Kernel) -> None:
    claim = claims_about(release)["free_pgd_range_exact"]
    wanted = Wanted(parts=False)
    judged = judged_of(claim, wanted, [])
    assert judged.verdict == "inconclusive"
    assert judged.unknown == ["a twin is not refuted"]
