"""What a worker does with a lot: the same each time, and a process that dies or hangs ends nothing."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mapleproof.campaign import worker
from mapleproof.campaign.arms import Arm, Real, chunks, kept
from mapleproof.campaign.child import Child, Died
from mapleproof.campaign.lots import Finding, Lot, Report, Shrinking
from mapleproof.campaign.work import carry_out, features, make_small
from mapleproof.cli.known_seeds import known_seed
from mapleproof.props.common.files import write_case
from mapleproof.props.common.planting import planted
from mapleproof.props.job.replay import replay_file

BASH = Real("bash", kept()["bash"])


@pytest.fixture(autouse=True)
def no_process_left() -> Iterator[None]:
    worker.begin()
    yield
    worker.end_all()
    worker.begin()


def lot_of(lane: str, count: int = 1) -> Lot:
    subject = {"proofs": "model_laws load"}.get(lane, "unmap_in_place" if lane in FORKS else "")
    lot = Lot(Arm(lane, subject=subject), 0, count, seed=3)
    if lane == "spaces":
        return replace(lot, spaces=(BASH,) * count)
    if lane == "sweep":
        return replace(lot, spaces=(BASH,) * count, sweeps=tuple(step[1:] for step in chunks([BASH])[:count]))
    if lane == "worlds":
        return replace(lot, world=0, states=((b"", b""),))
    return lot


FORKS = ("fork", "sweep", "layouts")
LANES = ("bulk", "machine", "readers", "spaces", *FORKS, "worlds", "proofs")


@pytest.mark.parametrize("lane", LANES)
def test_a_lot_does_the_same_each_time(lane: str) -> None:
    found: list[Finding] = []
    one, other = (carry_out(lot_of(lane), found.append) for _ in range(2))
    assert found == []
    assert one.units == 1
    assert one.operations > 0
    assert one.features
    for name in ("operations", "events", "features", "swept", "successors", "key", "saved"):
        assert getattr(one, name) == getattr(other, name), name


def test_features_tell_how_often_and_where() -> None:
    from collections import Counter

    bulk, kernel = Arm("bulk"), Arm("bulk", "kernel:x")
    assert features(bulk, Counter(split=5)) == features(bulk, Counter(split=7))
    assert features(bulk, Counter(split=5)) != features(bulk, Counter(split=8))
    assert features(bulk, Counter(split=5)) == features(Arm("machine"), Counter(split=4))
    assert features(bulk, Counter(split=5)) != features(kernel, Counter(split=5))


def found_by(lot: Lot, most: int = 40) -> tuple[Lot, Finding]:
    """The first finding of a lot's arm."""
    for unit in range(most):
        found: list[Finding] = []
        one = replace(lot, first=unit)
        carry_out(one, found.append)
        if found:
            return one, found[0]
    raise AssertionError("not found")


SEEDS = [
    ("bulk", "W20_split_at_null"),
    ("spaces", "G12_trailing_null_ignored"),
    ("machine", "W20_split_at_null"),
    ("fork", "F05_ceiling_at_the_first_left"),
    ("sweep", "F05_ceiling_at_the_first_left"),
    ("layouts", "F05_ceiling_at_the_first_left"),
]


@pytest.mark.parametrize(("lane", "name"), SEEDS)
def test_what_a_lot_finds_is_made_small_and_is_a_case(lane: str, name: str, tmp_path: Path) -> None:
    seed = known_seed(name)
    arm = Arm(lane, subject=seed.lane if lane in FORKS else "")
    with planted(seed):
        lot, finding = found_by(replace(lot_of(lane), arm=arm, seeded=name))
        assert finding.case is not None
        assert not finding.small
        wanted = Shrinking(lot, 1, finding.sort, tuple(finding.told), finding.case, finding.promise)
        small = make_small(wanted)
        assert small.case is not None
        assert len(small.case.steps) <= len(finding.case.steps)
        assert len(small.case.steps) <= 12
        path = tmp_path / "case.jsonl"
        write_case(path, small.case)
        assert replays(path, lane) is not None
    assert replays(path, lane) is None


def replays(path: Path, lane: str) -> object:
    if lane in FORKS:
        return replay_file(path).difference
    return replay_file(path).difference


def test_a_world_tells_what_fails_in_it_as_a_case_where_it_can() -> None:
    """W15: a leaf overflows, also with nodes of the kernel's size, though not by so small a program."""
    name = "W20_split_at_null"
    with planted(known_seed(name)):
        lot, paths = replace(lot_of("worlds"), world=8), [b""]
        for _ in range(6):
            found: list[Finding] = []
            report = carry_out(replace(lot, states=tuple((b"", path) for path in paths)), found.append)
            if found:
                break
            paths = [path for _, path in report.successors]
    assert "tiny world of 5 indices" in found[0].sort
    assert found[0].told


