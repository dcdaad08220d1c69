"""Forks of the running kernel that fail half-way: a memory cgroup refuses what the child's page tables need.

A space of many VMAs, each with page tables of its own, is put into a cgroup with the OOM killer off; its
limit is raised page by page from what is used, and at each a fork is tried. One that fails must leave
nothing: no process, the parent as it was, and no kernel memory charged (looked at over many forks, since the
kernel keeps some pages in stock for each processor).

Needs a memory cgroup of version 1 that may be made here; else a limit to the number of tasks is used, which
fails a fork at its beginning only. ``why_not`` says what is missing.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from mapleproof.impl.kernel.live import REGION, LiveSpaces
from mapleproof.model.space import READ, WRITE

MEMORY = Path("/sys/fs/cgroup/memory")
PIDS = (Path("/sys/fs/cgroup/pids"), Path("/sys/fs/cgroup"))

VMAS = 48
STRIDE = 1 << 30
"""VMAs of a page each, so far apart that each needs two tables of its own."""

PAGE = 4096
PATIENCE = 0.3
"""Seconds after which memory is given to who waits for it."""

SETTLE = 5.0
"""Seconds that the kernel gets to free what it frees later."""

STOCK = 2 * 64 * PAGE
"""Bytes that may be kept in stock for each processor (MEMCG_CHARGE_BATCH), doubled."""


@dataclass(slots=True)
class Failing:
    """What came of it. ``tried`` and ``failed`` count forks, ``errors`` by errno; ``wrong`` is what must not
    be; ``how`` says what made them fail, ``errno`` is what such a fork must return; ``kept`` bytes of kernel
    memory were charged more at the end than after the first few failures."""

    how: str
    errno: int
    tried: int = 0
    failed: int = 0
    errors: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    kept: int = 0


def why_not() -> str:
    """Why no fork can be made to fail here; empty where one can."""
    if _may_make(MEMORY) or any(_may_make(folder) and (folder / "pids.max").exists() for folder in PIDS):
        return ""
    return "no fork can be made to fail: needs a cgroup for memory (version 1) or tasks that may be made here"


def _may_make(folder: Path) -> bool:
    return (folder / "cgroup.procs").exists() and os.access(folder, os.W_OK)


def failing_forks(rounds: int = 3) -> Failing:
    """Fail forks at every limit from none of what a fork needs to all of it, so many times over."""
    if _may_make(MEMORY):
        with _cgroup(MEMORY) as folder:
            return _by_memory(folder, rounds)
    with _cgroup(next(each for each in PIDS if _may_make(each))) as folder:
        return _by_tasks(folder, rounds)


@contextmanager
def _cgroup(above: Path) -> Iterator[Path]:
    folder = above / f"mapleproof-{os.getpid()}"
    folder.mkdir()
    try:
        yield folder
    finally:
        end = time.monotonic() + SETTLE
        while folder.exists():
            try:
                folder.rmdir()
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)


def _parent() -> LiveSpaces:
    live = LiveSpaces()
    for number in range(VMAS):
        start = REGION.start + number * STRIDE
        live.mmap(0, start, PAGE, READ | WRITE, False, None)
        live.write(0, start, number + 1)
    return live


def _state(live: LiveSpaces) -> tuple[object, ...]:
    """All that can be seen of the parent."""
    contents = [live.read(0, REGION.start + number * STRIDE) for number in range(VMAS)]
    return live.areas(0), live.table_bytes(0), contents


def _number(path: Path) -> int:
    return int(path.read_text())


def _by_memory(folder: Path, rounds: int) -> Failing:
    found = Failing("a memory cgroup's limit, OOM killer off", -errno.ENOMEM)
    live = _parent()
    (folder / "memory.oom_control").write_text("1")
    (folder / "cgroup.procs").write_text(str(live.pid(0)))
    limit, kernel = folder / "memory.limit_in_bytes", folder / "memory.kmem.usage_in_bytes"
    before, early = _state(live), 0
    for round_ in range(rounds):
        succeeded, pages = False, 0
        while not succeeded:
            used = _number(folder / "memory.usage_in_bytes")
            limit.write_text(str(used + pages * PAGE))
            # A process that has forked and writes to its stack needs a page too, and waits until it gets one
            relief = threading.Timer(PATIENCE, limit.write_text, ("-1",))
            relief.start()
            ret = live.fork(0, 1)
            relief.cancel()
            relief.join()
            limit.write_text("-1")
            succeeded = _came_of(ret, live, found, before)
            pages += 1 + pages // 16
        if round_ == 0:
            early = _settled(kernel)
    found.kept = max(0, _settled(kernel) - early)
    if found.kept > STOCK * (os.cpu_count() or 1):
        found.wrong.append(f"{found.failed} failed forks left {found.kept} bytes of kernel memory charged")
    live.close()
    return found


def _by_tasks(folder: Path, rounds: int) -> Failing:
    found = Failing("a limit to the number of tasks", -errno.EAGAIN)
    live = _parent()
    (folder / "cgroup.procs").write_text(str(live.pid(0)))
    (folder / "pids.max").write_text("1")
    before = _state(live)
    for _ in range(rounds):
        _came_of(live.fork(0, 1), live, found, before)
    live.close()
    return found


def _came_of(ret: int, live: LiveSpaces, found: Failing, before: tuple[object, ...]) -> bool:
    """Whether a fork has succeeded; the child exits. One that failed must have done nothing."""
    found.tried += 1
    if ret == 0:
        live.exit(1)
    else:
        found.failed += 1
        found.errors[ret] += 1
        if ret != found.errno:
            found.wrong.append(f"a fork that was refused memory or a task returned {ret}, not {found.errno}")
        children = Path(f"/proc/{live.pid(0)}/task/{live.pid(0)}/children")
        if children.exists() and children.read_text().strip():
            found.wrong.append("a child is there after a fork that failed")
    if _state(live) != before:
        found.wrong.append(f"the parent is not what it was after a fork that returned {ret}")
    return ret == 0


def _settled(usage: Path) -> int:
    """What is used once it does not get less any more."""
    last, end = _number(usage), time.monotonic() + SETTLE
    while time.monotonic() < end:
        time.sleep(0.2)
        now = _number(usage)
        if now >= last:
            break
        last = now
    return last
