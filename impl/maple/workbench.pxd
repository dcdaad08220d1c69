cimport cython
from libc.stdint cimport uint64_t

from mapleproof.impl.maple cimport gaps, rows
from mapleproof.impl.maple.place cimport Store
from mapleproof.impl.maple.structure cimport Structure

cdef Py_ssize_t ABOVE, BENCH, META, STRIDE, UNBORN
cdef int LIVE, SPLIT_THREE, SPLIT_TWO

@cython.locals(
    node=Py_ssize_t, left=Py_ssize_t, right=Py_ssize_t, end=Py_ssize_t, before=Py_ssize_t, rest=Py_ssize_t,
    at=Py_ssize_t,
)
cdef Py_ssize_t gather_leaf(Structure tree, Store store, object entry) noexcept
@cython.locals(
    node=Py_ssize_t, left=Py_ssize_t, right=Py_ssize_t, far=Py_ssize_t, before=Py_ssize_t, rest=Py_ssize_t,
    at=Py_ssize_t,
)
cdef Py_ssize_t gather_span(Structure tree, Store store, object entry) noexcept
cdef Py_ssize_t put_range(Structure tree, Store store, object entry, Py_ssize_t at) noexcept
cdef void lift(Structure tree, Py_ssize_t to, Py_ssize_t at, Py_ssize_t count) noexcept
@cython.locals(count=Py_ssize_t)
cdef Py_ssize_t gather_node(Structure tree, Py_ssize_t node, Py_ssize_t at, bint leaf) noexcept
@cython.locals(before=Py_ssize_t, rest=Py_ssize_t, high=uint64_t, at=Py_ssize_t)
cdef Py_ssize_t gather_above(
    Structure tree, Py_ssize_t left, Py_ssize_t left_slot, Py_ssize_t right, Py_ssize_t right_slot,
    Py_ssize_t children,
) noexcept
cdef void move_inner(Structure tree, Py_ssize_t to, Py_ssize_t at, Py_ssize_t count) noexcept
@cython.locals(
    most=Py_ssize_t, least=Py_ssize_t, end=Py_ssize_t, cut=Py_ssize_t, half=Py_ssize_t, third=Py_ssize_t
)
cdef (Py_ssize_t, Py_ssize_t) cuts(
    Structure tree, Py_ssize_t start, Py_ssize_t stop, bint leaf, bint bulk
) noexcept
cdef Py_ssize_t off_null(
    Structure tree, Py_ssize_t start, Py_ssize_t cut, Py_ssize_t end, bint leaf
) noexcept
cdef Py_ssize_t build(
    Structure tree, Py_ssize_t start, Py_ssize_t second, Py_ssize_t third, Py_ssize_t stop, bint leaf,
    uint64_t low,
) except -1
@cython.locals(node=Py_ssize_t, gap=uint64_t)
cdef Py_ssize_t build_node(
    Structure tree, Py_ssize_t start, Py_ssize_t stop, bint leaf, uint64_t low, Py_ssize_t above
) except -1
@cython.locals(count=Py_ssize_t, at=Py_ssize_t)
cdef uint64_t fill(
    Structure tree, Py_ssize_t node, Py_ssize_t start, Py_ssize_t stop, bint leaf, uint64_t low
) noexcept
