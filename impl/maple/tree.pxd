cimport cython
from libc.stdint cimport uint64_t

from mapleproof.impl.maple cimport check, classify, dup, rows, search, write
from mapleproof.impl.maple.place cimport Found
from mapleproof.impl.maple.structure cimport Structure

cdef uint64_t MAX
cdef Py_ssize_t META
cdef int EXACT_FIT, EEXIST, EINVAL, ENOMEM

@cython.final
cdef class MapleTree(Structure):
    @cython.locals(node=Py_ssize_t, height=Py_ssize_t, _=int)
    cpdef object load(self, uint64_t index)
    @cython.locals(
        root=Py_ssize_t, node=Py_ssize_t, end=Py_ssize_t, low=uint64_t, high=uint64_t, at=Py_ssize_t, moved=bint
    )
    cdef object look(self, uint64_t index, Found place)
    cpdef tuple slot_of(self, uint64_t index)
    cdef object first_entry(self, uint64_t index, uint64_t most)
    cpdef tuple find(self, uint64_t index, uint64_t max)
    cpdef tuple find_after(self, uint64_t index, uint64_t max)
    cpdef object next(self, uint64_t index, uint64_t max)
    cpdef object prev(self, uint64_t index, uint64_t min)
    cpdef list entries(self)
    @cython.locals(end=Py_ssize_t, at=Py_ssize_t, last=uint64_t)
    cdef void add_entries(self, Py_ssize_t node, int level, uint64_t low, uint64_t high, list found) except *
    cpdef tuple limits(self, Py_ssize_t node)
    cpdef int store_range(self, uint64_t first, uint64_t last, object entry) except 1
    cpdef int insert_range(self, uint64_t first, uint64_t last, object entry) except 1
    cpdef object erase(self, uint64_t index)
    @cython.locals(ret=int)
    cpdef tuple alloc_range(self, object entry, uint64_t size, uint64_t min, uint64_t max)
    @cython.locals(ret=int)
    cpdef tuple alloc_rrange(self, object entry, uint64_t size, uint64_t min, uint64_t max)
    @cython.locals(ret=int)
    cdef int alloc(self, object entry, uint64_t size, uint64_t least, uint64_t most, bint upwards) except 1
    @cython.locals(start=uint64_t)
    cdef int store_found(self, object entry, uint64_t size) except 1
    @cython.locals(wrapped=int, ret=int, start=uint64_t, follows=uint64_t)
    cpdef tuple alloc_cyclic(self, object entry, uint64_t min, uint64_t max, uint64_t next)
    @cython.locals(copy=MapleTree, ret=int)
    cpdef tuple dup(self)
    cpdef void destroy(self) except *
    cpdef void check(self) except *
    @cython.locals(got=Py_ssize_t, need=Py_ssize_t, granted=bint)
    cpdef bint write(
        self, uint64_t first, uint64_t last, object entry, bint placed=*, list reserve=*, bint bulk=*
    ) except -1
