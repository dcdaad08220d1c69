cimport cython
from libc.stdint cimport uint64_t

from mapleproof.impl.maple cimport rows
from mapleproof.impl.maple.place cimport Place, Store
from mapleproof.impl.maple.structure cimport Structure

cdef uint64_t MAX
cdef Py_ssize_t META
cdef int APPEND, EXACT_FIT, NEW_ROOT, NODE_STORE, REBALANCE, SLOT_STORE, SPANNING_STORE, SPLIT, STORE_ROOT

@cython.locals(
    node=Py_ssize_t, low=uint64_t, high=uint64_t, height=Py_ssize_t, end=Py_ssize_t, at=Py_ssize_t, _=int
)
cdef void locate(Structure tree, Py_ssize_t root, uint64_t index, Place place) noexcept
@cython.locals(
    node=Py_ssize_t, low=uint64_t, high=uint64_t, null=bint, end=Py_ssize_t, left=Py_ssize_t, right=Py_ssize_t,
    left_min=uint64_t, right_max=uint64_t, keep_left=bint, keep_right=bint, new_end=Py_ssize_t, kind=int,
)
cdef void classify(Structure tree, Store store, uint64_t first, uint64_t last, object entry, bint bulk) noexcept
@cython.locals(
    node=Py_ssize_t, low=uint64_t, ancestor=Py_ssize_t, ancestor_high=uint64_t, depth=int, after=uint64_t,
    far=Py_ssize_t, end=Py_ssize_t, right=Py_ssize_t, far_high=uint64_t, right_max=uint64_t, left=Py_ssize_t,
    left_min=uint64_t, _=int,
)
cdef void classify_span(Structure tree, Store store, uint64_t first, uint64_t last, bint null) noexcept
cdef void classify_root(Store store, uint64_t first, uint64_t last) noexcept
@cython.locals(kind=int)
cpdef Py_ssize_t nodes_needed(Structure tree, Store store, object entry) noexcept
