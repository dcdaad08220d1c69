"""The benchmarks, at tiny sizes: that they measure what they say and leave nothing out. No times."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mapleproof.bench import bulk_kernel
from mapleproof.bench import check as bench_check
from mapleproof.bench import kernel as bench_kernel
from mapleproof.bench import report as bench_report
from mapleproof.bench import tree as bench_tree
from mapleproof.bench.layout import layout
from mapleproof.bench.measure import Figure, Limits, TooSlow, each, figure, rounds
from mapleproof.bench.rivals import Lists, Map, Ours
from mapleproof.bench.rivals_slow import SUBJECTS
from mapleproof.cli.cli import main
from mapleproof.impl.kernel.build import build
from mapleproof.impl.kernel.errors import KernelBuildError
from mapleproof.impl.kernel.source import find
from mapleproof.impl.maple import MapleTree

ONE = Limits(rounds=1, seconds=0.2)


def made(name: str) -> Map:
    """A subject; skips where its library is not installed."""
    try:
        return SUBJECTS[name]()
    except ImportError:
        pytest.skip(f"{name} is not installed")


@pytest.mark.parametrize("name", [name for name in SUBJECTS if name != "mapleproof"])
def test_every_rival_does_the_same(name: str) -> None:
    rival, ours = made(name), Ours()
    for step in range(40):
        first = step * 37 % 301
        for subject in (rival, ours):
            subject.store(first, first + step % 23, step + 1)
    for index in range(0, 330, 7):
        assert rival.load(index) == ours.load(index)
    for size in (1, 3, 9, 40):
        assert rival.lowest_gap(2, 320, size) == ours.lowest_gap(2, 320, size)
        assert rival.highest_gap(2, 320, size) == ours.highest_gap(2, 320, size)
    copy = rival.dup()
    copy.replace_each(lambda entry: entry + 1000)
    assert [*rival.ranges()] == [*ours.ranges()]
    assert [*copy.ranges()] == [(first, last, entry + 1000) for first, last, entry in ours.ranges()]


def test_searches_are_near_far_and_for_nothing() -> None:
    plan = layout(221)
    subject = bench_tree.built(Lists, plan.ranges, Limits())
    low, high = plan.ranges[0][0], plan.ranges[-1][1]
    middle = (low + high) // 2
    found = {
        name: (subject.lowest_gap if name.startswith("lowest") else subject.highest_gap)(*arguments)
        for name, arguments in plan.searches.items()
    }
    assert found["lowest gap, none"] is found["highest gap, none"] is None
    lowest, highest = found["lowest gap, near"], found["highest gap, near"]
    assert lowest is not None
    assert highest is not None
    assert found["highest gap, far"] == lowest + 0
    assert lowest < middle < highest == found["lowest gap, far"]


@pytest.mark.late
def test_all_is_measured_or_said_to_be_missing() -> None:
    def absent() -> Map:
        raise ImportError

    subjects: dict[str, Callable[[], Map]] = {"mapleproof": Ours, "lists": Lists, "absent": absent}
    result = bench_tree.run((21,), ONE, subjects)
    for operation in bench_tree.OPERATIONS:
        assert result.figures[21, operation, "absent"].missing == "not installed"
        for subject in ("mapleproof", "lists", bench_tree.C_TREE):
            found = result.figures[21, operation, subject]
            assert found.missing or found.lowest <= found.median <= found.highest


def test_what_is_too_slow_is_said_to_be() -> None:
    limits = Limits(rounds=2, seconds=0.0)
    with pytest.raises(TooSlow):
        each(str, range(100), limits)
    assert rounds(lambda: each(str, range(100), limits), limits).missing == "over 0 s"


def test_targets_are_judged_by_the_fastest_rival() -> None:
    result = bench_tree.Result(sizes=(12821,))
    for subject, ns in {"mapleproof": 300.0, "lists": 100.0, "BTrees": 200.0}.items():
        result.figures[12821, "load", subject] = figure([ns])
    result.figures[12821, "load", "portion"] = Figure(missing="over 2 s")
    judged = {target.name: target for target in bench_report.targets(result) if target.of != "C tree"}
    assert (judged["load"].of, judged["load"].ratio, judged["load"].verdict) == (
        "lists",
        3.0,
        "missed, 3.0 times too slow",
    )
    assert judged["overwrite"].verdict == "not known"


def test_what_a_call_costs_is_taken_off_beside_the_c_tree() -> None:
    result = bench_tree.Result(sizes=(51221,))
    ours = {"overwrite": 190.0, "load": 130.0, "dup": 190.0, bench_tree.CALL: 60.0}
    for operation, ns in ours.items():
        result.figures[51221, operation, "mapleproof"] = figure([ns])
        result.figures[51221, operation, "C tree"] = figure([100.0])
    judged = {target.name: target for target in bench_report.targets(result) if target.of == "C tree"}
    assert judged["overwrite"].ratio == judged["load"].ratio == 1.3
    assert (judged["dup"].ratio, judged["dup"].verdict) == (1.9, "missed, 1.3 times too slow")
    assert judged["build at random"].verdict == "not known"


def test_the_pace_is_held_against_the_empty_machine() -> None:
    pace = bench_check.run(bench_check.Size(rounds=1, examples=2, bulk_runs=1, long_runs=6))
    assert pace.empty.median > 0
    assert pace.machine_share == pace.machine.median / pace.empty.median
    assert pace.bulk_times == pace.bulk.median / pace.empty.median
    assert len(pace.memory) in (0, bench_check.POINTS)
    assert json.loads(json.dumps(pace.as_json()))["bulk_times"] == pace.bulk_times


def test_memory_that_grows_is_not_flat() -> None:
    nothing = figure([1.0])
    pace = bench_check.Pace(nothing, nothing, nothing, nothing, nothing, [100, 105, 140])
    assert not pace.flat


@pytest.mark.late
def test_the_command_writes_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_tree, "QUICK_SIZES", (21, 21))
    monkeypatch.setattr(bench_tree, "SUBJECTS", {"mapleproof": Ours, "lists": Lists})
    path = tmp_path / "figures.json"
    done = CliRunner().invoke(main, ["bench", "tree", "--quick", "--json", str(path)])
    assert done.exit_code == 0, done.output
    assert "dup and replace" in done.output
    written: dict[str, Any] = json.loads(path.read_text())
    assert {row["subject"] for row in written["figures"]} == {"mapleproof", "lists", bench_tree.C_TREE}


def test_the_c_tree_is_measured_where_there_is_one() -> None:
    with bench_kernel.kernel() as (kernel, reason):
        if kernel is None:
            pytest.skip(reason)
        figures = bench_kernel.measure(kernel, layout(21), ONE)
    assert set(figures) == set(bench_tree.OPERATIONS) - {bench_tree.CALL}


def test_every_entry_is_replaced_without_memory() -> None:
    tree = MapleTree(alloc_range=True)
    for k in range(200):
        tree.store_range(10 * k, 10 * k + 4, k + 1)
    before = [*tree.entries()]
    nodes = tree.live_nodes()
    tree.replace_each(lambda entry: entry + 1000)
    tree.check()
    assert tree.live_nodes() == nodes
    assert [*tree.entries()] == [(first, last, entry + 1000) for first, last, entry in before]


def test_a_bare_entry_is_replaced() -> None:
    tree = MapleTree()
    tree.store_range(0, 0, 1)
    tree.replace_each(lambda entry: entry + 1)
    assert tree.load(0) == 2


def test_the_bulk_lane_on_the_c_tree_is_measured_both_ways() -> None:
    try:
        built = build(find())
    except KernelBuildError as error:
        pytest.skip(str(error))
    parts = bulk_kernel.run(built, bulk_kernel.Size(runs=2, operations=300, rounds=1))
    assert min(parts.within.median, parts.piped.median) > 0
    assert parts.as_json()["target"] == bulk_kernel.TARGET
