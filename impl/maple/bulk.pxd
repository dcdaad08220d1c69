cimport cython
from libc.stdint cimport uint64_t

from mapleproof.impl.maple cimport classify, gaps, workbench
from mapleproof.impl.maple.structure cimport Structure

cdef uint64_t MAX
cdef Py_ssize_t BENCH, META, ROOM

@cython.locals(leaf=Py_ssize_t, node=Py_ssize_t, level=Py_ssize_t, nodes=Py_ssize_t, height=Py_ssize_t)
cdef Py_ssize_t nodes_for(Structure tree, Py_ssize_t entries) noexcept
cdef Py_ssize_t worst_case(Structure tree) noexcept
@cython.locals(
    node=Py_ssize_t, slot=Py_ssize_t, before=Py_ssize_t, low=uint64_t, cut=Py_ssize_t, stop=Py_ssize_t,
    limit=uint64_t, left_gap=uint64_t, right_gap=uint64_t,
)
cdef void finish(Structure tree) noexcept
