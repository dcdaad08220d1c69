cimport cython
from libc.stdint cimport uint64_t

from mapleproof.impl.maple cimport gaps, workbench
from mapleproof.impl.maple.place cimport Store
from mapleproof.impl.maple.structure cimport Structure

cdef uint64_t MAX
cdef Py_ssize_t ABOVE, BENCH, META
cdef int PUSH_LEFT, PUSH_RIGHT, REBALANCE_LEFT, REBALANCE_RIGHT

@cython.locals(
    start=Py_ssize_t, leaf=bint, slot=Py_ssize_t, first_slot=Py_ssize_t, last_slot=Py_ssize_t,
    beside=Py_ssize_t, second=Py_ssize_t, third=Py_ssize_t, count=Py_ssize_t, fresh=Py_ssize_t,
)
cdef void split(Structure tree, Py_ssize_t node, uint64_t low, Py_ssize_t stop, bint bulk) except *
@cython.locals(
    most=Py_ssize_t, parent=Py_ssize_t, room=Py_ssize_t, sibling=Py_ssize_t, count=Py_ssize_t,
    total=Py_ssize_t, cut=Py_ssize_t,
)
cdef (Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t) push(
    Structure tree, Py_ssize_t slot, Py_ssize_t start, Py_ssize_t stop, bint leaf
) noexcept
cdef void grow_root(Structure tree, Py_ssize_t count, int height) except *
@cython.locals(slot=Py_ssize_t, sibling=Py_ssize_t, start=Py_ssize_t)
cdef void rebalance(Structure tree, Py_ssize_t node, Py_ssize_t stop) except *
cdef void span(Structure tree, Store store, object entry) except *
@cython.locals(
    height=int, leaf=bint, low=uint64_t, high=uint64_t, least=Py_ssize_t, second=Py_ssize_t, third=Py_ssize_t,
    count=Py_ssize_t, left_slot=Py_ssize_t, right_slot=Py_ssize_t,
)
cdef void climb(
    Structure tree, Py_ssize_t left, Py_ssize_t right, Py_ssize_t start, Py_ssize_t stop
) except *
@cython.locals(
    depth=int, near_left=Py_ssize_t, near_right=Py_ssize_t, left_slot=Py_ssize_t, right_slot=Py_ssize_t,
    node=Py_ssize_t, _=int,
)
cdef (Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t) with_neighbour(
    Structure tree, Py_ssize_t left, Py_ssize_t right, Py_ssize_t start, Py_ssize_t stop, bint leaf
) noexcept
@cython.locals(depth=int, slot=Py_ssize_t, _=int)
cdef void add_level(Structure tree, Py_ssize_t left, Py_ssize_t right, list found) except *
