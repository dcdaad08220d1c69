cimport cython
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.stdint cimport uint64_t
from libc.stdlib cimport realloc, free
from libc.string cimport memmove

cdef uint64_t POISON_WORD

cdef inline uint64_t* resized(uint64_t* row, size_t room) except NULL:
    row = <uint64_t*>realloc(row, room * sizeof(uint64_t))
    if row == NULL:
        raise MemoryError
    return row

# Rows that are kept: large ones, a few of them

cdef enum:
    KEPT = 10
    LEAST_KEPT = 1 << 12
    MOST_KEPT = 1 << 18

cdef uint64_t* kept[KEPT]
cdef Py_ssize_t kept_room[KEPT]

cdef inline uint64_t* again(Py_ssize_t room) except NULL:
    """One that is kept, if it has the room and not twice as much, else a new one."""
    cdef Py_ssize_t k
    for k in range(KEPT if room >= LEAST_KEPT else 0):
        if room <= kept_room[k] < 2 * room:
            kept_room[k] = 0
            return kept[k]
    return resized(NULL, room)

cdef inline void keep(uint64_t* row, Py_ssize_t room) noexcept:
    """Let it take the place of the smallest, or free it."""
    cdef Py_ssize_t k, least = 0
    for k in range(1, KEPT):
        if kept_room[k] < kept_room[least]:
            least = k
    if LEAST_KEPT <= room <= MOST_KEPT and kept_room[least] < room:
        if kept_room[least]:
            free(kept[least])
        kept[least], kept_room[least] = row, room
    else:
        free(row)

# Entries: their counts of references move with them where they can, so that no entry is touched

cdef extern from "Python.h":
    ctypedef struct PyListObject:
        PyObject** ob_item

cdef inline void set_all(list entries, Py_ssize_t at, Py_ssize_t count, object entry) noexcept:
    """Cells may run a destructor when they let go: each holds what it is to hold by then."""
    cdef PyObject** cells = (<PyListObject*>entries).ob_item
    cdef PyObject* old
    cdef Py_ssize_t k
    for k in range(at, at + count):
        old = cells[k]
        Py_INCREF(entry)
        cells[k] = <PyObject*>entry
        Py_DECREF(<object>old)

cdef inline void slide(list entries, Py_ssize_t to, Py_ssize_t at, Py_ssize_t count) noexcept:
    """As ``memmove``: what is overwritten loses one count, what stands twice then gains one."""
    cdef PyObject** cells = (<PyListObject*>entries).ob_item
    cdef Py_ssize_t k, apart = to - at if to > at else at - to
    if apart > count:
        apart = count
    for k in range(apart):
        Py_INCREF(<object>cells[(at if to > at else at + count - apart) + k])
    set_all(entries, to + count - apart if to > at else to, apart, None)
    memmove(cells + to, cells + at, count * sizeof(PyObject*))
    for k in range(apart):
        Py_DECREF(None)

cdef inline void swap(list entries, Py_ssize_t to, Py_ssize_t at, Py_ssize_t count) noexcept:
    cdef PyObject** cells = (<PyListObject*>entries).ob_item
    cdef PyObject* other
    cdef Py_ssize_t k
    for k in range(count):
        other = cells[to + k]
        cells[to + k] = cells[at + k]
        cells[at + k] = other

cdef inline Py_ssize_t first_none(list entries, Py_ssize_t at, Py_ssize_t stop) noexcept:
    cdef PyObject** cells = (<PyListObject*>entries).ob_item
    while at < stop and cells[at] != <PyObject*>None:
        at += 1
    return at

cdef Py_ssize_t find(uint64_t* row, uint64_t index, Py_ssize_t at, Py_ssize_t end) noexcept
@cython.locals(word=uint64_t)
cdef uint64_t largest(uint64_t* row, Py_ssize_t at, Py_ssize_t stop) noexcept
cdef Py_ssize_t null(list entries, Py_ssize_t at, Py_ssize_t stop) noexcept
cdef bint has_null(list entries, Py_ssize_t at, Py_ssize_t stop) noexcept
@cython.locals(k=Py_ssize_t)
cdef void move(uint64_t* row, Py_ssize_t to, Py_ssize_t at, Py_ssize_t count) noexcept
cdef void shift(list entries, Py_ssize_t to, Py_ssize_t at, Py_ssize_t count) noexcept
cdef void carry(list entries, Py_ssize_t to, Py_ssize_t at, Py_ssize_t count) noexcept
@cython.locals(k=Py_ssize_t)
cdef void put(uint64_t* row, Py_ssize_t at, Py_ssize_t count, uint64_t word) noexcept
cdef Py_ssize_t seek(uint64_t* row, uint64_t word, Py_ssize_t at, Py_ssize_t stop) noexcept
cdef void fill(list entries, Py_ssize_t at, Py_ssize_t count, object entry) noexcept
cdef uint64_t* new(Py_ssize_t room) except NULL
cdef uint64_t* grow(uint64_t* row, Py_ssize_t was, Py_ssize_t room) except NULL
@cython.locals(copy="uint64_t*", k=Py_ssize_t)
cdef uint64_t* copied(uint64_t* row, Py_ssize_t used) except NULL
cdef uint64_t* beside(uint64_t* row, Py_ssize_t used) except NULL
@cython.locals(k=Py_ssize_t)
cdef void bring(uint64_t* row, uint64_t* old, Py_ssize_t at, Py_ssize_t count) noexcept
cdef void drop(uint64_t* row, Py_ssize_t room) noexcept
@cython.locals(k=Py_ssize_t)
cdef list part(uint64_t* row, Py_ssize_t at, Py_ssize_t stop)
