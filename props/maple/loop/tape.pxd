cimport cython
from cpython.buffer cimport PyBUF_WRITABLE, Py_buffer, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memcmp, memcpy

from mapleproof.props.maple.loop.ours cimport Ours

cdef Py_ssize_t BATCH

cdef struct Step:
    uint8_t op, cursor
    uint16_t tree
    uint32_t fail
    uint64_t a, b, c, d

cdef struct Reply:
    int32_t ret
    uint32_t status
    uint64_t entry, index, last

cdef inline void* resized(void* row, size_t size) except NULL:
    row = realloc(row, size)
    if row == NULL:
        raise MemoryError
    return row

ctypedef const char* (*Answering)(const Step*) noexcept

@cython.final
cdef class Tape:
    cdef object exchange
    cdef Ours ours
    cdef Py_ssize_t place
    cdef readonly Py_ssize_t count, sent
    cdef readonly int ret
    cdef readonly uint32_t status
    cdef readonly uint64_t entry, index, last
    cdef bytes data
    cdef Step* steps
    cdef Py_ssize_t room
    cdef char* awaited
    cdef Py_ssize_t awaited_size, awaited_room
    cdef Answering answering
    cdef Py_buffer shared
    cdef uint64_t* shared_count
    cdef const char* reply
    cdef const uint64_t* words

    cdef inline void drop(self) noexcept:
        if self.shared_count:
            PyBuffer_Release(&self.shared)
        else:
            free(self.steps)
        free(self.awaited)

    cdef inline int load(self, size_t address, object shared) except -1:
        PyObject_GetBuffer(shared, &self.shared, PyBUF_WRITABLE)
        self.answering = <Answering>address
        self.shared_count = <uint64_t*>self.shared.buf
        self.shared_count[0] = 0
        self.steps = <Step*>(self.shared_count + 8)
        self.room = (self.shared.len - 8 * sizeof(uint64_t)) // sizeof(Step)
        return 0

    cdef inline int put(
        self, int op, int cursor, int tree, uint32_t fail, uint64_t a, uint64_t b, uint64_t c, uint64_t d
    ) except -1:
        cdef Step* step
        if self.count >= self.room:
            if self.answering:
                raise MemoryError
            self.room = 2 * self.room if self.room else 1024
            self.steps = <Step*>resized(self.steps, self.room * sizeof(Step))
        step = self.steps + self.count
        step.op, step.cursor, step.tree, step.fail = op, cursor, tree, fail
        step.a, step.b, step.c, step.d = a, b, c, d
        return 0

    cdef inline void call(self) noexcept:
        if self.answering:
            self.shared_count[0] = self.count
            self.sent = self.count
            self.reply = self.answering(self.steps + (self.count - 1))

    cdef inline int make_room(self) except -1:
        if self.awaited_size + 64 > self.awaited_room:
            self.awaited_room = 2 * self.awaited_room if self.awaited_room else 1 << 16
            self.awaited = <char*>resized(self.awaited, self.awaited_room)
        return 0

    cdef inline bint await_answer(
        self, int ret, uint32_t status, uint64_t entry, uint64_t index, uint64_t last
    ) except -1:
        cdef Reply* reply
        if self.answering:
            reply = <Reply*>self.reply
            self.words = <const uint64_t*>(self.reply + sizeof(Reply))
            return (reply.ret == ret and reply.status == status and reply.entry == entry
                    and reply.index == index and reply.last == last)
        self.make_room()
        reply = <Reply*>(self.awaited + self.awaited_size)
        reply.ret, reply.status, reply.entry, reply.index, reply.last = ret, status, entry, index, last
        self.awaited_size += sizeof(Reply)
        return True

    cdef inline bint await_word(self, uint64_t word) except -1:
        if self.answering:
            self.words += 1
            return (self.words - 1)[0] == word
        self.make_room()
        (<uint64_t*>(self.awaited + self.awaited_size))[0] = word
        self.awaited_size += sizeof(uint64_t)
        return True

    cdef inline bint as_awaited(self, bytes data):
        cdef Py_ssize_t size = self.awaited_size
        self.awaited_size = 0
        return PyBytes_GET_SIZE(data) == size and memcmp(PyBytes_AS_STRING(data), self.awaited, size) == 0

    cdef inline void take(self):
        cdef Reply* reply
        if not self.answering:
            self.reply = PyBytes_AS_STRING(self.data)
        reply = <Reply*>self.reply
        self.ret, self.status, self.entry = reply.ret, reply.status, reply.entry
        self.index, self.last = reply.index, reply.last

    cdef inline uint64_t word_at(self, Py_ssize_t number) noexcept:
        return (<const uint64_t*>(self.reply + sizeof(Reply)))[number]

    cdef inline bytes behind(self):
        return PyBytes_FromStringAndSize(self.reply + sizeof(Reply), self.status)

    cdef inline bytes cut(self, Py_ssize_t at):
        return PyBytes_FromStringAndSize(<char*>(self.steps + at), (self.count - at) * sizeof(Step))

    cpdef void step(
        self, int op, int cursor, int tree, uint32_t fail, uint64_t a=*, uint64_t b=*, uint64_t c=*, uint64_t d=*
    ) except *
    @cython.locals(ours=Ours, same=bint)
    cpdef void expect(
        self, int ret, uint32_t status=*, uint64_t entry=*, uint64_t index=*, uint64_t last=*
    ) except *
    cpdef void expect_word(self, uint64_t word) except *
    @cython.locals(count=Py_ssize_t, steps=bytes, data=bytes, same=bint)
    cpdef void flush(self) except *
    @cython.locals(steps=bytes, ours=Ours)
    cpdef void ask(self) except *
    @cython.locals(same=bint)
    cpdef void agree(
        self, int ret, uint32_t status=*, uint64_t entry=*, uint64_t index=*, uint64_t last=*
    ) except *
    @cython.locals(of_ours=uint64_t)
    cpdef uint64_t word(self, Py_ssize_t number) except? 0
    cpdef bytes text(self)
    cpdef bytes encoded(self, Py_ssize_t at)
