"""Replaying cases: what a difference looks like, the command's exit status, and that replays do not vary."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mapleproof.cli.cli import main
from mapleproof.props.common.answers import Answer, differing
from mapleproof.props.common.difference import ANSWER, CONTENT, CRASH, INVARIANT, LEAK
from mapleproof.props.common.files import Case, Header, write_case
from mapleproof.props.common.report import MOST_LINES
from mapleproof.props.common.step import Step
from mapleproof.props.job.subjects import read_case
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.ports import ImplPort, ModelPort
from mapleproof.props.maple.subject import MAPLE_TREE

FLAGS = {"alloc_range": True, "rcu": False}

STORED = [
    Step(ops.MtreeStoreRange(0x10, 0x1F, 3), Answer(ret=0)),
    Step(ops.MasSet(0x12)),
    Step(ops.MasWalk(), Answer(entry=3, index=0x10, last=0x1F, status="active")),
]
WRONG = [*STORED, Step(ops.MasNext(0xFF), Answer(entry=4, index=0x20, last=0x2F, status="active"))]


def written(tmp_path: Path, steps: list[Step], name: str = "case.jsonl") -> Path:
    path = tmp_path / name
    write_case(path, Case(Header("a-case", FLAGS, "a test", MAPLE_TREE), steps))
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["replay", *map(str, arguments)])


@pytest.mark.parametrize("port", ["impl", "model"])
@pytest.mark.parametrize("level", ["documented", "exact"])
@pytest.mark.parametrize("name", ["case.jsonl", "case.jsonl.gz"])
def test_a_case_that_holds(port: str, level: str, name: str, tmp_path: Path) -> None:
    result = run(written(tmp_path, STORED, name), "--port", port, "--level", level)
    assert result.exit_code == 0
    assert "3 steps" in result.output


def test_a_difference_is_told_in_hex_with_the_operations_that_matter(tmp_path: Path) -> None:
    path = written(tmp_path, WRONG)
    result = run(path)
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        f"{path}: wrong answer at step 4",
        "      1  mtree_store_range(first=0x10, last=0x1f, entry=3)",
        "      2  mas_set(index=0x12)",
        "      3  mas_walk()",
        "      4  mas_next(max=0xff)",
        "  expected  entry=4*  index=0x20  last=0x2f*  status=active*",
        "  actual    entry=NULL*  index=0x20  last=0xffffffffffffffff*  status=overflow*",
        "  held there  [0x10..0x1f]→3",
        f"Broken: {path} (wrong answer at step 4).",
    ]


@pytest.mark.parametrize("port", ["impl", "model"])
def test_a_replay_gives_the_same_answer_every_time(port: str, tmp_path: Path) -> None:
    path = written(tmp_path, WRONG)
    assert run(path, "--port", port).output == run(path, "--port", port).output


def test_one_difference_among_several_cases_is_enough(tmp_path: Path) -> None:
    good, bad = written(tmp_path, STORED, "good.jsonl"), written(tmp_path, WRONG, "bad.jsonl")
    result = run(good, bad, good)
    assert result.exit_code == 1
    assert result.output.count("3 steps, as expected") == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-such.jsonl"],
        [],
        ["{case}", "--port", "other"],
        ["{case}", "--level", "loose"],
        ["{damaged}"],
    ],
)
def test_bad_usage_and_bad_input_have_status_2_and_no_traceback(arguments: list[str], tmp_path: Path) -> None:
    case = written(tmp_path, STORED)
    damaged = tmp_path / "damaged.jsonl"
    damaged.write_bytes(case.read_bytes()[:-3])
    result = run(*(each.format(case=case, damaged=damaged) for each in arguments))
    assert result.exit_code == 2
    assert "Traceback" not in result.output
    if arguments == ["{damaged}"]:
        assert f"{damaged}:4: not JSON" in result.output


class OddPort(ImplPort):
    """An implementation with something else wrong than its answers."""

    def __init__(self, wrong: str) -> None:
        super().__init__(**FLAGS)
        self.wrong = wrong

    def apply(self, op: object) -> Answer:
        if self.wrong == CRASH and isinstance(op, ops.MasWalk):
            return Answer(crash="IndexError: list index out of range")
        return super().apply(op)  # type: ignore[arg-type]

    def check(self, tree: int) -> None:
        if self.wrong == INVARIANT:
            raise AssertionError("Pivots rise strictly.\n" + "\n".join(f"slot {i}" for i in range(30)))

    def snapshot(self, tree: int) -> list[tuple[int, int, int]]:
        return [(0, 1, 2)] if self.wrong == CONTENT else super().snapshot(tree)

    def live_allocations(self) -> int:
        return 1 if self.wrong == LEAK else 0


@pytest.mark.parametrize("wrong", [CRASH, INVARIANT, CONTENT, LEAK])
def test_every_kind_of_difference_is_met_and_told_in_few_lines(wrong: str) -> None:
    steps = [*STORED, Step(ops.Snapshot(), Answer(entries=[(0x10, 0x1F, 3)]))]
    difference = MAPLE_TREE.replay(steps, OddPort(wrong), "exact").difference
    assert difference is not None
    assert difference.kind == wrong
    assert 2 <= len(MAPLE_TREE.explain(difference, "a-case")) <= MOST_LINES


FOUND = Answer(entry=1, index=5, last=9, status="active")
NOT_FOUND = Answer(entry=None, index=5, last=9, status="overflow")
NOR_THERE = Answer(entry=None, index=6, last=9, status="none")


@pytest.mark.parametrize(
    ("expected", "actual", "moves", "documented", "exact"),
    [
        (FOUND, FOUND, False, (), ()),
        (FOUND, Answer(entry=1, index=5, last=9, status="none"), False, (), ("status",)),
        (FOUND, Answer(entry=1, index=6, last=9, status="active"), False, ("index",), ("index",)),
        (NOT_FOUND, NOR_THERE, False, (), ("index", "status")),
        (
            NOT_FOUND,
            Answer(entry=None, index=6, last=9, status="none"),
            True,
            ("index",),
            ("index", "status"),
        ),
        (NOT_FOUND, Answer(entry=3, index=5, last=9, status="none"), False, ("entry",), ("entry", "status")),
        (Answer(ret=0, index=1, last=2), Answer(ret=0, index=1, last=3), False, ("last",), ("last",)),
        (Answer(ret=-16), Answer(ret=-22), False, ("ret",), ("ret",)),
        (Answer(), Answer(ret=-22), False, (), ()),
        (Answer(), Answer(crash="SIGSEGV"), False, ("crash",), ("crash",)),
        (Answer(entry=None), Answer(), False, ("entry",), ("entry",)),
    ],
)
def test_levels(
    expected: Answer, actual: Answer, moves: bool, documented: tuple[str, ...], exact: tuple[str, ...]
) -> None:
    assert differing(expected, actual, "documented", moves) == documented
    assert differing(expected, actual, "exact", moves) == exact


def test_a_second_right_answer_is_right() -> None:
    right = Step(ops.MtreeLoad(1), Answer(entry=5), Answer(entry=None))
    assert MAPLE_TREE.replay([right], ImplPort(**FLAGS), "exact").difference is None
    wrong = Step(ops.MtreeLoad(1), Answer(entry=5), Answer(entry=6))
    difference = MAPLE_TREE.replay([wrong], ImplPort(**FLAGS), "exact").difference
    assert difference is not None
    assert difference.kind == ANSWER
    assert "  or        entry=6*" in MAPLE_TREE.explain(difference, "a-case")


def test_refused_memory_is_replayed_by_the_model_too(tmp_path: Path) -> None:
    steps = [
        Step(ops.MtreeStoreRange(5, 9, 1, fail_after=0), Answer(ret=-12)),
        Step(ops.MtreeLoad(5), Answer(entry=None)),
        Step(ops.MtreeStoreRange(5, 9, 1), Answer(ret=0)),
        Step(ops.MtreeStoreRange(5, 9, 2, fail_after=0), Answer(ret=0)),
        Step(ops.MtreeLoad(5), Answer(entry=2)),
    ]
    assert read_case(written(tmp_path, steps)).steps == steps
    for port in (ImplPort(**FLAGS), ModelPort(**FLAGS)):
        assert MAPLE_TREE.replay(steps, port, "exact").difference is None


def test_a_reader_looks_in_the_middle_of_a_write() -> None:
    """Its node is replaced under it: it must see the tree as it was or as it is."""
    steps = [
        Step(ops.MtreeStoreRange(0, 9, 1), Answer(ret=0)),
        Step(ops.RcuReadLock(cursor=0)),
        Step(ops.MtreeLoad(4, within=0), Answer(entry=1), Answer(entry=2)),
        Step(ops.MtreeLoad(4, within=9), Answer(entry=2)),
        Step(ops.MtreeStoreRange(3, 5, 2), Answer(ret=0)),
        Step(ops.RcuReadUnlock(cursor=0)),
    ]
    assert MAPLE_TREE.replay(steps, ImplPort(rcu=True), "exact").difference is None
    wrong = [*steps[:3], Step(ops.MtreeLoad(4, within=9), Answer(entry=1)), *steps[4:]]
    difference = MAPLE_TREE.replay(wrong, ImplPort(rcu=True), "exact").difference
    assert difference is not None
    assert difference.number == 4
