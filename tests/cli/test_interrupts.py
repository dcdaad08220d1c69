"""Ctrl-C, a reader that goes away, a missing environment: nothing is lost, and nobody is left."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mapleproof.cli import status

COMMAND = [sys.executable, "-m", "mapleproof"]
LONGEST = 60.0
"""Seconds that it may take until a command has begun: a busy machine is slow."""


def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    """A command in a process group of its own, as a shell starts one."""
    return subprocess.Popen(
        [*COMMAND, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | environment,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # whatever this one was begun with
    )


def descendants(pid: int) -> set[int]:
    """The processes that come from this one, which has started them or has had them started."""
    children: dict[int, set[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = path.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if state != "Z":
            children.setdefault(int(parent), set()).add(int(path.parent.name))
    found: set[int] = set()
    waiting = [pid]
    while waiting:
        below = children.get(waiting.pop(), set()) - found
        found |= below
        waiting += below
    return found


def alive(pids: set[int]) -> set[int]:
    return {pid for pid in pids if Path(f"/proc/{pid}").exists() and not is_zombie(pid)}


def is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def wait_for_workers(process: subprocess.Popen[str], count: int) -> set[int]:
    """The descendants, once there are so many and they are at work."""
    end = time.monotonic() + LONGEST
    while time.monotonic() < end:
        found = descendants(process.pid)
        if len(found) >= count:
            time.sleep(1.0)
            return descendants(process.pid)
        time.sleep(0.05)
    process.kill()
    pytest.fail(f"it did not begin: {process.communicate()[0]}")


CHECK = ("check", "--seconds", "600", "--lane", "bulk", "--jobs", "2")
INTERRUPTED = [
    (CHECK, 2, True),
    (CHECK, 2, False),
    (("check", "--seconds", "600", "--recovery", "undo_v3", "--jobs", "1"), 1, True),
    (("prove", "write_kinds", "--jobs", "2"), 2, True),
    (("prove", "undo_exact"), 1, False),
]
"""A command, how many processes it starts, and whether all of them are interrupted, as by a terminal."""


@pytest.mark.parametrize(("arguments", "workers", "whole_group"), INTERRUPTED)
def test_ctrl_c_ends_with_the_tables_and_nobody_is_left(
    arguments: tuple[str, ...], workers: int, whole_group: bool, tmp_path: Path
) -> None:
    process = start(*arguments, "--out", str(tmp_path))
    below = wait_for_workers(process, workers)
    began = time.monotonic()
    if whole_group:
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=LONGEST)
    took = time.monotonic() - began
    assert process.returncode == status.INTERRUPTED, output
    assert re.match(r"Interrupted after \d+ s", output.splitlines()[-1]), output
    assert "Traceback" not in output
    assert "inconclusive" not in output
    assert not alive(below)
    assert took < LONGEST  # five seconds where the machine has nothing else to do


def test_what_was_found_by_then_is_kept(tmp_path: Path) -> None:
    """A flaw that is not known is told at once, and its case is written as it was met."""
    options = ("--seconds", "600", "--jobs", "1", "--out", str(tmp_path), "--seed", "0")
    process = start("check", *options, "--lane", "fork", "--seeded", "F06_ceiling_as_tree_limit")
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if " breaks '" in line:
            break
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=LONGEST)
    assert process.returncode == status.INTERRUPTED, "".join(lines) + output
    (case, *_) = tmp_path.glob("unmap_in_place-*.jsonl")
    assert str(case) in output
    assert "broken: unmap_in_place: " in output.splitlines()[-1]


def test_a_worker_ends_with_who_started_it(tmp_path: Path) -> None:
    process = start("check", "--seconds", "600", "--lane", "bulk", "--jobs", "2", "--out", str(tmp_path))
    below = wait_for_workers(process, 2)
    process.kill()
    process.communicate()
    end = time.monotonic() + LONGEST
    while alive(below) and time.monotonic() < end:
        time.sleep(0.05)
    assert not alive(below)


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    check = f"check --seconds 0 --lane bulk --seed 0 --out {tmp_path}"
    command = f"{sys.executable} -m mapleproof"
    for arguments, code in (
        (check, 0),
        (f"{check} --lane live", 3),
        ("check --seeded list", 0),
        ("--help", 0),
    ):
        script = f"{command} {arguments} | head -1 >/dev/null; exit ${{PIPESTATUS[0]}}"
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (code, ""), arguments
