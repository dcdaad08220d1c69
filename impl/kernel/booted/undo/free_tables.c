void mapleproof_free_pgtables(struct mmu_gather *tlb, struct ma_state *mas, struct vm_area_struct *vma,
			      unsigned long tree_end);

/* As free_pgtables, where the tree's end is another one than the page tables' */
void mapleproof_free_pgtables(struct mmu_gather *tlb, struct ma_state *mas, struct vm_area_struct *vma,
			      unsigned long tree_end)
{
	struct unlink_vma_file_batch batch;

	while (vma) {
		unsigned long start = vma->vm_start;
		struct vm_area_struct *next = mas_find(mas, tree_end - 1);
		bool huge = is_vm_hugetlb_page(vma);

		unlink_file_vma_batch_init(&batch);
		for (;;) {
			vma_start_write(vma);
			unlink_anon_vmas(vma);
			unlink_file_vma_batch_add(&batch, vma);
			if (huge || !next || next->vm_start > vma->vm_end + PMD_SIZE || is_vm_hugetlb_page(next))
				break;
			vma = next;
			next = mas_find(mas, tree_end - 1);
		}
		unlink_file_vma_batch_final(&batch);
		if (huge)
			hugetlb_free_pgd_range(tlb, start, vma->vm_end, FIRST_USER_ADDRESS,
					       next ? next->vm_start : USER_PGTABLES_CEILING);
		else
			free_pgd_range(tlb, start, vma->vm_end, FIRST_USER_ADDRESS,
				       next ? next->vm_start : USER_PGTABLES_CEILING);
		vma = next;
	}
}
