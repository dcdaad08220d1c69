"""A real Dask scheduler and light workers on this machine, for `mapleproof bench campaign`; and a real
campaign on them.

Scheduler and workers are processes of their own, so that the processor time of each is known; the campaign's
loop, with its plan, farm, ledger and folder, runs in this one.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from distributed import Client

from mapleproof.bench.campaign_workers import READY, set_light
from mapleproof.campaign.arms import Wanted
from mapleproof.campaign.campaign import Campaign, Options
from mapleproof.campaign.examples import open_database
from mapleproof.campaign.farm import Farm
from mapleproof.campaign.folder import Folder
from mapleproof.campaign.ledger import Ledger

LANES = ("bulk", "machine", "fork", "layouts")
"""Lanes whose lots are rows of numbers: light workers do nothing with them anyway."""

PER_PROCESS = 50
"""Light workers in one process, at the most."""

PATIENCE = 60.0
"""Seconds that scheduler and workers may take to begin, and a campaign to make the next lot."""


class ClusterError(Exception):
    """Scheduler or workers do not come up, or a campaign gets no further: which, in one line."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """The address of a scheduler, its process, and those of the workers."""

    address: str
    scheduler: psutil.Process
    workers: tuple[psutil.Process, ...]
    count: int

    def set(self, seconds: float, failing: float = 0.0) -> None:
        """From now on lots take so long, and ``failing`` of 1 report a failure."""
        with Client(self.address, set_as_default=False) as client:
            client.run(set_light, seconds, failing)


@dataclass(frozen=True, slots=True)
class Spent:
    """What some ``lots`` took: ``wall`` seconds, and processor seconds of scheduler, campaign's process and
    all workers; ``grown`` is bytes that the scheduler's process grew by."""

    lots: int
    wall: float
    scheduler: float
    campaign: float
    worker: float
    grown: int = 0

    @property
    def rate(self) -> float:
        """Lots a second."""
        return self.lots / self.wall


@contextmanager
def cluster(workers: int) -> Iterator[Cluster]:
    """A scheduler and so many light workers, whose lots take no time. Raises ClusterError."""
    started: list[subprocess.Popen[str]] = []
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "scheduler.json"
        command = ["-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"]
        try:
            scheduler = _start([*command, "--no-dashboard", "--scheduler-file", str(place)])
            started.append(scheduler)
            address = _address(place, scheduler)
            left = workers
            while left:
                share = min(left, PER_PROCESS)
                left -= share
                started.append(_start(["-m", "mapleproof.bench.campaign_workers", address, str(share)]))
            for process in started[1:]:
                assert process.stdout is not None
                if process.stdout.readline().strip() != READY:
                    raise ClusterError("light workers do not come up")
            watched = [psutil.Process(process.pid) for process in started]
            yield Cluster(address, watched[0], tuple(watched[1:]), workers)
        finally:
            for process in reversed(started):
                process.kill()
                process.wait()
                if process.stdout is not None:
                    process.stdout.close()


def _start(arguments: Sequence[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )


def _address(place: Path, scheduler: subprocess.Popen[str]) -> str:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and scheduler.poll() is None:
        try:
            return str(json.loads(place.read_text())["address"])
        except (OSError, ValueError):
            time.sleep(0.05)
    raise ClusterError("the scheduler does not come up")


def used(processes: Sequence[psutil.Process]) -> float:
    """Processor seconds that processes have had."""
    times = [process.cpu_times() for process in processes]
    return float(sum(one.user + one.system for one in times))


class Clock:
    """What is spent from its making on."""

    def __init__(self, on: Cluster) -> None:
        self.on = on
        self._before = self._used()
        self._held = on.scheduler.memory_info().rss
        self._wall = time.monotonic()

    def _used(self) -> tuple[float, float, float]:
        return used([self.on.scheduler]), time.process_time(), used(self.on.workers)

    def spent(self, lots: int) -> Spent:
        """What it was up to now, with so many lots."""
        wall = time.monotonic() - self._wall
        scheduler, campaign, workers = (
            late - early for early, late in zip(self._before, self._used(), strict=True)
        )
        grown = self.on.scheduler.memory_info().rss - self._held
        return Spent(lots, wall, scheduler, campaign, workers, grown)


@contextmanager
def campaign_on(on: Cluster) -> Iterator[Campaign]:
    """A real campaign in a folder of its own."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        stack.enter_context(closing(Folder(folder)))
        ledger = stack.enter_context(closing(Ledger.create(folder, {})))
        farm = stack.enter_context(closing(Farm(on.address, 0)))
        options = Options(folder, Wanted(lanes=LANES))
        yield Campaign(options, ledger, farm, open_database(folder / "examples", None))


def watch(on: Cluster, seconds: float) -> Spent:
    """What happens in so many seconds by itself."""
    clock = Clock(on)
    time.sleep(seconds)
    return clock.spent(0)


def run_lots(on: Cluster, lots: int) -> Spent:
    """What so many lots take, once each worker has had one. Raises ClusterError."""

    def enough(campaign: Campaign, began: int) -> bool:
        return campaign.now.lots - began >= lots

    return _run(on, on.count, enough, PATIENCE + lots)


def run_seconds(on: Cluster, seconds: float, warm: int) -> Spent:
    """What happens in so many seconds, once ``warm`` lots are done. Raises ClusterError."""
    end = 0.0

    def enough(campaign: Campaign, began: int) -> bool:
        nonlocal end
        end = end or time.monotonic() + seconds
        return time.monotonic() >= end

    return _run(on, warm, enough, PATIENCE + seconds)


def _run(on: Cluster, warm: int, enough: Callable[[Campaign, int], bool], patience: float) -> Spent:
    clock: Clock | None = None
    spent: Spent | None = None
    began, end = 0, time.monotonic() + patience

    def tell(campaign: Campaign) -> None:
        nonlocal clock, spent, began
        if campaign.now.ending or spent is not None:
            return
        if clock is None and campaign.now.lots >= warm and len(campaign.farm):
            clock, began = Clock(on), campaign.now.lots
        elif clock is not None and enough(campaign, began):
            spent = clock.spent(campaign.now.lots - began)
            on.set(0.0)  # so that none is waited for
        campaign.stop = spent is not None or time.monotonic() > end

    with campaign_on(on) as campaign:
        campaign.run(tell)
    if spent is None:
        raise ClusterError(f"a campaign on {on.count} light workers got no further")
    return spent
