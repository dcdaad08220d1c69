"""The address space around the maple tree, fork, and every known way to recover from a failed one.

words.py      unsigned 64-bit numbers          limits.py      which page tables go, decided over words
geometry.py   the shape of page tables         free_range.py  free_pgd_range(), from table to table
page_tables.py tables, pages, the ledger       teardown.py    unmap_vmas(), free_pgtables(), release
machine.py    accounting, files, ledgers       exit.py        exit_mmap(), check_mm()
mm.py         one address space                fork.py        dup_mmap()
objects.py    VMAs and what hangs on them      rmap.py        links from files and anon_vmas
map.py        mmap, munmap, mprotect, ...      observers.py   who else may run meanwhile
recovery/     how a failed fork is undone      promises.py    what must hold, and the alarms
"""
