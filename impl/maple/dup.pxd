cimport cython
from libc.stdint cimport uint64_t

from mapleproof.impl.maple cimport rows
from mapleproof.impl.maple.pool cimport NodePool
from mapleproof.impl.maple.structure cimport Structure

cdef Py_ssize_t FIRST_NODE, META, STRIDE
cdef int DUP_NODES, FREE, LIVE

cpdef int mt_dup(Structure source, Structure target) except 1
@cython.locals(
    root=Py_ssize_t, height=int, at=Py_ssize_t, live=Py_ssize_t, waiting=list, done=list, node=Py_ssize_t,
    level=int, end=Py_ssize_t,
)
cdef bint copy_nodes(Structure source, Structure target) except -1
@cython.locals(node=Py_ssize_t, at=Py_ssize_t)
cdef void undo(NodePool pool, Py_ssize_t root, list done) except *
@cython.locals(at=Py_ssize_t, stop=Py_ssize_t)
cdef void clear_unused(NodePool pool) except *
cpdef Py_ssize_t replace_each(Structure tree, object new) except -1
@cython.locals(count=Py_ssize_t, at=Py_ssize_t)
cdef Py_ssize_t replace_below(Structure tree, Py_ssize_t node, int level, object new) except -1
