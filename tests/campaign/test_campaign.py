"""`mapleproof campaign` as its users run it: begun, ended in every way, gone on with; a disk that fills
up."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from distributed import Client, LocalCluster

from mapleproof.campaign import worker
from mapleproof.campaign.farm import Farm
from mapleproof.campaign.ledger import NAME, Ledger
from mapleproof.campaign.status import status_of
from mapleproof.cli.cli import main
from mapleproof.props.job.subjects import read_case

pytestmark = pytest.mark.late

SEED = "W20_split_at_null"
QUICK = ("--lane", "bulk", "--lane", "layouts", "--workers", "2")


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["campaign", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def start(*arguments: object) -> "subprocess.Popen[str]":
    command = [
        sys.executable,
        "-m",
        "mapleproof",
        "campaign",
        *map(str, arguments),
    ]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def wait_for_units(folder: Path, units: int = 1, seconds: float = 60) -> None:
    """Until a campaign has done something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if (folder / NAME).exists() and sum(
            one["units"] for one in Ledger(folder).figures().values()
        ) >= units:
            return
        time.sleep(0.1)
    pytest.fail("it has done nothing")


def check_whole(folder: Path, partial: bool = False) -> None:
    """Units that are done agree with what is counted, and every file is whole; but for one that was being
    written when its writer was killed."""
    ledger = Ledger(folder)
    for arm, figures in ledger.figures().items():
        done = sum(end - first for first, end in ledger.done(arm))
        assert done == figures["units"], arm
    rows = ledger.findings()
    assert len({(row["arm"], row["unit"], row["sort"]) for row in rows}) == len(rows)  # none twice
    for row in rows:
        read_case(folder / row["file"])
    assert partial or not list(folder.rglob("*.partial"))


def test_a_night_in_short(tmp_path: Path) -> None:
    folder, figures = tmp_path / "night", tmp_path / "figures.json"
    status, output = run(folder, "--for", "4s", *QUICK, "--json", figures)
    assert status == 0, output
    assert "bulk" in output
    assert f"the whole as a page: {folder}/report.html" in output
    data = json.loads(figures.read_text())
    assert data["operations"] > 1000
    assert data["arms"]["bulk"]["units"] > 0
    assert data["arms"]["layouts unmap_in_place"]["units"] > 0
    assert data["cases"] == []
    assert data["settings"]["ports"] == ["impl"]
    assert "split" in data["events"]
    assert "fork.refused.vma" in data["events"]
    check_whole(folder)
    page = (folder / "report.html").read_text()
    assert "campaign: all agrees" in page
    status, output = run(folder, "--status")
    assert status == 0
    assert "not running" in output


def test_what_is_planted_is_found_made_small_and_replayed(tmp_path: Path) -> None:
    folder = tmp_path / "night"
    status, output = run(folder, "--for", "8s", "--lane", "bulk", "--workers", "2", "--seeded", SEED)
    assert status == 1, output
    assert "found: " in output
    cases = [path for path in (folder / "cases").iterdir() if len(read_case(path).steps) <= 12]
    assert cases
    command = next(line for line in output.splitlines() if f"replay {folder}/cases" in line)
    assert command.strip().endswith(f"--seeded {SEED}")
    words = command.split()[1:]
    assert CliRunner().invoke(main, words).exit_code == 1
    assert CliRunner().invoke(main, words[:2]).exit_code == 0  # without the mistake it passes
    assert run(folder, "--status")[0] == 1
    check_whole(folder)
    page = (folder / "report.html").read_text()
    assert "sorts of failure" in page
    assert 'id="failure1"' in page


def test_it_goes_on_where_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "night"
    assert run(folder, "--for", "3s", *QUICK)[0] == 0
    before = Ledger(folder)
    done = {arm: before.done(arm) for arm in before.figures()}
    operations = status_of(folder, before).operations
    status, output = run(folder, "--for", "3s")  # lanes are those it was begun with
    assert status == 0, output
    after = Ledger(folder)
    assert set(after.figures()) == set(done)
    for arm, intervals in done.items():
        assert after.done(arm)[0][1] >= intervals[0][1]
    assert status_of(folder, after).operations > operations
    assert [how for (how,) in after.db.execute("SELECT how FROM runs")] == ["time was up"] * 2
    check_whole(folder)


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.deep)])
def test_a_signal_ends_it_in_order(tmp_path: Path, number: int) -> None:
    folder = tmp_path / "night"
    process = start(folder, *QUICK)
    wait_for_units(folder, 5)
    process.send_signal(number)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert "Traceback" not in output
    assert f"{folder}/report.html" in output
    check_whole(folder)
    assert [how for (how,) in Ledger(folder).db.execute("SELECT how FROM runs")] == ["stopped"]


