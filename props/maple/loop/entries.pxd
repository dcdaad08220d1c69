from libc.stdint cimport uint64_t

cdef uint64_t POINTERS, BASE

cpdef uint64_t raw(uint64_t entry) noexcept
