"""Readers beside a writer: scenarios as cases, what a unit finds on the C tree, and that cases come again."""

import random
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from mapleproof.cli.cli import main
from mapleproof.impl.kernel.explorer import Policy
from mapleproof.impl.kernel.scenario import Choice
from mapleproof.props.common.files import Case, CaseError, Header, write_case
from mapleproof.props.common.step import Step
from mapleproof.props.common.values import Refused
from mapleproof.props.job.choose_port import choose_port
from mapleproof.props.job.replay import replay_file
from mapleproof.props.job.subjects import read_case
from mapleproof.props.job.units import Task, run_unit
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.interleavings.case import first_failure
from mapleproof.props.maple.interleavings.draws import scenarios
from mapleproof.props.maple.interleavings.explorers import explorer_of
from mapleproof.props.maple.interleavings.known import has_no_node, is_known
from mapleproof.props.maple.interleavings.scenario import Scenario, check, scenario_of
from mapleproof.props.maple.subject import MAPLE_TREE

FINDINGS = Path(__file__).parent / "findings"
TOP = 2**64 - 1
SIMPLE = Scenario(True, (ops.Fill(0, 2, 1, 5),), (ops.MtreeErase(4),), (ops.MasWalk(), ops.MasNext(TOP)), 3)


@pytest.mark.parametrize("number", range(60))
def test_what_is_drawn_is_a_scenario_and_a_case(number: int) -> None:
    rng = random.Random(number)
    for scenario in scenarios(rng, 5):
        check(scenario)
        for choice in (None, Choice("within", 4), Choice("at-access", 0, 9), Choice("held-back", 2, 5)):
            assert scenario_of(scenario.alloc_range, scenario.operations(choice)) == scenario
        assert len(scenario.states()) == len(scenario.writes) + 1


def test_all_kinds_are_drawn() -> None:
    drawn = [scenario for number in range(400) for scenario in scenarios(random.Random(number), 5)]
    kinds = {type(op) for scenario in drawn for op in (*scenario.writes, *scenario.reads)}
    assert len(kinds) == 27
    assert any(len(scenario.states()[0]) > 200 for scenario in drawn)
    assert any(has_no_node(scenario.states()[0]) for scenario in drawn)


BAD = (
    replace(SIMPLE, reads=()),
    replace(SIMPLE, writes=()),
    replace(SIMPLE, reads=(ops.MasWalk(),) * 16),
    replace(SIMPLE, setup=(ops.Fill(0, 1, 1, 20_001),)),
    replace(SIMPLE, setup=(ops.MtreeStoreRange(5, 4, 1),)),
    replace(SIMPLE, setup=(ops.MtClearInRcu(),)),
    replace(SIMPLE, writes=(ops.MasStorePrealloc(1),)),
    replace(SIMPLE, setup=(ops.MasSetRange(1, 2), ops.MasPreallocate(1)), writes=(ops.MasStorePrealloc(2),)),
    replace(SIMPLE, setup=(ops.MasSetRange(1, 2), ops.MasPreallocate(1)), writes=(ops.MtreeErase(1),)),
    replace(SIMPLE, writes=(ops.MtClearInRcu(), ops.MtreeErase(1))),
    replace(SIMPLE, writes=(ops.MtreeDup(1), ops.MtreeErase(1))),
    replace(SIMPLE, writes=(ops.MtreeErase(1, fail_after=0),)),
)


@pytest.mark.parametrize("scenario", BAD)
def test_what_breaks_the_rules_of_use_is_refused(scenario: Scenario) -> None:
    check(SIMPLE)
    with pytest.raises(Refused):
        check(scenario)


def test_the_keys_of_an_interleaving_are_for_readers(tmp_path: Path) -> None:
    steps = [Step(ops.MtreeLoad(0, within=3, access=2, held_back=1)), Step(ops.MtreeErase(0))]
    flags = {"alloc_range": True, "rcu": True}
    path = tmp_path / "case.jsonl"
    write_case(path, Case(Header("x", flags, "y", MAPLE_TREE), steps))
    assert read_case(path).steps == steps
    text = path.read_text()
    for wrong, told in (
        (text.replace('"within": 3, ', ""), "are for a step with `within`"),
        (text.replace('"access": 2', '"access": 16777216'), "`access` is out of range"),
        (text.replace('"held_back": 1', '"held_back": 0'), "`held_back` is out of range"),
    ):
        path.write_text(wrong)
        with pytest.raises(CaseError, match=told):
            read_case(path)


def test_a_unit_finds_what_is_known_and_the_case_comes_again(port: str, tmp_path: Path) -> None:
    done = next(
        done
        for number in range(8)
        if (done := run_unit(Task("interleavings", number, 0, port, str(tmp_path)))).failure
    )
    assert done.case is not None
    assert done.steps <= 8
    case = read_case(done.case)
    assert case.header.found == {"lane": "interleavings", "seed": 0, "unit": done.number, "port": port}
    again = replay_file(done.case, port).difference
    assert again is not None
    assert again.sort == done.failure
    assert "mas_" in done.told[-2]
    for other in ("model", "impl"):
        assert replay_file(done.case, other, "documented").difference is None


