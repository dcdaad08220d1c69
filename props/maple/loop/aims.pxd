cimport cython
from libc.stdint cimport uint32_t, uint64_t

from mapleproof.props.maple.loop.book cimport Book, Pair, Place
from mapleproof.props.maple.loop.held cimport Held
from mapleproof.props.maple.loop.tape cimport Tape

cdef uint64_t MAX, MULTIPLIER
cdef double UNIT
cdef Py_ssize_t LARGE, CURSORS, ENDS, EDGES
cdef uint32_t CANNOT_WAIT, NEVER, NOFAIL, NOWAIT, ONCE
cdef int BORDERS, OVERFLOW, UNDERFLOW

cdef class Aims(Book):
    cdef uint64_t state
    cdef readonly bint careful
    cdef bint can_wait, touching
    cdef uint64_t base, longest, widest
    cdef Py_ssize_t prefill, aimed_at
    cdef double nulls, short_of_memory
    cdef uint64_t low, high
    cdef uint64_t[22] aims
    cdef uint64_t[6] edges

    @cython.locals(x=uint64_t)
    cdef uint64_t word(self) noexcept
    cdef double random(self) noexcept
    cdef uint64_t below(self, uint64_t count) noexcept
    @cython.locals(
        pair=Pair, held=Held, aims="uint64_t*", n=Py_ssize_t, k=Py_ssize_t, tape=Tape, many=uint64_t, _=int
    )
    cdef void aim(self) except *
    cdef uint64_t aimed(self) noexcept
    @cython.locals(aimed=uint64_t, off=int)
    cdef uint64_t index(self) noexcept
    cdef uint64_t up_to(self, uint64_t most) noexcept
    @cython.locals(first=uint64_t, chance=double, other=uint64_t, last=uint64_t, long=uint64_t)
    cdef void draw_range(self) noexcept
    @cython.locals(held=Held, count=Py_ssize_t, near=Py_ssize_t)
    cdef void draw_edge(self) noexcept
    @cython.locals(wide=uint64_t)
    cdef void spare(self) noexcept
    @cython.locals(chance=double, aimed=uint64_t, back=uint64_t, first=uint64_t, second=uint64_t)
    cdef void draw_window(self) noexcept
    @cython.locals(top=uint64_t)
    cdef void draw_area(self, bint top_down) noexcept
    @cython.locals(held=Held, k=Py_ssize_t, room=uint64_t, less=uint64_t)
    cdef uint64_t size(self) noexcept
    cdef uint64_t entry(self) noexcept
    cdef uint64_t maybe_null(self) noexcept
    cdef uint64_t limit(self, bint up) noexcept
    @cython.locals(number=int, granted=uint32_t, chance=double)
    cdef uint32_t short(self, bint asks_again) noexcept
    @cython.locals(pair=Pair)
    cdef Pair tree(self)
    @cython.locals(place=Place)
    cdef Place any_cursor(self)
    cdef bint stuck(self, Place place) noexcept
