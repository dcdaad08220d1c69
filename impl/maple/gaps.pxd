cimport cython
from libc.stdint cimport uint64_t

from mapleproof.impl.maple cimport rows
from mapleproof.impl.maple.pool cimport NodePool
from mapleproof.impl.maple.structure cimport Structure

cdef Py_ssize_t META

@cython.locals(end=Py_ssize_t, at=Py_ssize_t, gap=uint64_t)
cdef uint64_t leaf_gap(NodePool pool, Py_ssize_t node, uint64_t low, uint64_t high) noexcept
cdef void update_gap(Structure tree, Py_ssize_t node, uint64_t low, uint64_t high) noexcept
@cython.locals(slot=Py_ssize_t)
cdef void raise_gap(NodePool pool, Py_ssize_t node, uint64_t gap) noexcept
