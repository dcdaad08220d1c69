cimport cython
from libc.stdint cimport uint32_t, uint64_t

from mapleproof.props.maple.loop.aims cimport Aims
from mapleproof.props.maple.loop.book cimport Pair, Place

cdef uint64_t MAX
cdef uint32_t NEVER, NOWAIT, ONCE
cdef int ACTIVE, READY, STALE, AREA, AREA_REV, WALK, MAS_FIND, MAS_NEXT, MAS_NEXT_RANGE, MAS_PREV, MAS_PREV_RANGE
cdef int STORE_GFP, MAS_STORE, DESTROY, FOR_EACH, FOR_EACH_REV, NOMEM_NOFAIL
cdef Py_ssize_t LOOPED_OVER
cdef double UP_TO_THE_TOP, FAR
cdef uint64_t FARTHEST

cdef class CursorSteps(Aims):
    cdef readonly tuple lacks

    @cython.locals(place=Place, chance=double)
    cdef Place cursor(self)
    @cython.locals(place=Place, chance=double, index=uint64_t)
    cdef void step_set(self) except *
    @cython.locals(place=Place)
    cdef void step_pause(self) except *
    @cython.locals(place=Place, low=uint64_t, high=uint64_t, size=uint64_t, chance=double, first=uint64_t)
    cdef void step_area(self, int op) except *
    @cython.locals(place=Place, index=uint64_t, up=bint, _=int)
    cdef void step_cross(self) except *
    @cython.locals(gaps=bint)
    cdef void neighbour(self, Place place, bint up, uint64_t limit) except *
    @cython.locals(place=Place, up=bint, _=uint64_t)
    cdef void step_sweep(self) except *
    @cython.locals(place=Place)
    cdef void step_store(self) except *
    @cython.locals(place=Place, up=bint, gaps=bint)
    cdef void step_store_here(self) except *
    @cython.locals(place=Place, first=uint64_t, last=uint64_t)
    cdef void step_narrow(self) except *
    cdef bint may_narrow(self, Place place) noexcept
    cdef bint store_entry(self, Place place, uint64_t entry) except -1
    cdef void store_and_go_on(self, Place place, uint64_t entry) except *
    @cython.locals(chance=double, _=uint64_t)
    cdef void go_on(self, Place place) except *
    @cython.locals(
        place=Place, low=uint64_t, high=uint64_t, entry=uint64_t, index=uint64_t, short=uint32_t
    )
    cdef void step_alloc_cyclic(self) except *
    @cython.locals(place=Place, up=bint, lacking=bint)
    cdef void step_for_each(self) except *
    @cython.locals(place=Place, _=int)
    cdef void step_replace(self) except *
    @cython.locals(
        place=Place, entry=uint64_t, first=uint64_t, last=uint64_t, kind=int, short=uint32_t, chance=double
    )
    cdef void step_retry(self) except *
    @cython.locals(place=Place)
    cdef void step_erase(self) except *
    @cython.locals(place=Place, entry=uint64_t, prepared=bint)
    cdef void step_prealloc(self) except *
    @cython.locals(place=Place, entry=uint64_t, up=bint, first=uint64_t, last=uint64_t)
    cdef void step_prealloc_here(self) except *
    @cython.locals(
        place=Place, pair=Pair, kind=int, count=uint64_t, index=uint64_t, stride=uint64_t, length=uint64_t,
        number=uint64_t, skip=uint64_t, long=uint64_t, first=uint64_t, _=uint64_t, top=bint, far=bint
    )
    cdef void step_bulk_load(self) except *
