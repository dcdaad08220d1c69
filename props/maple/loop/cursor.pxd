cimport cython
from libc.stdint cimport uint64_t

from mapleproof.props.maple.loop.held cimport Held
from mapleproof.props.maple.loop.tree cimport Tree

cdef uint64_t MAX
cdef int ACTIVE, START, ROOT, NONE, PAUSE, OVERFLOW, UNDERFLOW, ERROR, EBUSY
cdef int NEXT, PREV, FIND, FIND_REV

cdef class Cursor:
    cdef readonly Tree tree
    cdef readonly uint64_t index, last
    cdef readonly int status
    cdef readonly bint refused, placed

    cpdef void set_range(self, uint64_t first, uint64_t last) noexcept
    cpdef void narrow(self, uint64_t first, uint64_t last) noexcept
    cpdef void reset(self) noexcept
    cpdef void pause(self) noexcept
    @cython.locals(held=Held, entry=uint64_t)
    cpdef uint64_t walk(self) noexcept
    @cython.locals(before=int, answers=bint, entry=uint64_t)
    cdef uint64_t resume(self, int answering) noexcept
    cdef uint64_t enter_root(self) noexcept
    @cython.locals(held=Held, entry=uint64_t)
    cdef uint64_t step(self, bint up, uint64_t limit, bint gaps) noexcept
    @cython.locals(before=int, entry=uint64_t)
    cpdef uint64_t next(self, uint64_t high, bint gaps) noexcept
    @cython.locals(entry=uint64_t)
    cpdef uint64_t prev(self, uint64_t low, bint gaps) noexcept
    @cython.locals(before=int, beyond=bint, entry=uint64_t)
    cpdef uint64_t find(self, uint64_t high, bint gaps) noexcept
    @cython.locals(before=int, entry=uint64_t)
    cpdef uint64_t find_rev(self, uint64_t low, bint gaps) noexcept
    @cython.locals(ret=int, start=uint64_t)
    cpdef int empty_area(self, uint64_t low, uint64_t high, uint64_t size, bint highest) noexcept
    @cython.locals(tree=Tree, still_root=bint, without=int, stood=bint)
    cpdef void store(self, uint64_t entry) except *
    @cython.locals(entry=uint64_t)
    cpdef uint64_t erase(self) except? 0
    cpdef void preallocate(self) noexcept
    cpdef void refuse(self) noexcept
    @cython.locals(ret=int)
    cpdef int alloc_cyclic(self, uint64_t entry, uint64_t low, uint64_t high, uint64_t follows) except 2