def test_with_care_nothing_is_found(port: str, tmp_path: Path) -> None:
    done = [run_unit(Task("interleavings", n, 1, port, str(tmp_path), careful=True)) for n in range(4)]
    assert [each.failure for each in done] == [None] * 4
    assert sum(each.operations for each in done) > 80_000
    events = {name for each in done for name in each.events}
    assert "interleavings.path.mas_wr_node_store" in events
    assert any(name.startswith("interleavings.known.") for name in events)


@pytest.mark.parametrize(
    "name",
    ["walk-beside-moved-border", "step-beside-rebalance", "step-down-beside-split", "reader-of-first-node"],
)
def test_care_keeps_away_from_each_finding(port: str, name: str) -> None:
    case = read_case(FINDINGS / f"{name}.jsonl")
    scenario = scenario_of(case.header.flags["alloc_range"], [step.op for step in case.steps])
    explorer = explorer_of(choose_port(port, MAPLE_TREE))
    failure = first_failure(explorer, scenario)
    assert failure is not None
    explorer.load(scenario.stage)
    paths = explorer.explore(scenario.reader, Policy("in-order")).paths
    assert is_known(scenario, paths, explorer.build.capabilities) == name


def test_a_store_held_back_is_met_inside_too(kernel: Path) -> None:
    """A dead mark that comes late is seen by a reader that was in the node before, and by no other."""
    make_port = choose_port(f"kernel:{kernel}?seed=dead-mark-unordered", MAPLE_TREE)
    explorer = explorer_of(make_port)
    fill, erase = ops.Fill(0, 2, 1, 5), ops.MtreeErase(4)
    scenario = Scenario(True, (fill,), (erase,), (ops.MasForEach(TOP),), 0)
    explorer.load(scenario.stage)
    met = {
        how: explorer.explore(scenario.reader, Policy(how, most=100_000)).failures  # type: ignore[arg-type]
        for how in ("single", "held-back", "held-inside")
    }
    assert not met["single"]
    assert not met["held-back"]
    assert met["held-inside"]
    honest = explorer_of(choose_port(f"kernel:{kernel}", MAPLE_TREE))
    honest.load(scenario.stage)
    assert honest.explore(scenario.reader, Policy("held-inside", most=100_000)).failures == ()


def test_the_callers_of_mm_fall_back_where_a_vma_is_locked(port: str) -> None:
    """What changes is locked, so the loop ends there; what does not is told; and nothing is found wrong."""
    explorer = explorer_of(choose_port(port, MAPLE_TREE))
    writes = (ops.MtreeStoreRange(40, 43, 9), ops.MtreeStoreRange(44, 47, None))
    for read in (ops.LockVmaUnderRcu(42), ops.LockNextVma(0)):
        scenario = Scenario(True, (ops.Fill(0, 10, 5, 12),), writes, (read,), 0)
        explorer.load(scenario.stage)
        for how in ("single", "pairs", "held-back"):
            explored = explorer.explore(scenario.reader, Policy(how, most=3000))  # type: ignore[arg-type]
            assert explored.failures == ()
            assert explored.runs > 60


def test_show_draws_both_lanes_and_the_node(port: str) -> None:
    path = FINDINGS / "walk-beside-moved-border.jsonl"
    done = CliRunner().invoke(main, ["show", str(path), "--port", port])
    assert done.exit_code == 1
    for told in (
        "the reader: 6 accesses, 0 of them stores; the last at mtree_range_walk:",
        "the writer's accesses, in time",
        "the reader's accesses, in time",
        "stores to node 3, pivot 1 at mas_wr_slot_store:",
        "as the reader saw it, and as it is",
        "index is 0x3, not 0x2, or 0x1",
    ):
        assert told in done.output


def test_check_has_the_lane_with_care_too(port: str, tmp_path: Path) -> None:
    arguments = ("check", "--port", port, "--lane", "interleavings", "--avoid-known", "--seconds", "0")
    done = CliRunner().invoke(main, [*arguments, "--jobs", "1", "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    row = next(words for line in done.output.splitlines() if (words := line.split())[:1] == ["interleavings"])
    assert int(row[2].replace(",", "")) > 10_000
    assert row[4] == "agrees"


def test_a_crash_of_a_reader_is_told_as_the_readers(kernel: Path) -> None:
    """And the write that it was to look into is not compared with what a new, empty tree answers."""
    case = read_case(FINDINGS / "reader-of-emptied-tree.jsonl")
    steps = [step.op for step in case.steps]
    at = next(i for i, op in enumerate(steps) if isinstance(op, ops.MasFind))
    steps[at] = replace(steps[at], within=0)
    port = choose_port(f"kernel:{kernel}", MAPLE_TREE)(**case.header.flags)
    answers = [port.apply(op) for op in steps]
    port.close()
    assert answers[at].crash == "SIGSEGV in mas_find"
