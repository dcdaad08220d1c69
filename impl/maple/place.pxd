from libc.stdint cimport uint64_t

cdef uint64_t MAX
cdef int EXACT_FIT

cdef class Place:
    cdef public Py_ssize_t node
    cdef public uint64_t low, high

cdef class Store(Place):
    cdef public int kind
    cdef public uint64_t first, last
    cdef public Py_ssize_t left, right, new_end
    cdef public bint keep_left, keep_right

cdef class Found(Place):
    cdef public int ret
    cdef public uint64_t start
    cdef public Py_ssize_t slot
    cdef public bint left_tree
