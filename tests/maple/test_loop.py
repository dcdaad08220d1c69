"""The checked loop: its model is the reference's; its source and what is compiled of it draw the same run."""

from __future__ import annotations

import hashlib
import os
import random
import struct
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import pytest

from mapleproof.impl.compiled import PURE, is_compiled
from mapleproof.impl.kernel.wire import ANSWER, OPS, STATUSES, STEP, raw
from mapleproof.model.interval_map import IntervalMap
from mapleproof.props.common.answers import ABSENT
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.loop.again import operations
from mapleproof.props.maple.loop.codes import KINDS, PLAIN
from mapleproof.props.maple.loop.differs import Differs
from mapleproof.props.maple.loop.held import Held
from mapleproof.props.maple.loop.loop import Loop, knows
from mapleproof.props.maple.loop.tape import Tape
from mapleproof.props.maple.mixes import draw_mix
from mapleproof.props.maple.ports import ModelPort
from mapleproof.props.maple.rules import Rules

MAX = 2**64 - 1
RUNS = range(40)
NAMES = tuple(OPS)


class Reference:
    """Answers steps as a kernel's process would that is always right: by the reference model."""

    def __init__(self, alloc_range: bool, rcu: bool) -> None:
        self.port = ModelPort(alloc_range)
        self.rules = Rules(alloc_range, rcu)
        self.kinds: Counter[str] = Counter()
        self.wrong = ""
        """An operation whose answer is made wrong."""

    def exchange(self, count: int, steps: bytes) -> tuple[bytes, str]:
        return b"".join(map(self.answer, STEP.iter_unpack(steps))), ""

    def answer(self, step: tuple[int, ...]) -> bytes:
        name = NAMES[step[0]]
        if name == "borders":
            ends = [last for _, last, _ in self.port.snapshot(step[2])]
            return ANSWER.pack(0, len(ends), 0, 0, 0) + struct.pack(f"<{len(ends)}Q", *ends)
        found = list(operations([step]))
        if not found:
            return ANSWER.pack(0, 0, 0, 0, 0)
        [op] = found
        self.kinds[name] += 1
        before = self.rules.before(op, self.port)
        looks = isinstance(op, ops.Snapshot)  # which the rules count as a write that comes between
        assert looks or self.rules.refusal(op, self.port) is None, op
        answer = self.port.apply(op)
        if not looks:
            self.rules.note(op, answer, self.port, before)
        if answer.entries is not ABSENT:
            words = [word for first, last, entry in answer.entries for word in (first, last, raw(entry))]
            if name == "mas_for_each_rev":  # as it meets them
                words = [word for at in range(len(words) - 3, -1, -3) for word in words[at : at + 3]]
            return ANSWER.pack(0, len(words), 0, 0, 0) + struct.pack(f"<{len(words)}Q", *words)
        told = {
            key: getattr(answer, key) for key in ("ret", "entry", "index", "last", "start", "next", "status")
        }
        told = {key: value for key, value in told.items() if value is not ABSENT}
        status = STATUSES.index(told["status"]) if "status" in told else 0
        index, last = told.get("index", told.get("start", 0)), told.get("last", told.get("next", 0))
        entry = raw(told.get("entry"))
        if name == self.wrong:
            index ^= 1
        return ANSWER.pack(told.get("ret", 0), status, entry, index, last)


def looped(number: int, count: int, reference: Reference | None = None) -> tuple[Loop, Reference]:
    mix = draw_mix(random.Random(number))
    reference = reference or Reference(mix.alloc_range, mix.rcu)
    loop = Loop(number, mix, Tape(reference.exchange), careful=False, locks=False)
    loop.run(count)
    return loop, reference


def test_the_loop_knows_every_mix() -> None:
    assert all(knows(draw_mix(random.Random(number))) for number in range(200))
    assert set(PLAIN) <= set(OPS)


@pytest.mark.parametrize("number", RUNS)
def test_its_model_answers_as_the_reference_does(number: int) -> None:
    """And no step breaks a rule of use."""
    loop, reference = looped(number, 1500)
    assert loop.done >= 1500
    for pair in loop.pairs:
        assert pair.tree.map.ranges() == []  # all was destroyed in the end
    assert reference.kinds["snapshot"]


def test_all_kinds_of_steps_are_drawn() -> None:
    kinds: Counter[str] = Counter()
    for number in RUNS:
        kinds += looped(number, 1000)[1].kinds
    # where no memory is refused nothing is tried again, and the model has no locks
    never = {"mas_nomem", "mas_nomem_nofail", "mt_set_external_lock"}
    of_the_port = {"reset", "live_allocations", "nodes", "in_rcu", "give_back", "events", "clock", "shape"}
    assert set(OPS) - set(kinds) == never | of_the_port | {"borders", "check", "cursor"}


