cimport cython
from libc.stdint cimport uint64_t

from mapleproof.impl.maple cimport search
from mapleproof.impl.maple.cursor_stores cimport StoringCursor

cdef int ACTIVE, ERROR, NONE, OVERFLOW, PAUSE, ROOT, START, UNDERFLOW, EINVAL
cdef object STEP

@cython.final
cdef class Cursor(StoringCursor):
    cpdef object next(self, uint64_t max)
    cpdef object next_range(self, uint64_t max)
    @cython.locals(state=int)
    cdef object go_next(self, uint64_t limit, bint ranges)
    cpdef object prev(self, uint64_t min)
    cpdef object prev_range(self, uint64_t min)
    @cython.locals(state=int)
    cdef object go_prev(self, uint64_t limit, bint ranges)
    cdef void resume(self) except *
    cpdef object find(self, uint64_t max)
    cpdef object find_range(self, uint64_t max)
    @cython.locals(state=int)
    cdef object begin_find(self, uint64_t limit)
    cpdef object find_rev(self, uint64_t min)
    cpdef object find_range_rev(self, uint64_t min)
    @cython.locals(state=int)
    cdef object begin_find_rev(self, uint64_t limit)
    cpdef int empty_area(self, uint64_t min, uint64_t max, uint64_t size) except 1
    cpdef int empty_area_rev(self, uint64_t min, uint64_t max, uint64_t size) except 1
    @cython.locals(ret=int)
    cdef int take_area(self, uint64_t least, uint64_t most, uint64_t size, bint upwards) except 1
