cimport cython
from libc.stdint cimport uint64_t

from mapleproof.impl.maple cimport gaps, rebuild, rows, workbench
from mapleproof.impl.maple.place cimport Store
from mapleproof.impl.maple.structure cimport Structure

cdef uint64_t MAX
cdef Py_ssize_t ABOVE, BENCH, META
cdef int EXACT_FIT, NEW_ROOT, NODE_STORE, REBALANCE, SPANNING_STORE, SPLIT, STORE_ROOT

@cython.locals(kind=int)
cdef void commit(Structure tree, Store store, object entry, bint bulk) except *
@cython.locals(was_null=bint)
cdef void replace_entry(Structure tree, Store store, object entry) noexcept
@cython.locals(node=Py_ssize_t, had_null=bint, stop=Py_ssize_t)
cdef void change_leaf(Structure tree, Store store, object entry) except *
@cython.locals(
    node=Py_ssize_t, left=Py_ssize_t, right=Py_ssize_t, new_end=Py_ssize_t, end=Py_ssize_t, after=Py_ssize_t,
    kept_limit=uint64_t, rest=Py_ssize_t,
)
cdef void splice(Structure tree, Store store, object entry) noexcept
cdef void move_border(Structure tree, Store store, object entry) noexcept
@cython.locals(at=Py_ssize_t, node=Py_ssize_t)
cdef void store_at_root(Structure tree, uint64_t first, uint64_t last, object entry) except *
cdef void replace_root_by_range(Structure tree, object entry) except *
