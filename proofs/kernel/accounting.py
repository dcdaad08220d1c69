"""dup_mmap() of the tree charges, counts and holds what is in the child's tree, whatever is refused.

The claim is the one about our Python (``accounting``), its formula the same. One turn of the loop is executed
from an arbitrary state, and the ways out of the function from there (``copying.py``). Where the version has
its recovery there, that it is about exactly the copies is claimed, and that nothing stays charged; where it
leaves a marker for exit_mmap(), where it stands. Releasing is executed over one and two VMAs.
"""

from __future__ import annotations

from functools import partial

from mapleproof.proofs import accounting
from mapleproof.proofs.engine.claim import Claim
from mapleproof.proofs.kernel.copying import FUNCTION, Copying
from mapleproof.proofs.kernel.exit_mmap import Exit
from mapleproof.proofs.kernel.free_pgtables import has_marker
from mapleproof.proofs.kernel.made import Mistake, Part, edit, programs, twins
from mapleproof.proofs.kernel.subject import Kernel

SAME = accounting.CLAIM
NAME, SENTENCE = SAME.name, SAME.sentence

FILES = "kernel/fork.c mm/mmap.c mm/vma.c"
FORK = "kernel/fork.c mm/mmap.c"


def _turn(file: bool, kernel: Kernel) -> None:
    Copying(kernel, file).run()


def _release(count: int, kernel: Kernel) -> None:
    Exit(kernel, count, has_marker(kernel)).run()


FILED, BARE = "a turn and the ends, a VMA with a file", "a turn and the ends, a VMA without"


def parts() -> dict[str, Part]:
    """The fork about one VMA, and what exit_mmap() gives back."""
    found: dict[str, Part] = {FILED: partial(_turn, True), BARE: partial(_turn, False)}
    return found | {f"{count} VMAs are released": partial(_release, count) for count in (1, 2)}


def _mistake(name: str, what: str, find: str, replace: str, part: str = BARE) -> Mistake:
    return name, what, edit(FORK, FUNCTION, find, replace), (part,)


MISTAKES: tuple[Mistake, ...] = (
    _mistake(
        "charge_kept",
        "a copy that is given up keeps its charge",
        "retval = -ENOMEM; vm_unacct_memory(charge);",
        "retval = -ENOMEM;",
    ),
    _mistake("charge_forgotten", "what is charged is not noted", "charge = len;", ""),
    _mistake(
        "charge_of_before",
        "where nothing is charged the charge of the VMA before is given back",
        "continue; } charge = 0;",
        "continue; }",
    ),
    _mistake(
        "account_turned",
        "the wrong VMAs are charged",
        "if (mpnt->vm_flags & VM_ACCOUNT)",
        "if (!(mpnt->vm_flags & VM_ACCOUNT))",
    ),
    _mistake(
        "account_bit_turned",
        "the wrong VMAs are charged",
        "if (vma_test(mpnt, VMA_ACCOUNT_BIT))",
        "if (!vma_test(mpnt, VMA_ACCOUNT_BIT))",
    ),
    _mistake("copy_kept", "a copy that is given up is not freed", "vm_area_free(tmp);", ""),
    _mistake("policy_kept", "a copy that is given up keeps its policy", "mpol_put(vma_policy(tmp));", ""),
    _mistake(
        "policy_of_the_source",
        "the policy of the source is put",
        "mpol_put(vma_policy(tmp));",
        "mpol_put(vma_policy(mpnt));",
    ),
    (
        "links_left",
        "a copy that is given up stays linked to anon_vmas",
        (
            *edit(FORK, FUNCTION, "else if (anon_vma_fork(tmp, mpnt)) goto fail_nomem_anon_vma_fork;", ""),
            *edit(
                FORK,
                FUNCTION,
                "tmp->vm_mm = mm;",
                "tmp->vm_mm = mm; if (!(tmp->vm_flags & VM_WIPEONFORK) && anon_vma_fork(tmp, mpnt))"
                " goto fail_nomem_anon_vma_fork;",
            ),
        ),
        (BARE,),
    ),
    _mistake("not_counted", "a copy is not counted", "mm->map_count++;", ""),
    _mistake(
        "left_out_is_added",
        "what is left out is added to the counters",
        "-vma_pages(mpnt)",
        "vma_pages(mpnt)",
    ),
    _mistake(
        "clearing_ignored",
        "it goes on where a VMA that is left out stays in the tree",
        "GFP_KERNEL); if (retval) goto loop_out;",
        "GFP_KERNEL);",
    ),
    _mistake("parents_own", "the copy stays the parent's", "tmp->vm_mm = mm;", ""),
    _mistake("file_not_held", "a copy's file is not held", "get_file(file);", "", FILED),
    _mistake(
        "not_listed",
        "a copy is not in its file's list",
        "vma_interval_tree_insert_after(tmp, mpnt, &mapping->i_mmap);",
        "",
        FILED,
    ),
    _mistake(
        "copy_is_left",
        "the first VMA left is taken for the one that was copied",
        "mpnt = vma_next(&vmi); goto loop_out;",
        "goto loop_out;",
    ),
    _mistake(
        "tables_refused",
        "it goes on where page tables are refused",
        "if (retval) { mpnt = vma_next(&vmi); goto loop_out; }",
        "",
    ),
    _mistake("released_by_end", "all VMAs are released", "unmap.tree_end = end;", ""),
)


def claim_about(kernel: Kernel) -> Claim:
    """The claim about a tree."""
    all_parts = parts()
    return Claim(
        NAME,
        SENTENCE,
        SAME.formula,
        "any number of VMAs by induction over the loop, each anywhere below 2**47 with any flags, every"
        " request granted or refused; 1 and 2 VMAs released",
        (FUNCTION, "vm_stat_account", "exit_mmap"),
        programs(kernel, all_parts),
        twins=twins(kernel, all_parts, MISTAKES),
        ours=False,
    )
