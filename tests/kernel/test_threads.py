"""Scenarios with two threads of the machine: what is met is real, what is mended is not met, and a process
that ends or hangs is a finding with its case on disk."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from mapleproof.cli.cli import main
from mapleproof.impl.kernel.build import Variant, build
from mapleproof.impl.kernel.scenario import ProcessEnded, Reader, Stage
from mapleproof.impl.kernel.stress import Stress, Stressed
from mapleproof.props.job.choose_port import choose_port
from mapleproof.props.job.replay import replay_with_threads
from mapleproof.props.job.subjects import read_case
from mapleproof.props.job.units import Task, run_unit
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.interleavings import threads
from mapleproof.props.maple.interleavings.explorers import stress_of
from mapleproof.props.maple.interleavings.scenario import Scenario, scenario_of
from mapleproof.props.maple.subject import MAPLE_TREE
from tests.kernel.test_explorer import ALL, LOAD, ROW, STORES, WALK, WIDE

FINDINGS = Path(__file__).parent / "findings"
TOP = 2**64 - 1
LONG = 60.0
"""Seconds after which what must be met was not: it takes far less."""

pytestmark = pytest.mark.skipif(
    len(os.sched_getaffinity(0)) < 2, reason="two threads of one processor are never inside together"
)


@pytest.fixture(scope="module")
def stress(kernel: Path) -> Iterator[Stress]:
    with Stress(build(kernel, Variant(beside="threads"))) as made:
        yield made


def of_case(name: str) -> Scenario:
    case = read_case(FINDINGS / f"{name}.jsonl")
    return scenario_of(case.header.flags["alloc_range"], [step.op for step in case.steps])


def change(kernel: Path, find: str, put: str) -> Path:
    """A copy of the tree with one place changed."""
    source = kernel / "lib/maple_tree.c"
    text = source.read_text()
    assert text.count(find) == 1
    source.write_text(text.replace(find, put))
    return kernel


def test_nothing_is_met_where_nothing_is_wrong(stress: Stress) -> None:
    stress.load(WIDE)
    for reader in (LOAD, WALK, ALL):
        came = stress.run(reader, 0.2)
        assert came.failures == ()
        assert came.runs > came.together > 0
        assert "mas_wr_node_store" in came.paths


def test_a_reference_that_says_otherwise_is_a_failure(stress: Stress) -> None:
    for number, states in enumerate(((ROW[1:], WIDE.states[1]), (ROW, ROW))):
        stress.load(Stage(True, True, STORES, WIDE.writes, states))
        came = stress.run(LOAD, LONG)
        assert came.runs == 1
        assert came.failures[0].text.startswith("without a reader: the tree does not hold what it must")
        assert ("before" in came.failures[0].text) == (number == 0)


def test_what_the_explorer_found_is_confirmed(stress: Stress, port: str) -> None:
    """Finding G: a node's pointer is returned as an entry."""
    scenario = of_case("reader-of-first-node")
    came = threads.stressed(stress, scenario, LONG, first_only=True)
    assert [failure.text for failure in came.failures] == ["a node's pointer is returned as an entry"]
    difference = threads.met_with_threads(scenario, came)
    assert difference is not None
    assert difference.detail.splitlines()[-1].startswith(f"met once in {came.runs:,} runs, ")


@pytest.mark.late
def test_what_is_mended_is_not_met(copy_of_kernel: Path, port: str) -> None:
    read = "*entry = mas_root(mas);\n\t\treturn true;\n\t}\n\nactive:"
    mended = change(
        copy_of_kernel, read, read.replace("\n", "\n\t\tif (xa_is_node(*entry)) *entry = NULL;\n", 1)
    )
    with Stress(build(mended, Variant(beside="threads"))) as stress:
        came = threads.stressed(stress, of_case("reader-of-first-node"), 10)
    assert came.failures == ()
    assert came.together > 10_000


OTHERS = ("an entry that the index never had", "the range does not hold the index")
FREED = (*OTHERS, "SIGSEGV in the reader", "what a freed node holds is returned as an entry")