@pytest.mark.parametrize("wrong", ["mas_walk", "mas_find_rev", "mtree_alloc_range", "mas_empty_area_rev"])
def test_a_wrong_answer_is_met(wrong: str) -> None:
    def meets(number: int) -> bool:
        mix = draw_mix(random.Random(number))
        reference = Reference(mix.alloc_range, mix.rcu)
        reference.wrong = wrong
        try:
            looped(number, 1000, reference)
        except Differs:
            return True
        return False

    assert any(map(meets, RUNS))


class Refusing(Reference):
    """Never has memory where it may be refused any."""

    def answer(self, step: tuple[int, ...]) -> bytes:
        if NAMES[step[0]] == "mtree_store_range":
            return ANSWER.pack(-12, 0, 0, 0, 0)
        return super().answer(step)


def test_who_refuses_what_may_not_be_refused_is_met() -> None:
    """A store that is granted all it asks for, or that may sleep and ask again."""
    for number in range(5):
        mix = draw_mix(random.Random(number))
        with pytest.raises(Differs):
            looped(number, 2000, Refusing(mix.alloc_range, mix.rcu))


@pytest.mark.parametrize("seed", range(20))
def test_the_map_is_the_models(seed: int) -> None:
    rng = random.Random(seed)
    held, model = Held(), IntervalMap([])
    limit = rng.choice((12, 60, MAX))
    for _ in range(2000):
        first, last = sorted((rng.randint(0, limit), rng.randint(0, limit)))
        kind, size = rng.randrange(4), rng.randint(1, rng.choice((3, limit)))
        if kind == 0:
            entry = rng.randrange(4)
            held.put(first, last, entry)
            model.put(first, last, entry or None)
        elif kind == 1:
            assert (held.at(first), held.first, held.last) == _at(model, first)
        elif size <= last - first + 1:
            start = (model.lowest_gap if kind == 2 else model.highest_gap)(first, last, size)
            found = (held.lowest_gap if kind == 2 else held.highest_gap)(first, last, size)
            assert (held.first if found else None) == start
    assert held.ranges() == model.ranges


def _at(model: IntervalMap, index: int) -> tuple[int, int, int]:
    first, last, entry = model.at(index)
    return entry or 0, first, last


SAME = """
import hashlib, random
from tests.maple.test_loop import looped
digest = hashlib.sha256()
for number in range(6):
    digest.update(looped(number, 300)[0].tape.encoded(0))
print(digest.hexdigest())
"""


@pytest.mark.skipif(not is_compiled(), reason="nothing is compiled here")
def test_the_source_and_what_is_compiled_draw_the_same_run() -> None:
    digest = hashlib.sha256()
    for number in range(6):
        digest.update(looped(number, 300)[0].tape.encoded(0))
    source = subprocess.run(
        [sys.executable, "-c", SAME],
        env=dict(os.environ) | {PURE: "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert source.stdout.strip() == digest.hexdigest()


def test_ranges_stored_in_order_are_told_as_one_operation() -> None:
    """So a case of a run that began with hundreds of them is short. Its stores are the same."""
    store, set_range, load = (
        NAMES.index(name) for name in ("mtree_store_range", "mas_set_range", "mas_store")
    )
    never = 3 << 30
    steps = [(store, 0, 0, never, 10 * k, 10 * k + 3, k + 1, 0) for k in range(5)]
    steps += [(store, 0, 0, never, 90, 93, 6, 0)]  # out of step
    for k in range(4):
        steps += [(set_range, 1, 0, never, 7 * k, 7 * k, 0, 0), (load, 1, 0, 0, k + 1, 0, 0, 0)]
    assert list(operations(steps)) == [
        ops.Fill(0, 10, 4, 5),
        ops.MtreeStoreRange(90, 93, 6),
        ops.MasFill(0, 7, 1, 4, cursor=1, fail_after=0),
    ]
    assert list(ops.Fill(0, 10, 4, 5).ranges()) == [tuple(step[4:7]) for step in steps[:5]]


def test_every_kind_has_a_number_of_its_own() -> None:
    assert len(set(KINDS.values())) == len(KINDS) - 1  # store_counted is drawn as store


def test_a_run_that_is_looked_at_closely_is_looked_at_after_each_write() -> None:
    """Else only now and then: what is harmed first is met later."""

    def looks(closely: bool) -> int:
        steps: list[str] = []

        class Noted(Reference):
            def answer(self, step: tuple[int, ...]) -> bytes:
                steps.append(NAMES[step[0]])
                return super().answer(step)

        reference = Noted(True, False)
        mix = replace(draw_mix(random.Random(3)), kinds=("store",), prefill=0, short_of_memory=0.0, rcu=False)
        loop = Loop(3, mix, Tape(reference.exchange), False, closely=closely)
        loop.run(50)
        stores = steps.count("mtree_store_range")
        assert stores > 40
        return steps.count("check") - stores

    assert looks(True) > 0
    assert looks(False) < -35
