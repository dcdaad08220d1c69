void mapleproof_free_pgtables(struct mmu_gather *tlb, struct ma_state *mas, struct vm_area_struct *vma,
			      unsigned long tree_end);
#include <linux/oom.h>
void mapleproof_undo(struct mm_struct *mm, struct vm_area_struct *left, int how);

/* Take back what dup_mmap copied, up to the VMA that it did not: as v3 (101), v4 (102), the review (103) or 7.2 (104) do */
void mapleproof_undo(struct mm_struct *mm, struct vm_area_struct *left, int how)
{
	unsigned long tree_end = left ? left->vm_start : USER_PGTABLES_CEILING;
	unsigned long zap_end = tree_end, place, accounted = 0;
	struct vm_area_struct *first = NULL;
	struct mmu_gather tlb;
	MA_STATE(mas, &mm->mm_mt, 0, 0);

	if (how == 104) {
		zap_end = ULONG_MAX;
		tree_end = left ? left->vm_start : ULONG_MAX;
		if (mm->map_count)
			first = mas_find(&mas, tree_end - 1);
	} else if (!left || tree_end) {
		first = mas_find(&mas, tree_end - 1);
	}
	if (!first)
		goto destroy;
	if (how != 101)
		mas_set(&mas, first->vm_end);
	place = mas.index;
	lru_add_drain();
	tlb_gather_mmu(&tlb, mm);
	unmap_vmas(&tlb, &mas, first, 0, zap_end, tree_end, true);
	mas_set(&mas, place);
	if (how == 103) {
		unsigned long start = first->vm_start, ceiling = left->vm_start;

		mas_set(&mas, first->vm_end);
		free_pgtables(&tlb, &mas, first, FIRST_USER_ADDRESS, ceiling, true);
		free_pgd_range(&tlb, start, ceiling, FIRST_USER_ADDRESS, USER_PGTABLES_CEILING);
	} else {
		mapleproof_free_pgtables(&tlb, &mas, first, tree_end);
	}
	tlb_finish_mmu(&tlb);
	mas_set(&mas, first->vm_end);
	do {
		if (first->vm_flags & VM_ACCOUNT)
			accounted += vma_pages(first);
		remove_vma(first, true);
		first = mas_find(&mas, tree_end - 1);
	} while (first);
	vm_unacct_memory(accounted);
destroy:
	__mt_destroy(&mm->mm_mt);
	mm->map_count = 0;
}