@pytest.mark.late
@pytest.mark.parametrize(
    ("seed", "met"),
    [
        ("walk-gives-up", OTHERS),
        ("dead-walk", FREED),
        ("freed-at-once", FREED),
    ],
)
def test_a_planted_mistake_is_met(kernel: Path, seed: str, met: tuple[str, ...]) -> None:
    """A walk to an entry beside one that is erased."""
    scenario = Scenario(True, (ops.Fill(0, 2, 1, 5),), (ops.MtreeErase(4),), (ops.MasWalk(),), 2)
    stress = stress_of(choose_port(f"kernel:{kernel}?seed={seed}", MAPLE_TREE))
    came = threads.stressed(stress, scenario, LONG, first_only=True)
    assert came.failures[0].text in met


@pytest.mark.late
def test_a_reader_that_does_not_end_is_told_as_that(copy_of_kernel: Path) -> None:
    spoilt = change(
        copy_of_kernel,
        "void *mas_walk(struct ma_state *mas)\n{",
        "void *mas_walk(struct ma_state *mas)\n{ while (mas->index == 12) READ_ONCE(mas->tree->ma_root);",
    )
    with Stress(build(spoilt, Variant(beside="threads"))) as stress:
        stress.load(WIDE)
        came = stress.run(WALK, LONG, first_only=True)
    assert [failure.text for failure in came.failures] == ["the reader does not end"]


def test_the_case_is_on_disk_before_it_runs(
    port: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a process that ends is what was met."""
    seen: list[Path] = []

    def end(stress: Stress, reader: Reader, seconds: float, *_: object) -> Stressed:
        seen.extend(tmp_path.glob("*-under-way.jsonl"))
        raise ProcessEnded("the process under stress ended with status -9")

    monkeypatch.setattr(Stress, "run", end)
    done = run_unit(Task("threads", 0, 0, port, str(tmp_path)))
    assert done.failure is not None
    assert "ended with status -9" in "\n".join(done.told)
    assert len(set(seen)) == 1
    assert [path.name for path in tmp_path.iterdir()] == [Path(done.case or "").name]


def test_a_process_that_does_not_answer_is_ended(stress: Stress, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mapleproof.impl.kernel.stress.GRACE", -LONG)
    stress.load(WIDE)
    with pytest.raises(ProcessEnded, match="the process under stress ended with status -9"):
        stress.run(LOAD, LONG + 0.1)
    monkeypatch.undo()
    assert stress.run(LOAD, 0.1).failures == ()


@pytest.mark.late
def test_a_unit_meets_what_is_known_and_makes_it_small(port: str, tmp_path: Path) -> None:
    done = next(
        d for number in range(9) if (d := run_unit(Task("threads", number, 0, port, str(tmp_path)))).failure
    )
    assert done.case is not None
    assert done.told[-1].endswith(" --threads")
    assert any(line.strip().startswith("met ") and " both threads inside" in line for line in done.told)
    assert done.steps <= 8
    again = replay_with_threads(done.case, port, LONG / 6)
    assert again.difference is not None


@pytest.mark.late
def test_with_care_nothing_is_met(port: str, tmp_path: Path) -> None:
    done = [run_unit(Task("threads", n, 1, port, str(tmp_path), careful=True)) for n in range(3)]
    assert [each.failure for each in done] == [None] * 3
    assert sum(each.operations for each in done) > 1000
    assert any(name.startswith("threads.known.") for each in done for name in each.events)


def test_a_case_that_is_not_met_is_no_pass(port: str) -> None:
    """A border that is seen before its entry takes a machine that reorders stores."""
    if not threads.KEEPS_ORDER:
        pytest.skip("stores are reordered here")
    path = FINDINGS / "border-before-entry.jsonl"
    done = CliRunner().invoke(main, ["replay", "--threads", "--seconds", "0.2", str(path), "--port", port])
    assert done.exit_code == 3
    assert "not met in " in done.output
    assert done.output.splitlines()[-1].startswith("No answer")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((str(FINDINGS / "reader-of-first-node.jsonl"),), "--threads needs --port kernel:PATH"),
        (
            (str(FINDINGS / "top-down-from-zero.jsonl"), "--port", "PORT"),
            "nothing for two threads: a scenario has",
        ),
    ],
)
def test_what_threads_cannot_run_is_refused(port: str, arguments: tuple[str, ...], told: str) -> None:
    words = [port if word == "PORT" else word for word in arguments]
    done = CliRunner().invoke(main, ["replay", "--threads", *words])
    assert done.exit_code == 2
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1