def test_examples_that_fail_come_back_and_can_be_tried_elsewhere() -> None:
    name = "W20_split_at_null"
    lot = replace(lot_of("machine"), seeded=name)
    with planted(known_seed(name)):
        found: list[Finding] = []
        for unit in range(20):
            report = carry_out(replace(lot, first=unit), found.append)
            if report.saved:
                break
        assert report.saved
        assert report.key
        again: list[Finding] = []
        tried = carry_out(replace(lot, first=-1, examples=tuple(report.saved)), again.append)
        assert again
        assert tried.key == report.key
    nothing: list[Finding] = []
    carry_out(replace(lot, seeded=None, first=-1, examples=tuple(report.saved)), nothing.append)
    assert nothing == []  # without the mistake the example passes


def test_a_failure_that_does_not_come_again_stays_as_it_was() -> None:
    with planted(known_seed("W20_split_at_null")):
        lot, finding = found_by(lot_of("bulk"))
    assert finding.case is not None
    wanted = Shrinking(lot, 1, finding.sort, tuple(finding.told), finding.case)
    kept_finding = make_small(wanted)
    assert kept_finding.case == finding.case
    assert "not met again" in kept_finding.told[-1]


# Processes


def kill_soon(child: Child, number: int = signal.SIGKILL, seconds: float = 1.0) -> None:
    threading.Timer(seconds, lambda: os.kill(child.process.pid, number)).start()


def test_a_process_that_is_killed_once_costs_nothing() -> None:
    kill_soon(worker.child(lot_of("bulk", 1)))
    report = worker.work(lot_of("bulk", 30))
    assert report.units == 30
    assert report.findings == []
    assert report.operations == carry_out(lot_of("bulk", 30), lambda _: None).operations


DIES = """
import os, sys
import mapleproof.props.job.units as units
def die(task, done):
    if task.number == 5:
        print("these are my last words", file=sys.stderr)
        os.abort()
units.LANES["bulk"] = units.Lane(die)
from mapleproof.campaign.child import main
main(int(sys.argv[1]))
"""

HANGS = DIES.replace("os.abort()", "time.sleep(1000)").replace("import os,", "import os, time,")


def child_of(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on processes run this program."""
    started = subprocess.Popen

    def start(command: list[str], **options: object) -> object:
        if command[1:3] == ["-m", "mapleproof.campaign.child"]:
            command = [sys.executable, "-c", text, *command[3:]]
        return started(command, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "Popen", start)


def test_a_unit_that_kills_its_process_is_a_finding_and_the_others_are_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    child_of(DIES, monkeypatch)
    report = worker.work(lot_of("bulk", 9))
    assert report.units == 9
    (finding,) = report.findings
    assert (finding.unit, finding.sort) == (5, "process ended in bulk: killed by SIGABRT")
    assert any("these are my last words" in line for line in finding.told)


def test_a_unit_that_hangs_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    child_of(HANGS, monkeypatch)
    report = worker.work(replace(lot_of("bulk", 9), patience=1.5))
    assert report.units == 9
    assert [finding.sort for finding in report.findings] == [
        "process ended in bulk: no answer within 1.5 seconds"
    ]


STARTER = """
import time
from mapleproof.campaign.child import Child
child = Child()
print(child.process.pid, flush=True)
time.sleep(60)
"""


def test_a_process_ends_with_who_started_it() -> None:
    process = subprocess.Popen([sys.executable, "-c", STARTER], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    for _ in range(100):
        if not alive(pid):
            return
        time.sleep(0.1)
    pytest.fail("it is still there")


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_no_process_begins_once_the_campaign_has_ended() -> None:
    worker.end_all()
    with pytest.raises(Died, match="has ended"):
        worker.child(lot_of("bulk", 1))


def test_a_process_that_holds_much_memory_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    first = worker.work(lot_of("bulk", 1)).process
    assert worker.work(lot_of("bulk", 1)).process == first
    monkeypatch.setattr("mapleproof.campaign.child.MOST_MEMORY", 1)
    assert worker.work(lot_of("bulk", 1)).process == first
    monkeypatch.undo()
    assert worker.work(lot_of("bulk", 1)).process != first


def test_a_mistake_of_the_suite_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*_: object) -> None:
        raise KeyError("no such thing")

    monkeypatch.setattr("mapleproof.campaign.work._layouts", wrong)
    found: list[Finding] = []
    report = carry_out(lot_of("layouts", 2), found.append)
    assert report.units == 2
    assert [finding.sort for finding in found] == ["KeyError in the suite itself"] * 2
    assert isinstance(report, Report)
