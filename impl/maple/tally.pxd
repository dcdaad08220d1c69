from libc.stdint cimport uint64_t

from mapleproof.impl.maple cimport rows

cdef class Tally:
    cdef uint64_t* counts
    cdef public dict refused
    cdef void count(self, int event, Py_ssize_t times=*) noexcept
    cpdef void refuse(self, str what) except *
