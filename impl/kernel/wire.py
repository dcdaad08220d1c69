"""The two layouts that go over the pipe to the server process, and the table of ops.

What it is: steps of a case (dicts, as case files hold them) to bytes, and bytes to answers (the
``expect`` dict of a step, with plain integers). ``shim/step.h`` declares the same layouts in C; the op
numbers there are made from ``OPS`` at build time.

Not covered: comparing answers, reading case files. Those are the caller's.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

STEP = struct.Struct("<BBHIQQQQ")
ANSWER = struct.Struct("<iIQQQ")
FAIL_AFTER, FAIL_ONCE, FAIL_NOWAIT, FAIL_NEVER = (plan << 30 for plan in range(4))
"""What becomes of requests for memory within a step, in the two highest bits; a number of 28 bits goes with
it."""
GFP = {"kernel": 0, "nowait": 1 << 28, "nofail": 2 << 28}
"""What the caller asks for memory with, in the two bits below."""
LARGEST = 2**28 - 1
UNSUPPORTED = 2**32 - 1

STATUSES = ("active", "start", "root", "none", "pause", "overflow", "underflow", "error")

Step = Mapping[str, Any]
Answer = dict[str, Any]


class Op(NamedTuple):
    """One op: the keys of its arguments in the order they are sent, and which kind of answer it has."""

    arguments: tuple[str, ...]
    answer: str
    needs: str = ""
    """The capability of the kernel tree without which the op is not there."""


OPS: dict[str, Op] = {
    # the port's own
    "reset": Op(("flags", "mode"), "leaked"),
    "live_allocations": Op((), "live"),
    "nodes": Op((), "nodes"),
    "in_rcu": Op((), "ret"),
    "give_back": Op((), "none"),
    "events": Op((), "events"),
    "clock": Op((), "clock"),
    "rcu_read_lock": Op((), "none"),
    "rcu_read_unlock": Op((), "none"),
    "rcu_barrier": Op((), "none"),
    "snapshot": Op((), "entries"),
    "shape": Op((), "shape"),
    "borders": Op((), "borders"),
    "check": Op((), "check"),
    "cursor": Op((), "cursor"),
    # the normal API
    "mtree_load": Op(("index",), "entry"),
    "mtree_store_range": Op(("first", "last", "entry"), "ret"),
    "mtree_insert_range": Op(("first", "last", "entry"), "ret"),
    "mtree_erase": Op(("index",), "erased"),
    "mtree_alloc_range": Op(("entry", "size", "min", "max"), "start"),
    "mtree_alloc_rrange": Op(("entry", "size", "min", "max"), "start"),
    "mtree_alloc_cyclic": Op(("entry", "min", "max", "next"), "cyclic", "mtree_alloc_cyclic"),
    "mt_find": Op(("index", "max"), "find"),
    "mt_find_after": Op(("index", "max"), "find"),
    "mt_next": Op(("index", "max"), "entry"),
    "mt_prev": Op(("index", "min"), "entry"),
    "mtree_dup": Op(("into",), "ret", "mtree_dup"),
    "__mt_dup": Op(("into",), "ret", "mtree_dup"),
    "mtree_destroy": Op((), "none"),
    "__mt_destroy": Op((), "none"),
    "mt_set_in_rcu": Op((), "none", "mt_set_in_rcu"),
    "mt_clear_in_rcu": Op((), "none", "mt_set_in_rcu"),
    "mt_set_external_lock": Op((), "none"),
    # the advanced API
    "mas_init": Op(("index",), "none"),
    "mas_set": Op(("index",), "none"),
    "mas_set_range": Op(("first", "last"), "none"),
    "__mas_set_range": Op(("first", "last"), "none", "__mas_set_range"),
    "mas_walk": Op((), "cursor"),
    "mas_find": Op(("max",), "cursor"),
    "mas_next": Op(("max",), "cursor"),
    "mas_find_rev": Op(("min",), "cursor"),
    "mas_prev": Op(("min",), "cursor"),
    "mas_find_range": Op(("max",), "cursor", "mas_find_range"),
    "mas_next_range": Op(("max",), "cursor", "mas_find_range"),
    "mas_find_range_rev": Op(("min",), "cursor", "mas_find_range"),
    "mas_prev_range": Op(("min",), "cursor", "mas_find_range"),
    "mas_empty_area": Op(("min", "max", "size"), "area"),
    "mas_empty_area_rev": Op(("min", "max", "size"), "area"),
    "mas_store_gfp": Op(("entry",), "ret"),
    "mas_store": Op(("entry",), "ret"),
    "mas_preallocate": Op(("entry",), "ret"),
    "mas_store_prealloc": Op(("entry",), "none"),
    "mas_expected_entries": Op(("count",), "ret", "mas_expected_entries"),
    "mas_alloc_cyclic": Op(("entry", "min", "max", "next"), "cyclic", "mas_alloc_cyclic"),
    "mas_for_each": Op(("max",), "entries"),
    "mas_for_each_rev": Op(("min",), "entries", "mas_for_each_rev"),
    "mas_nomem": Op((), "ret"),
    "mas_nomem_nofail": Op(("first", "last"), "ret", "mas_nomem_nofail"),
    "mas_destroy": Op((), "none"),
    "mas_erase": Op((), "cursor"),
    "mas_pause": Op((), "none"),
    "mas_reset": Op((), "none"),
}
"""Every op, in the order of its number on the wire."""


def word(value: Any) -> int:
    """A 64-bit word as a case file may write it: an integer, a hex string, or null for the empty entry."""
    if value is None:
        return 0
    number = value if type(value) is int else int(value, 16)
    if not 0 <= number < 2**64:
        raise ValueError(f"not an unsigned 64-bit number: {value!r}")
    return number


_CODES: dict[str, tuple[int, tuple[str, ...]]] = {
    name: (code, (*op.arguments, "", "", "", "")[:4]) for code, (name, op) in enumerate(OPS.items())
}


_NOWAIT = (FAIL_NEVER, FAIL_NOWAIT, FAIL_NOWAIT | GFP["nowait"], FAIL_AFTER | GFP["nofail"])
"""What `fail_nowait` stands for: see docs/case-format.md."""


def failing(step: Step) -> int:
    """What becomes of a step's requests for memory, as it is sent. ValueError where two things are said of
    it."""
    after, count, nowait = step.get("fail_after"), step.get("fail_count"), step.get("fail_nowait")
    gfp = GFP[step.get("gfp", "kernel")]
    if (after is not None and nowait) or count not in (None, 1):
        raise ValueError("a step has fail_after, fail_after with a fail_count of 1, or fail_nowait")
    if after is not None:
        return (FAIL_AFTER if count is None else FAIL_ONCE) | gfp | int(min(after, LARGEST))
    return _NOWAIT[nowait or 0] | gfp


def encode(step: Step) -> bytes:
    """One step as the server reads it. ValueError where it is not one."""
    get = step.get
    try:
        code, (a, b, c, d) = _CODES[step["op"]]
    except KeyError:
        raise ValueError(f"unknown op: {get('op')!r}") from None
    cursor, tree, fail = get("cursor", 0), get("tree", 0), failing(step)
    try:
        return STEP.pack(code, cursor, tree, fail, get(a) or 0, get(b) or 0, get(c) or 0, get(d) or 0)
    except struct.error:
        return STEP.pack(code, cursor, tree, fail, *[word(get(key)) for key in (a, b, c, d)])


def encode_many(steps: Iterable[Step]) -> bytes:
    return b"".join(map(encode, steps))


POINTERS, BASE = 1 << 27, 0x1000
"""Entries with bit 2, below the first of these, are stored as pointers, from eight times the second on."""


def raw(entry: int | None) -> int:
    """An entry as the kernel stores it: xa_mk_value(), or a pointer aligned to 4 bytes."""
    if entry is None:
        return 0
    if entry & 4 and entry < POINTERS:
        return entry + BASE << 3 | (entry & 1) << 2
    return entry << 1 | 1


def _entry(word: int) -> Any:
    """A stored word as an entry. What is none (garbage) stays a hex string, equal to nothing."""
    if word == 0:
        return None
    entry = word >> 1 if word & 1 else (word >> 3) - BASE
    return entry if entry >= 0 and raw(entry) == word else f"{word:#x}"


def _cursor(ret: int, status: int, entry: int, index: int, last: int) -> Answer:
    return {"entry": _entry(entry), "index": index, "last": last, "status": STATUSES[status]}


def _start(ret: int, status: int, entry: int, index: int, last: int) -> Answer:
    return {"ret": ret} if ret else {"ret": 0, "start": index}


def _cyclic(ret: int, status: int, entry: int, index: int, last: int) -> Answer:
    return {"ret": ret} if ret < 0 else {"ret": ret, "start": index, "next": last}


def _find(ret: int, status: int, entry: int, index: int, last: int) -> Answer:
    return {"entry": _entry(entry), "index": index} if entry else {"entry": None}


def _area(ret: int, status: int, entry: int, index: int, last: int) -> Answer:
    return {"ret": ret} if ret else {"ret": 0, "index": index, "last": last}


_DECODERS: dict[str, Callable[[int, int, int, int, int], Answer]] = {
    "none": lambda ret, status, entry, index, last: {},
    "ret": lambda ret, status, entry, index, last: {"ret": ret},
    "entry": lambda ret, status, entry, index, last: {"entry": _entry(entry)},
    "cursor": _cursor,
    "start": _start,
    "cyclic": _cyclic,
    "find": _find,
    "area": _area,
    "clock": lambda ret, status, entry, index, last: {"ns": index},
    "leaked": lambda ret, status, entry, index, last: {"leaked": index},
    "nodes": lambda ret, status, entry, index, last: {"nodes": [ret, entry, index, last]},
    "live": lambda ret, status, entry, index, last: {"live": index, "pending": last, "warnings": entry},
}

_ENTRIES, _SHAPE, _BORDERS = "entries", "shape", "borders"
_CHECK, _ERASED, _EVENTS = "check", "erased", "events"


def _words(data: memoryview, at: int, count: int) -> tuple[int, ...]:
    return struct.unpack_from(f"<{count}Q", data, at)


def _decode_entries(words: tuple[int, ...]) -> list[list[Any]]:
    return [[words[i], words[i + 1], _entry(words[i + 2])] for i in range(0, len(words), 3)]


def decode_events(text: str) -> Counter[str]:
    """Lines of a number and a name; several may have one name."""
    events: Counter[str] = Counter()
    for line in text.splitlines():
        times, _, name = line.partition(" ")
        events[name] += int(times)
    return events


Node = tuple[int, bool, int, int, list[tuple[int, Any]]]
"""One node of a tree's shape: depth (the root's is 1), is it a leaf, min, max, and its slots: (last, entry or
None) in a leaf, (last, gap) above, where the gap is None in a tree that keeps none."""


def _decode_shape(root: int, words: tuple[int, ...]) -> list[Node]:
    if root:
        return [(0, True, 0, 0, [(0, _entry(root))])]
    nodes: list[Node] = []
    at = 0
    while at < len(words):
        depth, flags, count, low, high = words[at : at + 5]
        at += 5
        leaf, gaps = bool(flags & 1), bool(flags & 2)
        slots: list[tuple[int, Any]] = []
        for i in range(at, at + 2 * count, 2):
            content = _entry(words[i + 1]) if leaf else words[i + 1] if gaps else None
            slots.append((words[i], content))
        nodes.append((depth, leaf, low, high, slots))
        at += 2 * count
    return nodes


_FAILING = frozenset({"fail_after", "fail_nowait"})
_ANSWERS = {name: _DECODERS.get(op.answer, op.answer) for name, op in OPS.items()}


def decode_many(steps: Iterable[Step], data: bytes) -> list[Answer]:
    """The answers in a reply, in the order of the steps. Shorter than the steps where the server crashed.

    A step that the kernel tree has no function for is answered with ``{"unsupported": its op}``.
    """
    answers: list[Answer] = []
    view = memoryview(data)
    at, end, size, unpack = 0, len(data), ANSWER.size, ANSWER.unpack_from
    for step in steps:
        if at >= end:
            break
        name = step["op"]
        ret, status, entry, index, last = unpack(view, at)
        at += size
        decoder = _ANSWERS[name]
        if status == UNSUPPORTED:
            answers.append({"unsupported": name})
        elif callable(decoder):
            answers.append(decoder(ret, status, entry, index, last))
        elif decoder == _ERASED:
            answers.append({"entry": _entry(entry)} | ({"ret": ret} if not _FAILING.isdisjoint(step) else {}))
        elif decoder == _CHECK:
            answers.append({"broken": str(view[at : at + status], "utf-8", "replace")} if ret else {})
            at += status
        elif decoder == _EVENTS:
            answers.append({"events": decode_events(str(view[at : at + status], "utf-8"))})
            at += status
        else:
            words = _words(view, at, status)
            at += 8 * status
            if decoder == _ENTRIES:
                answers.append({"entries": _decode_entries(words)})
            elif decoder == _BORDERS:
                answers.append({"borders": list(words)})
            else:
                answers.append({"shape": _decode_shape(entry, words)})
    return answers
