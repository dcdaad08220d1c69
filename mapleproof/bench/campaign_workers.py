"""Light workers for `mapleproof bench campaign`: Dask's own, many in a process, whose lots only sleep.

They stand for workers on other machines. A lot takes a fixed time and brings back the report of a real unit;
nothing is carried out, so that what is left to measure is what a lot costs apart from its work. One thread
each, as a campaign has them.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
from dataclasses import replace
from typing import Any

from mapleproof.bench.campaign_samples import raw_finding, real_report
from mapleproof.campaign import worker
from mapleproof.campaign.lots import Lot, Report

READY = "ready"
"""The line that says that all workers have joined."""


class Light:
    """What a light worker does with a lot: nothing for ``seconds``, then a report, of which ``failing`` of 1
    holds a failure as it was met."""

    def __init__(self, seconds: float = 0.0, failing: float = 0.0) -> None:
        self.report = real_report()
        self.changed = threading.Event()
        self.set(seconds, failing)

    def set(self, seconds: float, failing: float) -> None:
        """From now on it is this; lots under way end."""
        self.seconds, self.failing, self._owed = seconds, failing, 0.0
        self.changed.set()
        self.changed = threading.Event()
        if failing:
            raw_finding(0)

    def __call__(self, lot: Lot) -> Report:
        seconds = self.seconds
        self.changed.wait(seconds)
        report = replace(self.report, units=lot.count, seconds=max(seconds, 0.001))
        self._owed += self.failing
        if self._owed >= 1:
            self._owed -= 1
            report.findings = [raw_finding(lot.first)]
        return report


def set_light(seconds: float, failing: float) -> None:
    """In a process of light workers: what its lots are from now on."""
    light: Any = worker.work
    light.set(seconds, failing)


async def serve(address: str, count: int) -> None:
    """Be so many workers until the scheduler ends."""
    import dask
    from distributed import Worker

    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    dask.config.set({"distributed.admin.system-monitor.gil.enabled": False})
    workers = [
        Worker(address, nthreads=1, dashboard=False, memory_limit=0, name=f"light-{os.getpid()}-{number}")
        for number in range(count)
    ]
    await asyncio.gather(*workers)
    print(READY, flush=True)
    await asyncio.gather(*(one.finished() for one in workers))


def main(address: str, count: str) -> None:
    """What a process of light workers does."""
    setattr(worker, "work", Light())  # noqa: B010 (lots name it so)
    asyncio.run(serve(address, int(count)))


if __name__ == "__main__":
    main(*sys.argv[1:])