def test_a_kill_loses_nothing_and_leaves_nobody(tmp_path: Path) -> None:
    """Killed three times at odd moments while it finds failures; then it goes on."""
    folder = tmp_path / "night"
    options = ("--lane", "bulk", "--workers", "2", "--seeded", SEED)
    found: set[tuple[str, int, str]] = set()
    for times in range(3):
        process = start(folder, *options)
        wait_for_units(folder, 10 * (times + 1))
        children = children_of(process.pid)
        process.kill()
        process.wait()
        now = {(row["arm"], row["unit"], row["sort"]) for row in Ledger(folder).findings()}
        assert found <= now
        found = now
        check_whole(folder, partial=True)
        end = time.monotonic() + 10
        while children & all_processes() and time.monotonic() < end:
            time.sleep(0.1)
        assert not children & all_processes()
    assert found
    status, output = run(folder, "--for", "2s")
    assert status == 1, output
    check_whole(folder)
    assert found <= {(row["arm"], row["unit"], row["sort"]) for row in Ledger(folder).findings()}


def test_workers_that_do_not_leave_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_slow(*_: Any, **__: Any) -> None:
        raise TimeoutError

    ended: list[bool] = []
    workers = Farm(None, 1)
    with monkeypatch.context() as patched:
        for kind in (Client, LocalCluster):
            patched.setattr(kind, "close", too_slow)
        patched.setattr(worker, "end_all", lambda: ended.append(True))
        workers.close()
    workers.close()
    assert ended


def all_processes() -> set[int]:
    found = set()
    for path in Path("/proc").glob("[0-9]*"):
        try:
            state = (path / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state != "Z":
            found.add(int(path.name))
    return found


def children_of(pid: int) -> set[int]:
    """The processes that a process has started."""
    found = set()
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == pid:
            found.add(int(path.name))
    return found


def test_one_at_a_time_and_status_meanwhile(tmp_path: Path) -> None:
    folder = tmp_path / "night"
    process = start(folder, *QUICK)
    try:
        wait_for_units(folder, 3)
        status, output = run(folder, "--status")
        assert status == 0
        assert ", running" in output
        result = CliRunner().invoke(main, ["campaign", str(folder)])
        assert result.exit_code == 2
        assert result.stderr == f"{folder}: a campaign is running in it\n"
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--for", "soon"), "'soon' is no time such as 90s, 30m or 8h"),
        (("--for", "40000 days"), "out of range"),
        (("--port", "none"), "there is no port 'none'"),
        (("--port", "kernel:/no/such/tree"), "/no/such/tree"),
        (("--recovery", "none"), "none"),
        (("--lane", "none"), "none"),
        (("--seeded", "none"), "there is no seed 'none'"),
        (("--maps", "/no/such/file"), "/no/such/file: No such file or directory"),
        (("--scheduler", "tcp://127.0.0.1:1"), "no scheduler answers at tcp://127.0.0.1:1"),
        (("--scheduler", "nonsense"), "no scheduler answers at nonsense"),
        (("--redis", "redis://127.0.0.1:1"), "redis://127.0.0.1:1: "),
        (("--redis", "http://127.0.0.1"), "http://127.0.0.1: "),
        (("--workers", "0"), "0"),
    ],
)
def test_bad_usage_is_one_line(
    tmp_path: Path, arguments: tuple[str, ...], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mapleproof.campaign.farm.ANSWER_SECONDS", 1.0)
    result = CliRunner().invoke(main, ["campaign", str(tmp_path / "night"), *arguments])
    assert result.exit_code == 2, result.output
    assert told in result.stderr
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1 or "Usage:" in result.stderr
    assert not (tmp_path / "night" / NAME).exists()  # nothing is settled yet


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--seed", "4"), "begun with --seed 0, not 4: take another folder"),
        (("--seeded", SEED), f"begun with --seeded none, not {SEED}"),
        (("--avoid-known",), "begun with --avoid-known false, not true"),
        (("--maps", "1"), "has its address spaces already"),
    ],
)
def test_what_was_settled_stays(tmp_path: Path, arguments: tuple[str, ...], told: str) -> None:
    folder = tmp_path / "night"
    assert run(folder, "--for", "0s", *QUICK)[0] == 0
    before = (folder / NAME).read_bytes()
    result = CliRunner().invoke(main, ["campaign", str(folder), "--for", "1s", *arguments])
    assert result.exit_code == 2
    assert told in result.stderr
    assert (folder / NAME).read_bytes() == before


