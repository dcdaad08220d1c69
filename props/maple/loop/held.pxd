cimport cython
from libc.stdint cimport uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy, memmove

cdef uint64_t MAX
cdef Py_ssize_t LEAST_ROOM

cdef inline uint64_t* resized(uint64_t* row, size_t room) except NULL:
    row = <uint64_t*>realloc(row, room * sizeof(uint64_t))
    if row == NULL:
        raise MemoryError
    return row

@cython.final
cdef class Held:
    cdef uint64_t* firsts
    cdef uint64_t* lasts
    cdef uint64_t* entries
    cdef Py_ssize_t room
    cdef readonly Py_ssize_t count
    cdef readonly uint64_t first, last, entry

    cdef inline int enlarge(self, Py_ssize_t room) except -1:
        self.firsts = resized(self.firsts, room)
        self.lasts = resized(self.lasts, room)
        self.entries = resized(self.entries, room)
        self.room = room
        return 0

    cdef inline void drop(self) noexcept:
        free(self.firsts)
        free(self.lasts)
        free(self.entries)

    cdef inline int take(self, Held other) except -1:
        if other.count > self.room:
            self.enlarge(other.room)
        memcpy(self.firsts, other.firsts, other.count * sizeof(uint64_t))
        memcpy(self.lasts, other.lasts, other.count * sizeof(uint64_t))
        memcpy(self.entries, other.entries, other.count * sizeof(uint64_t))
        return 0

    cdef inline int shift(self, Py_ssize_t low, Py_ssize_t high, Py_ssize_t new) except -1:
        cdef Py_ssize_t behind = self.count - high
        if self.count + 4 > self.room:
            self.enlarge(2 * self.room)
        if low + new != high and behind:
            memmove(self.firsts + low + new, self.firsts + high, behind * sizeof(uint64_t))
            memmove(self.lasts + low + new, self.lasts + high, behind * sizeof(uint64_t))
            memmove(self.entries + low + new, self.entries + high, behind * sizeof(uint64_t))
        return 0

    cpdef void copy_of(self, Held other) except *
    cpdef void clear(self) noexcept
    @cython.locals(low=Py_ssize_t, high=Py_ssize_t, middle=Py_ssize_t)
    cdef Py_ssize_t place(self, uint64_t index) noexcept
    @cython.locals(low=Py_ssize_t, high=Py_ssize_t, middle=Py_ssize_t)
    cdef Py_ssize_t place_behind(self, uint64_t index) noexcept
    @cython.locals(i=Py_ssize_t)
    cpdef uint64_t at(self, uint64_t index) noexcept
    @cython.locals(
        low=Py_ssize_t, high=Py_ssize_t, before=bint, after=bint, before_first=uint64_t, before_entry=uint64_t,
        after_last=uint64_t, after_entry=uint64_t
    )
    cpdef void put(self, uint64_t first, uint64_t last, uint64_t entry) except *
    cdef void make_room(self, Py_ssize_t low, Py_ssize_t high, Py_ssize_t new) except *
    @cython.locals(i=Py_ssize_t, start=uint64_t)
    cpdef bint lowest_gap(self, uint64_t low, uint64_t high, uint64_t size) noexcept
    @cython.locals(i=Py_ssize_t, end=uint64_t)
    cpdef bint highest_gap(self, uint64_t low, uint64_t high, uint64_t size) noexcept
