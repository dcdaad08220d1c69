cimport cython
from libc.stdint cimport uint64_t

from mapleproof.impl.maple cimport rows
from mapleproof.impl.maple.tally cimport Tally

cdef uint64_t POISON_WORD
cdef Py_ssize_t FIRST_NODE, META, MORE_SLOTS, QUARANTINE, STRIDE
cdef int DEAD, DEAD_NODE_MET, FREE, LIVE

cpdef Py_ssize_t number_of(Py_ssize_t node) noexcept

@cython.final
cdef class NodePool:
    cdef uint64_t* pivots
    cdef uint64_t* children
    cdef uint64_t* gaps
    cdef uint64_t* parents
    cdef uint64_t* states
    cdef public list slots
    cdef readonly Py_ssize_t used, room
    cdef public object plan
    cdef public Tally tally
    cdef public Py_ssize_t live
    cdef readonly Py_ssize_t granted
    cdef public list retired
    cdef Py_ssize_t first_waiting, last_waiting, waiting

    cpdef bint request(self, Py_ssize_t count, str what, bint atomic) except -1
    @cython.locals(needed=Py_ssize_t)
    cpdef void grant(self, Py_ssize_t count) except *
    @cython.locals(node=Py_ssize_t)
    cpdef Py_ssize_t take(self) except -1
    cpdef void take_all(self, Py_ssize_t count, list nodes) except *
    @cython.locals(node=Py_ssize_t)
    cpdef void give_back(self, list nodes) except *
    cdef void enlarge(self, Py_ssize_t room) except *
    cpdef void free(self, Py_ssize_t node) except *
    cdef void recycle(self, Py_ssize_t node, list reserve) except *
    cdef void release(self, Py_ssize_t node) except *
    cdef void poison(self, Py_ssize_t node) noexcept
    cdef void poison_words(self, Py_ssize_t node) noexcept
    cdef void wait(self, Py_ssize_t node) noexcept
    cdef void retire(self, Py_ssize_t node) except *
    @cython.locals(node=Py_ssize_t)
    cpdef void end_grace_period(self) except *
    @cython.locals(state=int)
    cpdef bint alive(self, Py_ssize_t node) except -1
    cpdef Py_ssize_t end(self, Py_ssize_t node) noexcept
    @cython.locals(node=Py_ssize_t, found=list)
    cpdef list free_nodes(self)
    cpdef list cells(self, str name, Py_ssize_t at, Py_ssize_t stop)
    cpdef void put_cell(self, str name, Py_ssize_t at, object value) except *
    cdef uint64_t* row(self, str name) except NULL
    @cython.locals(nodes=Py_ssize_t)
    cdef void copy_rows(self, NodePool old) except *
    cdef void copy_above(self, NodePool old, Py_ssize_t node) noexcept
    cdef void copy_ledger(self, NodePool old) except *
    cdef void drop_rows(self) noexcept
