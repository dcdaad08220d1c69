cimport cython
from libc.stdint cimport int64_t, uint32_t, uint64_t

from mapleproof.props.maple.loop.cursor cimport Cursor
from mapleproof.props.maple.loop cimport entries
from mapleproof.props.maple.loop.held cimport Held
from mapleproof.props.maple.loop.tape cimport Tape
from mapleproof.props.maple.loop.tree cimport Tree

cdef uint32_t NEVER, NOWAIT, ONCE, CANNOT_WAIT, NOFAIL
cdef int READ_LOCK, READ_UNLOCK
cdef int ACTIVE, ERROR, PAUSE, START, ENOMEM, READY, NARROWED, STALE, LOST, REFUSED, AGAIN, PREPARED, MOVED
cdef int RHYTHM, CHECK, SNAPSHOT, LIVE, GIVE_BACK, BARRIER, LOAD, STORE, INSERT, ERASE, ALLOC, ALLOC_REV
cdef int ALLOC_CYCLIC, FIND, FIND_AFTER, NEXT, PREV, DUP, MT_DUP, DESTROY, MT_DESTROY, IN_RCU, OUT_OF_RCU
cdef int OUTSIDE_LOCK, INIT, SET, SET_RANGE, NARROW, WALK, MAS_FIND, MAS_FIND_RANGE, MAS_FIND_REV
cdef int MAS_FIND_RANGE_REV, MAS_NEXT, MAS_NEXT_RANGE, MAS_PREV, MAS_PREV_RANGE, FOR_EACH, FOR_EACH_REV
cdef int AREA, AREA_REV, STORE_GFP, MAS_STORE, MAS_ERASE, PREALLOCATE, STORE_PREALLOC, EXPECTED, NOMEM
cdef int NOMEM_NOFAIL, MAS_ALLOC_CYCLIC, MAS_DESTROY, MAS_PAUSE, MAS_RESET


@cython.final
cdef class Pair:
    cdef readonly int number
    cdef readonly Tree tree
    cdef readonly bint rcu, read
    cdef int64_t writes, look_at

@cython.final
cdef class Place(Cursor):
    cdef readonly int number, standing
    cdef readonly Pair pair
    cdef int64_t seen
    cdef readonly bint loading, doubtful

    cdef bint usable(self) noexcept

cdef class Book:
    cdef readonly Tape tape
    cdef readonly bint alloc_range
    cdef bint closely
    cdef readonly int64_t done
    cdef readonly int numbers
    cdef readonly list pairs, places

    cdef void look(self, int op, Pair pair, uint64_t a, uint64_t b=*) except *
    cdef void write(
        self, int op, Pair pair, uint32_t fail, uint64_t a=*, uint64_t b=*, uint64_t c=*, uint64_t d=*
    ) except *
    @cython.locals(number=uint64_t, at=uint64_t)
    cdef void fill(self, Pair pair, uint64_t first, uint64_t stride, uint64_t length, uint64_t count) except *
    @cython.locals(
        tape=Tape, tree=Tree, one_slot=bint, ret=int, entry=uint64_t, index=uint64_t, last=uint64_t
    )
    cdef void on_tree(
        self, int op, Pair pair, uint32_t fail, uint64_t a, uint64_t b, uint64_t c, uint64_t d
    ) except *
    @cython.locals(asks_again=bint, passes=bint)
    cdef bint cannot_be_refused(self, int op, uint32_t fail) noexcept
    @cython.locals(tape=Tape, number=int, copy=Pair)
    cdef bint dup(self, int op, Pair pair, uint32_t fail) except -1
    cdef void rcu_mode(self, Pair pair, bint on) except *
    @cython.locals(op=int)
    cdef void reader(self, Pair pair) except *
    cdef bint reader_inside(self) except -1
    cdef void barrier(self) except *
    cdef void tell(self, int op, Place place, uint64_t a=*, uint64_t b=*) except *
    @cython.locals(new=Place)
    cdef void init(self, Place place, Pair pair, uint64_t index) except *
    cdef void settled(self, Place place) noexcept
    cdef void set(self, Place place, uint64_t index) except *
    cdef void set_range(self, Place place, uint64_t first, uint64_t last) except *
    cdef void pause(self, Place place) except *
    @cython.locals(refused=bint)
    cdef void reset(self, Place place) except *
    @cython.locals(moved=bint)
    cdef void narrow(self, Place place, uint64_t first, uint64_t last) except *
    @cython.locals(entry=uint64_t)
    cdef void move(self, int op, Place place, uint64_t limit) except *
    @cython.locals(entry=uint64_t, words=list)
    cdef void loop(self, bint up, Place place, uint64_t limit) except *
    @cython.locals(ret=int)
    cdef bint search(self, int op, Place place, uint64_t low, uint64_t high, uint64_t size) except -1
    @cython.locals(had_node=bint, refused=bint)
    cdef bint store(self, Place place, uint32_t fail, uint64_t entry, int op) except -1
    @cython.locals(tape=Tape)
    cdef bint put(self, int op, Place place, uint32_t fail, uint64_t entry) except -1
    cdef bint store_refused(self, int op, Place place, uint32_t fail, uint64_t entry) noexcept
    @cython.locals(tape=Tape, had_node=bint, ret=int, index=uint64_t, last=uint64_t)
    cdef void alloc(
        self, Place place, uint32_t fail, uint64_t entry, uint64_t low, uint64_t high, uint64_t follows
    ) except *
    cdef void nomem(self, Place place) except *
    cdef void nomem_nofail(self, Place place, uint64_t first, uint64_t last) except *
    @cython.locals(tape=Tape, had_node=bint, entry=uint64_t)
    cdef void erase(self, Place place, uint32_t fail) except *
    cdef void stored(self, Place place, bint had_node, int standing) except *
    @cython.locals(refused=bint)
    cdef bint preallocate(self, Place place, uint32_t fail, uint64_t entry) except -1
    @cython.locals(had_node=bint)
    cdef void store_prealloc(self, Place place, uint64_t entry) except *
    @cython.locals(refused=bint)
    cdef bint expect(self, Place place, uint64_t count, uint32_t fail) except -1
    cdef void load(self, Place place, uint64_t first, uint64_t last, uint64_t entry) except *
    cdef void destroy(self, Place place) except *
    cdef void written(self, Pair pair) except *
    @cython.locals(tape=Tape, held=Held, i=Py_ssize_t)
    cdef void verify(self, Pair pair) except *
    @cython.locals(tape=Tape, pair=Pair)
    cpdef void finish(self) except *
