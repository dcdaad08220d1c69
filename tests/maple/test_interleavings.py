"""Every single preemption of a reader and a writer on our own tree: what is run, judged and found."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from mapleproof.cli.cli import main
from mapleproof.props.common.planting import Seed, planted
from mapleproof.props.common.values import Refused
from mapleproof.props.job.replay import replay_file
from mapleproof.props.job.units import Task, run_unit
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.interleavings import our_unit
from mapleproof.props.maple.interleavings.judge import Judge, Read, Wrong
from mapleproof.props.maple.interleavings.mistakes import SEEDS
from mapleproof.props.maple.interleavings.ours import Beside, can, first_failure
from mapleproof.props.maple.interleavings.scenario import Scenario

pytestmark = pytest.mark.source

TOP = 2**64 - 1
ROW = ops.Fill(0, 4, 4, 8)
"""Eight ranges side by side: [0..3], [4..7], [8..11] and so on."""

LOAD = (ops.MtreeLoad(5),)
REPLACED = Scenario(True, (ROW,), (ops.MtreeStoreRange(4, 7, 9),), LOAD)
MOVED = Scenario(True, (ROW,), (ops.MtreeStoreRange(2, 7, 9),), (ops.MtFind(3, TOP),))
FIRST = Scenario(True, (ops.MtreeStoreRange(0, 0, 1),), (ops.MtreeStoreRange(1, 1, 2),), (ops.MtreeLoad(0),))
DIRECTED = {
    "I05_cleared_before_the_store": REPLACED,
    "I09_moved_border_not_seen": MOVED,
    "I12_bare_entry_goes_first": FIRST,
}
"""Of seeds that take thousands of interleavings drawn at random: a scenario that meets them."""

SLOW = ("I02", "I03", "I04", "I07", "I10", "I14")


@pytest.mark.parametrize("number", range(2))
def test_nothing_is_found_in_what_is_shipped(number: int) -> None:
    runs, events, met = our_unit.run(f"1/{number}")
    assert met is None
    assert events["interleavings.single"] == runs > 500


@pytest.mark.parametrize("scenario", DIRECTED.values(), ids=DIRECTED)
def test_every_point_is_tried(scenario: Scenario) -> None:
    """Once before each store and each read, and twice one after the other; each from the same tree."""
    beside = Beside(scenario)
    first, second = (list(beside.single()) for _ in range(2))
    assert first == second == [None] * len(first)
    assert len(first) > 6


def test_it_looks_into_the_middle_of_writes() -> None:
    """Both what was there and what is there after is met by a reader, and a mixture of the two by a walk over
    several entries."""
    writes = (ops.MtreeStoreRange(4, 7, 9), ops.MtreeErase(8))
    scenario = Scenario(True, (ops.Fill(0, 4, 4, 3),), writes, (ops.MasForEach(TOP),))
    seen = set()

    class Noting(Judge):
        def judge(self, reads, program, began):  # type: ignore[no-untyped-def]
            seen.add(tuple(read.entry for read in reads))
            return super().judge(reads, program, began)

    beside = Beside(scenario)
    beside.judge = Noting(scenario.states(), 0)
    assert not any(beside.single())
    assert {(1, 2, 3, None), (1, 9, 3, None), (1, 9, None)} <= seen


BEFORE, AFTER = ((0, 3, 1), (4, 7, 2)), ((0, 3, 1), (4, 9, 5))


@pytest.mark.parametrize(
    ("op", "reads", "wrong"),
    [
        (ops.MtreeLoad(5), [Read(0, 1, 5, 5, 5)], ""),
        (ops.MtreeLoad(5), [Read(0, 0, 5, 5, 5)], "an entry that the index never had"),
        (ops.MtreeLoad(5), [Read(0, 1, None, 5, 5)], "an entry that the index never had"),
        (ops.MtFind(0, TOP), [Read(0, 1, 5, 0, 9)], "an entry that was always there is skipped"),
        (ops.MtFind(5, TOP), [Read(0, 1, 2, 5, 3)], "the next search would not go on"),
        (ops.MtFind(8, TOP), [Read(0, 1, None, 8, 8)], ""),
        (ops.MtNext(1, TOP), [Read(0, 1, 5, 1, TOP)], ""),
        (ops.MtNext(1, TOP), [Read(0, 1, 7, 1, TOP)], "a neighbour that is none in any state"),
        (ops.MtPrev(5, 0), [Read(0, 1, 1, 5, 0)], ""),
        (ops.MasWalk(), [Read(0, 1, 1, 0, 3)], ""),
        (ops.MasWalk(), [Read(0, 1, 2, 4, 7)], "the range does not hold the index"),
        (ops.MasFind(3), [Read(0, 1, 2, 4, 7)], "what was found lies past the limit"),
        (ops.MasForEach(TOP), [Read(0, 0, 1, 0, 3), Read(0, 1, 5, 4, 9), Read(0, 1, None, 4, 9)], ""),
        (ops.MasForEach(TOP), [Read(0, 1, 1, 0, 3), Read(0, 1, 1, 0, 3)], "the iteration does not go on"),
        (ops.MasForEach(TOP), [Read(0, 1, 5, 4, 9)], "an entry that was always there is skipped"),
        (ops.MasForEach(TOP), [Read(0, 1, 1, 3, 0)], "a range that ends before it begins"),
    ],
)
def test_answers_are_judged(op: ops.MtreeLoad, reads: list[Read], wrong: str) -> None:
    judge = Judge([BEFORE, AFTER], 0)
    if not wrong:
        assert judge.judge(reads, [op], 0) == len(reads)
        return
    with pytest.raises(Wrong) as raised:
        judge.judge(reads, [op], 0)
    assert raised.value.args == (wrong, len(reads) - 1)


@pytest.mark.parametrize(
    ("op", "read"),
    [
        (ops.MasFindRev(1), Read(0, 1, 1, 0, 0)),
        (ops.MasForEachRev(1), Read(0, 1, 1, 0, 0)),
        (ops.MtPrev(2, 1), Read(0, 1, 1, 2, 1)),
    ],
)
def test_a_bare_entry_alone_is_found_below_the_limit(op: ops.MasFindRev, read: Read) -> None:
    """As the reference finds it; with another entry in the tree it is not found."""
    assert Judge([(), ((0, 0, 1),)], 2).judge([read], [op], 0) == 1
    with pytest.raises(Wrong):
        Judge([(), ((0, 0, 1), (9, 9, 2))], 2).judge([read], [op], 0)


@pytest.mark.parametrize(
    ("read", "write"),
    [
        (ops.MasFindRev(1), ops.MtreeStoreRange(0, 1, 1)),
        (ops.MasForEachRev(1), ops.MtreeStoreRange(0, 1, 1)),
        (ops.MasPrev(1), ops.MtreeStoreRange(0, 1, 1)),
        (ops.MtPrev(9, 1), ops.MtreeStoreRange(0, 1, 1)),
    ],
)
def test_a_first_node_beside_a_search_down_is_not_taken_for_a_bare_entry(
    read: ops.MasFindRev, write: ops.MtreeStoreRange
) -> None:
    assert first_failure(Scenario(True, (), (write,), (read,), at=1))[1] is None


def found(known: Seed) -> our_unit.Ran:
    if known.name in DIRECTED:
        scenario = DIRECTED[known.name]
        runs, failure = first_failure(scenario)
        assert failure is not None
        return runs, our_unit.Counter(), our_unit.smallest(scenario, failure.text)
    return next(ran for number in range(12) if (ran := our_unit.run(f"0/{number}"))[2] is not None)


@pytest.mark.parametrize(
    "known",
    [pytest.param(known, marks=[pytest.mark.late] if known.bug in SLOW else []) for known in SEEDS],
    ids=lambda known: known.name,
)
def test_a_planted_mistake_is_found_and_made_small(known: Seed) -> None:
    with planted(known):
        met = found(known)[2]
        assert met is not None
        assert len(met.steps) <= known.steps
        operations = [step.op for step in met.steps]
        assert our_unit.replayed(met.flags["alloc_range"], operations) is not None
    assert our_unit.replayed(met.flags["alloc_range"], operations) is None


def test_a_case_comes_again_with_the_mistake_alone(tmp_path: Path) -> None:
    known = SEEDS[0]
    with planted(known):
        task = Task("interleavings", 0, 0, out=str(tmp_path), seeded=known.name)
        done = run_unit(task)
        assert done.case is not None
        assert done.steps <= known.steps
        again = replay_file(done.case).difference
        assert again is not None
        assert again.sort == done.failure
    assert replay_file(done.case).difference is None
    assert replay_file(done.case, "model").difference is None


@pytest.mark.late
def test_the_sources_run_where_they_are_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    here = our_unit.run("2/0")
    monkeypatch.setattr(our_unit, "is_compiled", lambda: True)
    assert our_unit.run("2/0") == here


def test_a_case_is_replayed_by_the_sources_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def here(*_: object) -> None:
        raise AssertionError("it ran in this process")

    here.__name__ = "_replayed"
    monkeypatch.setattr(our_unit, "is_compiled", lambda: True)
    monkeypatch.setattr(our_unit, "_replayed", here)
    assert our_unit.replayed(FIRST.alloc_range, FIRST.operations()) is None
    cannot = Scenario(True, (), (ops.MtreeDup(1),), LOAD)
    with pytest.raises(Refused):
        our_unit.replayed(cannot.alloc_range, cannot.operations())


def test_what_it_cannot_do_is_left_out() -> None:
    assert can(FIRST)
    assert not can(Scenario(True, (), (ops.MtreeErase(0),), (ops.LockNextVma(0),)))
    assert not can(Scenario(True, (), (ops.MtreeDup(1),), LOAD))


@pytest.mark.late
def test_check_has_the_lane(tmp_path: Path) -> None:
    arguments = ("check", "--lane", "interleavings", "--seconds", "0", "--jobs", "1", "--out", str(tmp_path))
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    row = next(words for line in done.output.splitlines() if (words := line.split())[:1] == ["interleavings"])
    assert int(row[2].replace(",", "")) > 300
    assert row[-1] == "agrees"
