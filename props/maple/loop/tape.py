"""What goes to a kernel's tree and what must come back: steps and answers, laid out as in `impl.kernel.wire`.

All steps of a run stay on the tape, so that a run that went wrong can be told and made again. Through a pipe
they go to the tree's process by the hundred: what must be answered is known before, and a batch is compared
at once. Where this process has the tree within it, each is answered by itself.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from mapleproof.impl.kernel.wire import ANSWER, STEP
from mapleproof.props.maple.loop.differs import Differs
from mapleproof.props.maple.loop.ours import Ours

try:
    import cython
except ImportError:  # it is needed for compiling alone
    globals()["cython"] = SimpleNamespace(compiled=False)

BATCH = 512
"""Steps that go in one message at most."""

WORD = struct.Struct("<Q")

Exchange = Callable[[int, bytes], tuple[bytes, str]]
"""So many steps for their answers, and the text of a crash."""


def nobody(count: int, steps: bytes) -> tuple[bytes, str]:
    """Who answers where a tape has no pipe."""
    raise AssertionError("this tape has no pipe")


class Tape:
    """The steps of one run, ``count`` of them, of which ``sent`` are answered: through a pipe, by
    ``exchange``; by our own tree; or by the function ``seat_answer`` of a library that this process has
    loaded, at an ``address``. Then they are kept in ``shared`` memory, after their number, for who looks when
    this process has crashed."""

    def __init__(
        self, exchange: Exchange = nobody, ours: Ours | None = None, address: int = 0, shared: Any = None
    ) -> None:
        self.exchange = exchange
        self.ours = ours
        self.place = 0
        self.count = self.sent = 0
        self.ret = self.status = self.entry = self.index = self.last = 0
        if not cython.compiled:
            self.made: list[bytes] = []
            self.awaited = bytearray()
        elif address:
            self.load(address, shared)  # type: ignore[attr-defined]
        self.data = b""

    def __dealloc__(self) -> None:
        """Called where this is compiled."""
        self.drop()  # type: ignore[attr-defined]

    def step(
        self, op: int, cursor: int, tree: int, fail: int, a: int = 0, b: int = 0, c: int = 0, d: int = 0
    ) -> None:
        """The next step. What is to be answered follows by `expect`, or what was by `ask`."""
        if self.count - self.sent >= BATCH:
            self.flush()
        if not cython.compiled:
            self.made.append(STEP.pack(op, cursor, tree, fail, a, b, c, d))
        else:
            self.put(op, cursor, tree, fail, a, b, c, d)  # type: ignore[attr-defined]
        self.count += 1
        if self.ours is not None:
            self.sent, self.place = self.count, 0
            self.ours.answer(op, cursor, tree, fail, a, b, c, d)
        elif cython.compiled:
            self.call()  # type: ignore[attr-defined]

    def expect(self, ret: int, status: int = 0, entry: int = 0, index: int = 0, last: int = 0) -> None:
        """What must be answered to it, with as many words behind it as ``status`` says where words follow.
        Raises Differs, now or later."""
        ours = self.ours
        if ours is not None:
            same = ours.ret == ret and ours.status == status and ours.entry == entry
            if not (same and ours.index == index and ours.last == last):
                raise Differs
        elif not cython.compiled:
            self.awaited += ANSWER.pack(ret, status, entry, index, last)
        elif not self.await_answer(ret, status, entry, index, last):  # type: ignore[attr-defined]
            raise Differs

    def expect_word(self, word: int) -> None:
        """One of the words behind an answer. Raises Differs, now or later."""
        if self.ours is not None:
            if self.ours.words[self.place] != word:
                raise Differs
            self.place += 1
        elif not cython.compiled:
            self.awaited += WORD.pack(word)
        elif not self.await_word(word):  # type: ignore[attr-defined]
            raise Differs

    def flush(self) -> None:
        """Have all steps answered so far. Raises Differs."""
        count = self.count - self.sent
        if count == 0:
            return
        steps = self.encoded(self.sent)
        self.sent = self.count
        data, crash = self.exchange(count, steps)
        if not cython.compiled:
            same = data == self.awaited
            self.awaited.clear()
        else:
            same = self.as_awaited(data)  # type: ignore[attr-defined]
        if crash or not same:
            raise Differs

    def ask(self) -> None:
        """Have the last step answered by itself, whatever that is. Raises Differs where nothing comes."""
        if self.sent < self.count:
            self.count -= 1
            self.flush()
            self.count += 1
            steps = self.encoded(self.sent)
            self.sent = self.count
            self.data, crash = self.exchange(1, steps)
            if crash or len(self.data) < ANSWER.size:
                raise Differs
        ours = self.ours
        if ours is not None:
            self.ret, self.status, self.entry = ours.ret, ours.status, ours.entry
            self.index, self.last = ours.index, ours.last
        elif not cython.compiled:
            self.ret, self.status, self.entry, self.index, self.last = ANSWER.unpack_from(self.data)
        else:
            self.take()  # type: ignore[attr-defined]

    def agree(self, ret: int, status: int = 0, entry: int = 0, index: int = 0, last: int = 0) -> None:
        """What was asked for must be this. Raises Differs."""
        same = self.ret == ret and self.status == status and self.entry == entry
        if not (same and self.index == index and self.last == last):
            raise Differs

    def word(self, number: int) -> int:
        """One of the words behind the answer that was asked for."""
        if self.ours is not None:
            of_ours: int = self.ours.words[number]
            return of_ours
        if not cython.compiled:
            found: int = WORD.unpack_from(self.data, ANSWER.size + WORD.size * number)[0]
            return found
        return self.word_at(number)  # type: ignore[attr-defined,no-any-return]

    def text(self) -> bytes:
        """The text behind the answer that was asked for, as long as its ``status`` says."""
        if self.ours is not None:
            return b""
        if not cython.compiled:
            return self.data[ANSWER.size :]
        return self.behind()  # type: ignore[attr-defined,no-any-return]

    def encoded(self, at: int) -> bytes:
        """The steps from there on."""
        if not cython.compiled:
            return b"".join(self.made[at : self.count])
        return self.cut(at)  # type: ignore[attr-defined,no-any-return]
