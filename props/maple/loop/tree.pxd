cimport cython
from libc.stdint cimport uint64_t

from mapleproof.props.maple.loop.held cimport Held

cdef uint64_t MAX
cdef int EBUSY, EEXIST, EINVAL

@cython.final
cdef class Tree:
    cdef readonly Held map
    cdef readonly bint may_alloc, has_node, cyclic_wrapped
    cdef readonly uint64_t follows

    @cython.locals(held=Held, one_slot=bint)
    cpdef void write(self, uint64_t first, uint64_t last, uint64_t entry) except *
    cpdef int store_range(self, uint64_t first, uint64_t last, uint64_t entry) except 1
    @cython.locals(there=uint64_t)
    cpdef int insert_range(self, uint64_t first, uint64_t last, uint64_t entry) except 1
    @cython.locals(entry=uint64_t)
    cpdef uint64_t erase(self, uint64_t index) except? 0
    @cython.locals(held=Held, found=bint)
    cpdef int room(self, uint64_t low, uint64_t high, uint64_t size, bint highest) noexcept
    @cython.locals(ret=int, start=uint64_t)
    cpdef int alloc(self, uint64_t entry, uint64_t size, uint64_t low, uint64_t high, bint highest) except 2
    @cython.locals(ret=int, start=uint64_t)
    cpdef int alloc_cyclic(self, uint64_t entry, uint64_t low, uint64_t high, uint64_t follows) except 2
    @cython.locals(held=Held, entry=uint64_t)
    cpdef uint64_t find(self, uint64_t index, uint64_t high) noexcept
    cpdef uint64_t find_after(self, uint64_t index, uint64_t high) noexcept
    cpdef uint64_t next(self, uint64_t index, uint64_t high) noexcept
    @cython.locals(held=Held, entry=uint64_t)
    cpdef uint64_t prev(self, uint64_t index, uint64_t low) noexcept
    cpdef void copy_of(self, Tree other) except *
    cpdef void destroy(self) noexcept
    cpdef bint fits_one_slot(self, uint64_t first, uint64_t last, uint64_t entry) noexcept
