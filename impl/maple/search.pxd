cimport cython
from libc.stdint cimport uint64_t

from mapleproof.impl.maple cimport rows
from mapleproof.impl.maple.place cimport Found
from mapleproof.impl.maple.structure cimport Structure

cdef uint64_t MAX
cdef Py_ssize_t META
cdef int EBUSY, EINVAL

cdef int empty_area(Structure tree, uint64_t least, uint64_t most, uint64_t size, bint upwards) noexcept
@cython.locals(
    node=Py_ssize_t, level=int, low=uint64_t, high=uint64_t, at=Py_ssize_t, end=Py_ssize_t, limit=uint64_t,
    start=uint64_t, slot=Py_ssize_t,
)
cdef bint lowest(Structure tree, Found found, uint64_t least, uint64_t most, uint64_t size) noexcept
@cython.locals(
    node=Py_ssize_t, level=int, low=uint64_t, high=uint64_t, at=Py_ssize_t, start=uint64_t, limit=uint64_t,
    fits=bint, gap=uint64_t, slot=Py_ssize_t,
)
cdef bint highest(Structure tree, Found found, uint64_t least, uint64_t most, uint64_t size) noexcept
