cimport cython
from libc.stdint cimport uint64_t

from mapleproof.impl.maple cimport classify, rows
from mapleproof.impl.maple.place cimport Place
from mapleproof.impl.maple.tree cimport MapleTree

cdef uint64_t MAX
cdef Py_ssize_t META
cdef int ACTIVE, LIVE, NONE, OVERFLOW, PAUSE, ROOT, START, UNDERFLOW

cdef class PlacedCursor(Place):
    cdef readonly MapleTree tree
    cdef public uint64_t index, last
    cdef public int state, error
    cdef public Py_ssize_t slot, end
    cdef public list reserve
    cdef object bare
    cdef public bint prepared, bulk

    cpdef void set(self, uint64_t index) noexcept
    cpdef void set_range(self, uint64_t first, uint64_t last) noexcept
    cpdef void reset(self) noexcept
    cpdef void pause(self) noexcept
    cpdef object walk(self)
    @cython.locals(
        root=Py_ssize_t, node=Py_ssize_t, end=Py_ssize_t, index=uint64_t, at=Py_ssize_t, moved=bint
    )
    cdef object go(self)
    cdef object go_to(self, uint64_t index)
    @cython.locals(at=Py_ssize_t, last=uint64_t)
    cdef object forward(self, uint64_t limit, bint ranges)
    @cython.locals(at=Py_ssize_t, first=uint64_t)
    cdef object back(self, uint64_t limit, bint ranges)
    @cython.locals(slot=Py_ssize_t, depth=int, above=Py_ssize_t, node=Py_ssize_t, _=int)
    cdef void next_leaf(self) noexcept
    @cython.locals(slot=Py_ssize_t, depth=int, above=Py_ssize_t, node=Py_ssize_t, _=int)
    cdef void prev_leaf(self) noexcept
    cdef object bare_behind(self)
    cdef object bare_before(self)
    cdef object bare_entry(self)
