cimport cython
from libc.stdint cimport uint32_t, uint64_t

from mapleproof.impl.maple.cursor cimport Cursor
from mapleproof.impl.maple.tree cimport MapleTree
from mapleproof.props.maple.loop cimport entries

cdef uint32_t NEVER
cdef int FAILED, ALLOC, ALLOC_CYCLIC, ALLOC_REV, AREA, AREA_REV, BARRIER, BORDERS, CHECK, DESTROY, DUP
cdef int ENOMEM, ERASE, ERROR, EXPECTED, FIND, FIND_AFTER, FOR_EACH, FOR_EACH_REV, GIVE_BACK, INIT, INSERT
cdef int IN_RCU, LIVE, LOAD, MAS_ALLOC_CYCLIC, MAS_DESTROY, MAS_ERASE, MAS_FIND, MAS_FIND_RANGE
cdef int MAS_FIND_RANGE_REV, MAS_FIND_REV, MAS_NEXT, MAS_NEXT_RANGE, MAS_PAUSE, MAS_PREV, MAS_PREV_RANGE
cdef int MAS_RESET, MAS_STORE, MT_DESTROY, MT_DUP, NARROW, NEXT, NOMEM, NOMEM_NOFAIL, OUT_OF_RCU
cdef int PREALLOCATE, PREV, READ_LOCK, READ_UNLOCK, SET, SET_RANGE, SNAPSHOT, STORE, STORE_GFP
cdef int STORE_PREALLOC, WALK

@cython.final
cdef class Ours:
    cdef readonly object port
    cdef readonly list trees, cursors, words, statuses
    cdef readonly int ret
    cdef readonly uint32_t status
    cdef readonly uint64_t entry, index, last

    cpdef void answer(
        self, int op, int cursor, int tree, uint32_t fail, uint64_t a, uint64_t b, uint64_t c, uint64_t d
    ) except *
    @cython.locals(held=MapleTree, failed=bint)
    cdef void answer_short(
        self, int op, int cursor, int tree, uint32_t fail, uint64_t a, uint64_t b, uint64_t c, uint64_t d
    ) except *
    @cython.locals(held=MapleTree, copy=MapleTree)
    cdef void dup(self, int tree, int into, uint32_t fail) except *
    cdef void look(self, int op, int tree) except *
    @cython.locals(held=MapleTree, ret=int)
    cdef void on_tree(self, int op, int tree, uint64_t a, uint64_t b, uint64_t c, uint64_t d) except *
    @cython.locals(place=Cursor, ret=int)
    cdef void on_cursor(
        self, int op, int cursor, int tree, uint64_t a, uint64_t b, uint64_t c, uint64_t d
    ) except *
    cdef object move(self, int op, Cursor place, uint64_t limit)
    cdef void store(self, int op, Cursor place, object entry) except *
    cdef void loop(self, bint up, Cursor place, uint64_t limit) except *
