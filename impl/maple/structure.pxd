cimport cython
from libc.stdint cimport uint64_t

from mapleproof.impl.maple cimport rows
from mapleproof.impl.maple.place cimport Found, Store
from mapleproof.impl.maple.pool cimport NodePool
from mapleproof.impl.maple.tally cimport Tally

cdef uint64_t MAX
cdef Py_ssize_t FIRST_NODE, META, RETIRED_LIMIT, STRIDE
cdef int HEIGHT_0, HEIGHT_DOWN, HEIGHT_UP

cdef class Structure:
    cdef public bint track_gaps, rcu, wrapped, loaded
    cdef public object geometry
    cdef readonly Py_ssize_t leaf_slots, leaf_min, node_slots, node_min
    cdef readonly Tally tally
    cdef readonly NodePool pool
    cdef readonly Store store
    cdef readonly Found found, seen
    cdef public Py_ssize_t root, readers, walked
    cdef public int height, error
    cdef public object bare, yield_point, on_retry
    cdef public list reserve, unadopted

    cpdef void share_tally(self, Tally tally) except *
    @cython.locals(node=Py_ssize_t)
    cdef void copy_from(self, Structure source) except *
    @cython.locals(slot=Py_ssize_t)
    cpdef uint64_t low_of(self, Py_ssize_t node) noexcept
    @cython.locals(slot=Py_ssize_t)
    cpdef uint64_t high_of(self, Py_ssize_t node) noexcept
    cpdef list borders(self, int level=*)
    @cython.locals(at=Py_ssize_t, end=Py_ssize_t)
    cdef void add_borders(self, Py_ssize_t node, int above, int level, list found) except *
    cpdef list nodes(self)
    @cython.locals(at=Py_ssize_t)
    cdef void add_nodes(self, Py_ssize_t node, int level, list found) except *
    cpdef void synchronize_rcu(self) except *
    cdef void pause_point(self, str word) except *
    cdef Py_ssize_t take(self) except -1
    @cython.locals(slot=Py_ssize_t)
    cdef void put(self, Py_ssize_t old, Py_ssize_t new) except *
    cpdef void set_root(self, Py_ssize_t node, int height) except *
    @cython.locals(node=Py_ssize_t, at=Py_ssize_t)
    cdef void adopt(self) except *
    @cython.locals(node=Py_ssize_t)
    cdef void retire(self, list nodes) except *
