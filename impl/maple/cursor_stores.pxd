cimport cython
from libc.stdint cimport uint64_t

from mapleproof.impl.maple cimport bulk, classify
from mapleproof.impl.maple.cursor_place cimport PlacedCursor

cdef uint64_t MAX
cdef int ACTIVE, ERROR, EXACT_FIT, NONE, ROOT, ENOMEM

cdef class StoringCursor(PlacedCursor):
    cpdef int store_gfp(self, object entry) except 1
    cpdef void store(self, object entry) except *
    cpdef void store_prealloc(self, object entry) except *
    @cython.locals(done=bint, kind=int, first=uint64_t, last=uint64_t, stood=bint, at_root=bint)
    cdef void put(self, object entry, list reserve) except *
    cdef bint leaf_for_write(self) except -1
    cpdef object erase(self)
    cpdef bint nomem(self) except -1
    cpdef int preallocate(self, object entry) except 1
    cdef bint preallocate_nodes(self, Py_ssize_t count) except -1
    cpdef int expected_entries(self, Py_ssize_t count) except 1
    cpdef void destroy(self) except *
