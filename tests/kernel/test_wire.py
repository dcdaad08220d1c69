"""Steps to bytes and bytes to answers, without a kernel."""

import pytest

from mapleproof.impl.kernel import wire


def answer(ret: int = 0, status: int = 0, entry: int = 0, index: int = 0, last: int = 0) -> bytes:
    return wire.ANSWER.pack(ret, status, entry, index, last)


def test_hex_and_integers_are_the_same_step() -> None:
    as_text = {"op": "mtree_store_range", "first": "0x10", "last": "0xffffffffffffffff", "entry": 7}
    as_numbers = {"op": "mtree_store_range", "first": 16, "last": 2**64 - 1, "entry": 7}
    assert wire.encode(as_text) == wire.encode(as_numbers)
    assert len(wire.encode(as_text)) == wire.STEP.size


def test_no_limit_on_memory_is_the_default() -> None:
    assert wire.encode({"op": "mtree_dup", "into": 1}) == wire.encode(
        {"op": "mtree_dup", "into": "0x1", "fail_after": None}
    )
    assert wire.encode({"op": "mtree_dup", "into": 1}) != wire.encode(
        {"op": "mtree_dup", "into": 1, "fail_after": 0}
    )


@pytest.mark.parametrize(
    "step",
    [
        {"op": "mtree_explode"},
        {"index": 1},
        {"op": "mtree_load", "index": -1},
        {"op": "mtree_load", "index": 2**64},
        {"op": "mtree_load", "index": "over there"},
    ],
)
def test_what_is_no_step_is_refused(step: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"unknown op|not an unsigned|invalid literal"):
        wire.encode(step)


def test_answers_hold_only_what_the_op_answers() -> None:
    names = "mtree_load mas_pause mtree_alloc_range mtree_alloc_range mt_find mas_walk mtree_alloc_cyclic"
    steps = [{"op": name} for name in names.split()]
    data = (
        answer(entry=(7 + 0x1000) << 3 | 4)
        + answer()
        + answer(ret=-16)
        + answer(index=5)
        + answer(index=9)
        + answer(entry=3, index=1, last=2)
        + answer(ret=1, index=4, last=5)
    )
    assert wire.decode_many(steps, data) == [
        {"entry": 7},
        {},
        {"ret": -16},
        {"ret": 0, "start": 5},
        {"entry": None},
        {"entry": 1, "index": 1, "last": 2, "status": "active"},
        {"ret": 1, "start": 4, "next": 5},
    ]


def test_events_of_one_name_are_added_up() -> None:
    text = b"3 mas_split\n1 mtree_load\n4 mas_split\n"
    data = answer(status=len(text)) + text + answer(entry=3)
    events, load = wire.decode_many([{"op": "events"}, {"op": "mtree_load"}], data)
    assert events == {"events": {"mas_split": 7, "mtree_load": 1}}
    assert load == {"entry": 1}


def test_answers_end_where_the_server_crashed() -> None:
    steps = [{"op": "mtree_load"}] * 3
    assert wire.decode_many(steps, answer(entry=1)) == [{"entry": 0}]


def test_garbage_is_no_entry() -> None:
    assert wire.decode_many([{"op": "mtree_load"}], answer(entry=0x5A5A)) == [{"entry": "0x5a5a"}]


def test_what_a_kernel_lacks_is_said() -> None:
    data = answer(status=wire.UNSUPPORTED)
    assert wire.decode_many([{"op": "mtree_dup"}], data) == [{"unsupported": "mtree_dup"}]