def test_a_spoilt_ledger_or_space_is_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "night"
    assert run(folder, "--for", "0s", *QUICK)[0] == 0
    (folder / "spaces" / "000-mine.maps.gz").write_bytes(b"spoilt")
    result = CliRunner().invoke(main, ["campaign", str(folder), "--for", "1s"])
    assert result.exit_code == 2
    assert "000-mine.maps.gz" in result.stderr
    (folder / NAME).write_bytes(b"spoilt" * 1000)
    for more in ((), ("--status",)):
        result = CliRunner().invoke(main, ["campaign", str(folder), *more])
        assert result.exit_code == 2
        assert f"{folder}/{NAME}: file is not a database" in result.stderr


def test_a_changed_program_is_told_of(tmp_path: Path) -> None:
    folder = tmp_path / "night"
    assert run(folder, "--for", "0s", *QUICK)[0] == 0
    ledger = Ledger(folder, write=True)
    with ledger.transaction():
        ledger.change("fingerprint", "another")
    ledger.close()
    assert "this program has changed since the campaign" in run(folder, "--for", "0s")[1]


def test_maps_of_a_file_and_a_process(tmp_path: Path) -> None:
    maps = tmp_path / "some.maps"
    maps.write_text("1000-2000 r--p 0 0:0 0\n5000-9000 rw-p 0 0:0 0\n")
    folder = tmp_path / "night"
    status, output = run(
        folder, "--for", "2s", "--lane", "spaces", "--maps", maps, "--maps", os.getpid(), "--workers", 1
    )
    assert status == 0, output
    names = sorted(path.name for path in (folder / "spaces").iterdir())
    assert names == ["000-some.maps.maps.gz", f"001-process-{os.getpid()}.maps.gz"]


# A disk that fills up


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of 500 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=500k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip(f"no file system can be mounted here: {made.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_loses_nothing(small_disk: Path) -> None:
    """What is found fills the disk; nothing is given out until there is room; then it goes on."""
    folder = small_disk / "night"
    process = start(folder, "--lane", "bulk", "--workers", "2", "--seeded", SEED)
    lines: list[str] = []
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line)
        if "cannot be written" in line:
            break
    else:
        pytest.fail("".join(lines))
    assert "nothing is given out until it can" in lines[-1]
    check_whole(folder)
    time.sleep(3)
    full = status_of(folder, Ledger(folder))
    time.sleep(2)
    assert status_of(folder, Ledger(folder)).operations == full.operations
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    for line in process.stdout:
        lines.append(line)
        if "it goes on" in line:
            break
    wait_for_units(folder, sum(arm.units for arm in full.arms) + 1)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1, output
    assert "Traceback" not in output
    check_whole(folder)
    # None of those that waited was lost: what is done has no hole but what was under way at the end
    (first, *_) = Ledger(folder).done("bulk")
    assert first[0] == 0


@pytest.mark.deep
def test_a_full_disk_at_the_end(small_disk: Path) -> None:
    folder = small_disk / "night"
    process = start(folder, "--lane", "bulk", "--workers", "2", "--seeded", SEED, "--for", "12s")
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 1, output
    assert "Traceback" not in output
    assert "could not be written at the end" in output
    check_whole(folder)
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    assert run(folder, "--for", "2s")[0] == 1
    check_whole(folder)
    assert Ledger(folder).done("bulk")[0][0] == 0


def test_a_ledger_never_blocks_who_looks(tmp_path: Path) -> None:
    """A transaction under way in one process; another reads what there was before."""
    folder = tmp_path / "night"
    assert run(folder, "--for", "0s", *QUICK)[0] == 0
    writer = sqlite3.connect(folder / NAME)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("INSERT INTO done VALUES ('bulk', 0, 9)")
    assert Ledger(folder).done("bulk") == []
    writer.rollback()
