cimport cython
from libc.stdint cimport uint64_t

from mapleproof.impl.maple.pool cimport NodePool
from mapleproof.impl.maple.structure cimport Structure

cdef uint64_t MAX
cdef Py_ssize_t FIRST_NODE, META, STRIDE
cdef int LIVE

@cython.locals(first=uint64_t, last=uint64_t, slot=Py_ssize_t, end=Py_ssize_t)
cdef str show_node(NodePool pool, Py_ssize_t node, uint64_t low, uint64_t high, int level)
@cython.locals(used=Py_ssize_t, live=Py_ssize_t, walk=Walk)
cpdef void check(Structure tree, Py_ssize_t reserved=*) except *

@cython.final
cdef class Walk:
    cdef Structure tree
    cdef set nodes
    cdef bint after_null

    @cython.locals(
        leaf=bint, most=Py_ssize_t, least=Py_ssize_t, end=Py_ssize_t, count=Py_ssize_t, first=uint64_t,
        last=uint64_t, at=Py_ssize_t,
    )
    cdef uint64_t subtree(
        self, Py_ssize_t node, uint64_t low, uint64_t high, int level, Py_ssize_t slot
    ) except? 1
    @cython.locals(end=Py_ssize_t, gap=uint64_t, first=uint64_t, last=uint64_t, at=Py_ssize_t)
    cdef uint64_t leaf(self, Py_ssize_t node, uint64_t low, uint64_t high) except? 1
    @cython.locals(
        end=Py_ssize_t, largest=uint64_t, first=uint64_t, last=uint64_t, at=Py_ssize_t, gap=uint64_t
    )
    cdef uint64_t inner(self, Py_ssize_t node, uint64_t low, uint64_t high, int level) except? 1
