"""Mistakes for a guest kernel, in dup_mmap, in what it calls, and in exit_mmap: each must be found by its
forks.

Each is what is left out, or done wrongly, in one place of the failure handling. The fragments are anchors for
Linux 6.12; many fit later versions too.
"""

from __future__ import annotations

from mapleproof.impl.kernel.booted.edits import Edit, Planted

FORK = ("kernel/fork.c", "mm/mmap.c")
"""Where dup_mmap is: up to 6.15, and since 6.16."""


def _unless(files: tuple[str, ...], function: str, statement: str) -> tuple[Edit, ...]:
    """A statement that is left out."""
    return (Edit(files, function, statement, f"if (!SEEDED({{number}}))\n\t\t{statement}"),)


ALWAYS = (
    Edit(
        ("arch/um/kernel/tlb.c",),
        "flush_tlb_mm",
        "for_each_vma(vmi, vma)",
        "for_each_vma(vmi, vma) if (!xa_is_zero(vma))",
    ),
)
"""User Mode Linux's flush_tlb_mm follows the marker of a failed fork, and panics before anything else
shows."""

PLANTED = (
    Planted(
        "charge-kept",
        1,
        "the charge of the VMA that was refused is not given back",
        (
            Edit(
                FORK,
                "dup_mmap",
                "retval = -ENOMEM; vm_unacct_memory(charge);",
                "retval = -ENOMEM;\n\tif (!SEEDED({number}))\n\t\tvm_unacct_memory(charge);",
            ),
        ),
        "charge zero",
    ),
    Planted(
        "policy-not-put",
        2,
        "the policy of the VMA that was refused is not put",
        _unless(FORK, "dup_mmap", "mpol_put(vma_policy(tmp));"),
        "VMAs released once",
        without=("um",),
    ),
    Planted(
        "vma-not-freed",
        3,
        "the VMA that was refused something is not freed",
        _unless(FORK, "dup_mmap", "vm_area_free(tmp);"),
        "VMAs released once",
    ),
    Planted(
        "no-marker",
        4,
        "no marker is stored over the first VMA that was not copied",
        _unless(FORK, "dup_mmap", "mas_store(&vmi.mas, XA_ZERO_ENTRY);"),
        "parent untouched",
    ),
    Planted(
        "marker-one-late",
        5,
        "the marker is stored over the VMA after the first that was not copied",
        (
            Edit(
                FORK,
                "dup_mmap",
                "if (mpnt) { mas_set_range(&vmi.mas, mpnt->vm_start,",
                "if (mpnt && SEEDED({number}))\n\t\t\tmpnt = vma_next(&vmi);\n"
                "\t\tif (mpnt) {\n\t\t\tmas_set_range(&vmi.mas, mpnt->vm_start,",
            ),
        ),
        "map_count agrees",
    ),
    Planted(
        "marker-on-linked",
        6,
        "after page tables were refused, the copy that is linked already counts as not copied",
        (
            Edit(
                FORK,
                "dup_mmap",
                "mpnt = vma_next(&vmi); goto loop_out;",
                "if (!SEEDED({number}))\n\t\t\t\tmpnt = vma_next(&vmi);\n\t\t\tgoto loop_out;",
            ),
        ),
        "map_count agrees",
    ),
    Planted(
        "map-count-short",
        7,
        "a copy that is shared is not counted",
        (
            Edit(
                FORK,
                "dup_mmap",
                "mm->map_count++;",
                "if (!SEEDED({number}) || !(tmp->vm_flags & VM_SHARED))\n\t\t\tmm->map_count++;",
            ),
        ),
        "map_count agrees",
    ),
    Planted(
        "userfaultfd-kept",
        8,
        "userfaultfd contexts are not dropped after a failure",
        _unless(FORK, "dup_mmap", "dup_userfaultfd_fail(&uf);"),
        "VMAs released once",
    ),
    Planted(
        "file-not-got",
        9,
        "a copy takes no reference to its file",
        _unless(FORK, "dup_mmap", "get_file(file);"),
        "no crash",
    ),
    Planted(
        "tables-kept-going",
        10,
        "page tables that were refused are taken for copied",
        (
            Edit(
                FORK,
                "dup_mmap",
                "retval = copy_page_range(tmp, mpnt);",
                "retval = copy_page_range(tmp, mpnt) && !SEEDED({number}) ? -ENOMEM : 0;",
            ),
        ),
        "fails if refused",
    ),
    Planted(
        "clearing-taken-for-done",
        11,
        "where the range of a VMA that is not copied cannot be cleared, the fork goes on",
        (
            Edit(
                FORK,
                "dup_mmap",
                "GFP_KERNEL); if (retval) goto loop_out;",
                "GFP_KERNEL);\n\t\t\tif (retval && !SEEDED({number}))\n\t\t\t\tgoto loop_out;",
            ),
        ),
        "fails if refused",
    ),
    Planted(
        "chain-kept",
        12,
        "links to the parent's anon_vmas stay where the own anon_vma is refused",
        _unless(("mm/rmap.c",), "anon_vma_fork", "unlink_anon_vmas(vma);"),
        "VMAs released once",
    ),
    Planted(
        "anon-vma-kept",
        13,
        "the own anon_vma stays where its link is refused",
        (
            Edit(
                ("mm/rmap.c",),
                "anon_vma_fork",
                "out_error_free_anon_vma: put_anon_vma(anon_vma);",
                "out_error_free_anon_vma:\n\tif (!SEEDED({number}))\n\t\tput_anon_vma(anon_vma);",
            ),
        ),
        "VMAs released once",
    ),
    Planted(
        "clone-kept",
        14,
        "links that were made stay where a later one is refused",
        _unless(("mm/rmap.c",), "anon_vma_clone", "unlink_anon_vmas(dst);"),
        "VMAs released once",
    ),
    Planted(
        "nodes-kept",
        15,
        "nodes of the child's tree stay where a later one is refused",
        _unless(("lib/maple_tree.c",), "__mt_dup", "mas_dup_free(&new_mas);"),
        "tree nodes freed",
    ),
    Planted(
        "exit-past-marker",
        16,
        "exit_mmap releases VMAs beyond the marker",
        (
            Edit(
                ("mm/mmap.c",),
                "exit_mmap",
                "while (vma && likely(!xa_is_zero(vma)));",
                "while (vma && (SEEDED({number}) || likely(!xa_is_zero(vma))));",
            ),
        ),
        "no crash",
    ),
    Planted(
        "zap-past-marker",
        17,
        "unmap_vmas zaps beyond the marker",
        (
            Edit(
                ("mm/memory.c",),
                "unmap_vmas",
                "while (vma && likely(!xa_is_zero(vma)));",
                "while (vma && (SEEDED({number}) || likely(!xa_is_zero(vma))));",
            ),
        ),
        "no crash",
    ),
    Planted(
        "ceiling-too-low",
        18,
        "page tables are freed up to the end of the first VMA only",
        (
            Edit(
                ("mm/mmap.c",),
                "exit_mmap",
                "USER_PGTABLES_CEILING, true",
                "SEEDED({number}) ? vma->vm_end : USER_PGTABLES_CEILING, true",
            ),
        ),
        "page tables freed exactly",
    ),
    Planted(
        "exit-charge-kept",
        19,
        "the charge of what a failed child had copied is not given back",
        (
            Edit(
                ("mm/mmap.c",),
                "exit_mmap",
                "vm_unacct_memory(nr_accounted);",
                "if (!SEEDED({number}) || !test_bit(MMF_UNSTABLE, &mm->flags))\n"
                "\t\tvm_unacct_memory(nr_accounted);",
            ),
        ),
        "charge zero",
    ),
    Planted(
        "fork-context-kept",
        20,
        "the link to a userfaultfd context is not freed where the context is refused",
        _unless(("fs/userfaultfd.c", "mm/userfaultfd.c"), "dup_userfaultfd", "kfree(fctx);"),
        "VMAs released once",
    ),
    Planted(
        "refused-tables-forgotten",
        21,
        "copy_page_range says nothing of tables that were refused",
        (
            Edit(
                ("mm/memory.c",), "copy_page_range", "ret = -ENOMEM;", "ret = SEEDED({number}) ? 0 : -ENOMEM;"
            ),
        ),
        "fails if refused",
    ),
    Planted(
        "in-place-too-far",
        22,
        "7.x: what was not copied is taken apart too",
        (
            Edit(
                FORK,
                "dup_mmap",
                "unmap.tree_end = end;",
                "unmap.tree_end = SEEDED({number}) ? ULONG_MAX : end;",
            ),
        ),
        "parent untouched",
    ),
    Planted(
        "in-place-ceiling",
        23,
        "7.x: page tables are freed up to the first VMA that was not copied only",
        (
            Edit(
                FORK,
                "dup_mmap",
                "flush_cache_mm(mm);",
                "if (SEEDED({number}))\n\t\t\t\tunmap.pg_end = end;\n\t\t\tflush_cache_mm(mm);",
            ),
        ),
        "page tables freed exactly",
    ),
    Planted(
        "in-place-charge-kept",
        24,
        "7.x: the charge of what was taken apart is not given back",
        (
            Edit(
                FORK,
                "dup_mmap",
                "charge = tear_down_vmas(mm, &vmi, tmp, end);",
                "charge = tear_down_vmas(mm, &vmi, tmp, end);\n"
                "\t\t\tif (SEEDED({number}))\n\t\t\t\tcharge = 0;",
            ),
        ),
        "charge zero",
    ),
    Planted(
        "in-place-tree-kept",
        25,
        "7.x: the child's tree is not destroyed",
        (
            Edit(
                FORK,
                "dup_mmap",
                "vm_unacct_memory(charge); } __mt_destroy(&mm->mm_mt);",
                "vm_unacct_memory(charge);\n\t\t}\n"
                "\t\tif (!SEEDED({number}))\n\t\t\t__mt_destroy(&mm->mm_mt);",
            ),
        ),
        "no crash",
    ),
    Planted(
        "swapoff-does-not-look",
        26,
        "swapoff does not ask whether an address space is stable, as in kernels before 6.18-rc1",
        (
            Edit(
                ("mm/swapfile.c",),
                "unuse_mm",
                "if (check_stable_address_space(mm))",
                "if (!SEEDED({number}) && check_stable_address_space(mm))",
            ),
        ),
        "observers safe",
    ),
)
"""All of them, by number."""
