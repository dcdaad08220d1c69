"""The main job: deterministic units, a seeded mistake found and told, and what is printed."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import pytest
from click.testing import CliRunner

from mapleproof.cli.check import Call
from mapleproof.cli.cli import main
from mapleproof.cli.prove_view import Proved
from mapleproof.proofs.engine.claim import Judged, Verdict
from mapleproof.proofs.registry import CLAIMS
from mapleproof.props.job import units
from mapleproof.props.job.units import Task, run_unit
from mapleproof.props.maple import events


@pytest.mark.parametrize("lane", ["bulk", "machine", "readers", "tiny"])
def test_a_unit_does_the_same_each_time(lane: str, tmp_path: Path) -> None:
    first, second = (run_unit(Task(lane, 1, 5, out=str(tmp_path))) for _ in range(2))
    assert first.operations > 0
    assert (first.operations, first.events) == (second.operations, second.events)
    other = run_unit(Task(lane, 1, 6, out=str(tmp_path)))
    assert lane == "tiny" or other.events != first.events


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, list(arguments))
    return result.exit_code, result.output


def test_check_ends_with_a_table(tmp_path: Path) -> None:
    limits = ("--seconds", "2", "--jobs", "1", "--no-proofs")
    status, output = run("check", *limits, "--out", str(tmp_path))
    assert status == 0, output
    for lane in ("bulk", "machine", "readers", "spaces"):
        assert lane in output
    assert "kinds of event met" in output
    assert "requests of a fork that were refused: maple_node, vma" in output


def test_check_finds_a_seed_and_says_how_to_replay_it(tmp_path: Path) -> None:
    seeded = "W20_split_at_null"
    limits = ("--seconds", "60", "--failures", "1", "--jobs", "1", "--seed", "0", "--lane", "bulk")
    status, output = run("check", *limits, "--out", str(tmp_path), "--seeded", seeded)
    assert status == 1, output
    case = next(path for path in tmp_path.glob("*.jsonl") if str(path) in output)
    assert f"mapleproof replay {case} --seeded {seeded}" in output
    assert run("replay", str(case), "--seeded", seeded)[0] == 1
    assert run("replay", str(case))[0] == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--seeded", "none"), "there is no seed 'none'"),
        (("--port", "none"), "there is no port 'none'"),
        (("--maps", "/no/such/file"), "/no/such/file: No such file or directory"),
    ],
)
def test_bad_usage(arguments: tuple[str, ...], told: str) -> None:
    result = CliRunner().invoke(main, ["check", *arguments])
    assert result.exit_code == 2
    assert told in result.output + result.stderr


def test_the_seeds_are_listed() -> None:
    status, output = run("check", "--seeded", "list")
    assert status == 0
    assert "G01_lower_bound_ignored" in output


def test_every_lane_has_a_runner() -> None:
    assert set(units.LANES) >= {"bulk", "machine", "readers", "tiny", "spaces"}


def test_the_recovery_that_is_meant_to_be_right_holds(tmp_path: Path) -> None:
    arguments = ("--seconds", "1", "--jobs", "1", "--out", str(tmp_path), "--recovery")
    status, output = run("check", *arguments, "unmap_in_place")
    assert status == 0, output
    assert "broken" not in output


def test_a_recovery_of_the_past_is_broken_and_its_case_replays(tmp_path: Path) -> None:
    arguments = ("--seconds", "0", "--jobs", "1", "--out", str(tmp_path), "--recovery", "exit_marker_v2")
    status, output = run("check", *arguments, "--verbose")
    assert status == 0
    (case,) = tmp_path.glob("exit_marker_v2-parent-untouched-*.jsonl")
    assert f"mapleproof replay {case}" in output
    assert run("replay", str(case))[0] == 1


def test_a_seeded_recovery_is_found(tmp_path: Path) -> None:
    arguments = ("--seconds", "0", "--jobs", "1", "--out", str(tmp_path))
    status, output = run("check", *arguments, "--seeded", "F06_ceiling_as_tree_limit")
    assert status == 1, output
    assert "--seeded F06_ceiling_as_tree_limit" in output


def test_a_run_meets_what_matters(tmp_path: Path) -> None:
    """Every kind of write, trees of one to five levels, memory refused to each kind of request."""
    met: Counter[str] = Counter()
    wanted = (*events.WRITE_KINDS, *events.HEIGHTS, *events.REFUSALS)
    wanted += tuple(event for event in events.SHAPE if event != "split_three")
    for number in range(400):
        met += run_unit(Task("bulk", number, 0, out=str(tmp_path))).events
        if not events.missing(met, wanted):
            break
    assert not events.missing(met, wanted)


def test_every_figure_goes_to_a_file(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    arguments = ("--seconds", "0", "--jobs", "1", "--out", str(tmp_path), "--json", str(file))
    assert run("check", *arguments, "--lane", "bulk", "--lane", "fork")[0] == 0
    figures = json.loads(file.read_text())
    assert figures["lanes"]["bulk"]["operations"] > 0
    assert {verdict["recovery"] for verdict in figures["verdicts"]}


@pytest.mark.parametrize(("verdict", "status"), [("proved", 0), ("refuted", 1), ("inconclusive", 3)])
def test_check_proves_too(
    verdict: Verdict, status: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By default where nothing is left out; and what is refuted, or without an answer, is the exit status."""
    asked = []

    def prove(console: object, names: Sequence[str], *_: object, **named: object) -> Proved:
        asked.append(names)
        return Proved([Judged(CLAIMS[name], verdict) for name in names])

    monkeypatch.setattr("mapleproof.cli.prove_view.prove_and_tell", prove)
    limits = ("--seconds", "0", "--jobs", "1", "--out", str(tmp_path), "--lane", "tiny")
    assert run("check", *limits)[0] == 0
    assert not asked
    assert run("check", *limits, "--proofs")[0] == status
    assert asked == [tuple(CLAIMS)]
    given = {field.name: None for field in fields(Call)} | {"port_name": "impl"}
    assert Call(**given).proves
    assert not Call(**given | {"lanes": ("tiny",)}).proves
