cimport cython
from libc.stdint cimport uint32_t, uint64_t

from mapleproof.props.maple.loop.book cimport Pair, Place
from mapleproof.props.maple.loop.steps cimport CursorSteps

cdef uint64_t MAX
cdef uint32_t NEVER
cdef int AIM_EVERY, TREES, LOAD, STORE, INSERT, ERASE, ALLOC, ALLOC_REV, ALLOC_CYCLIC, FIND, FIND_AFTER, NEXT, PREV
cdef int WALK, MAS_FIND, MAS_FIND_RANGE, MAS_NEXT, MAS_NEXT_RANGE, AREA, AREA_REV, DUP, MT_DUP, DESTROY
cdef int MT_DESTROY, OUTSIDE_LOCK, KINDS_OF_CURSORS
cdef int K_STORE, K_STORE_NULL, K_STORE_WIDE, K_FILL, K_INSERT, K_ERASE, K_ALLOC, K_ALLOC_REV
cdef int K_ALLOC_CYCLIC, K_BARE, K_WRONG, K_DUP, K_DESTROY, K_RCU_MODE, K_BARRIER, K_READER, K_SET, K_PAUSE
cdef int K_AREA, K_AREA_REV, K_CROSS, K_SWEEP, K_MAS_STORE, K_MAS_STORE_HERE, K_MAS_NARROW
cdef int K_MAS_ALLOC_CYCLIC, K_FOR_EACH, K_MAS_REPLACE, K_RETRY, K_MAS_ERASE, K_PREALLOC, K_PREALLOC_HERE
cdef int K_BULK_LOAD

@cython.final
cdef class Loop(CursorSteps):
    cdef bint outside_lock
    cdef int many
    cdef int[512] kinds

    @cython.locals(_=int)
    cpdef object run(self, long long count)
    @cython.locals(stride=uint64_t, length=uint64_t, most=uint64_t)
    cdef void begin(self) except *
    cdef void draw(self, int kind) except *
    @cython.locals(pair=Pair, index=uint64_t, limit=uint64_t)
    cdef void step_look(self, int kind) except *
    cdef void write_range(self, int op, uint64_t entry) except *
    @cython.locals(place=Place, up=bint)
    cdef void step_move(self, int kind) except *
    @cython.locals(
        entry=uint64_t, index=uint64_t, size=uint64_t, short=uint32_t, op=int, low=uint64_t, high=uint64_t, wrong=bint,
        on=bint
    )
    cdef void draw_on_tree(self, int kind) except *
    cdef void draw_on_cursor(self, int kind) except *
    @cython.locals(kind=int, count=uint64_t, stride=uint64_t, first=uint64_t, length=uint64_t)
    cdef void step_fill(self) except *
    @cython.locals(pair=Pair, high=uint64_t, op=int, entry=uint64_t, size=uint64_t, short=uint32_t)
    cdef void step_bare(self) except *
    @cython.locals(pair=Pair, low=uint64_t, high=uint64_t, chance=double, op=int)
    cdef void step_wrong(self) except *
    @cython.locals(few=uint32_t, kind=int, many=uint64_t, short=uint32_t, op=int, place=Place, index=uint64_t)
    cdef void step_dup(self) except *
