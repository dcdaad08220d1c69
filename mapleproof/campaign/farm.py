"""Lots on Dask distributed: on threads of this process, or on the workers of a scheduler that the user runs.

Each thread of a worker has a process of its own in which lots are carried out (`worker.py`); so
without a scheduler the cluster is no more than threads here. A lot that is lost, with its worker or with the
scheduler, comes back as lost; a scheduler that went away is looked for until it is there again.
"""

from __future__ import annotations

import hashlib
import itertools
import logging
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import dask
from distributed import Client, Future, LocalCluster

from mapleproof.campaign import worker
from mapleproof.campaign.lots import Finding, Lot, Report, Shrinking
from mapleproof.props.common.port import PortError
from mapleproof.props.job.choose_port import require_port

ANSWER_SECONDS = 30.0
"""How long a scheduler may take to answer at the start."""

CLOSING_SECONDS = 5.0
"""How long workers are given to leave."""

BUILD_SECONDS = 300.0
"""How long a worker may take to make ready: it may have to build a kernel's tree."""

COUNTED_EVERY = 2.0
"""Seconds between two looks at how many workers there are."""

PACKAGES = ("model", "impl", "props", "proofs", "campaign")


class FarmError(Exception):
    """The workers cannot be had, or cannot do what is asked: which, and why, in one line."""


class Lost(Exception):
    """A lot's worker or scheduler went away, and what it did with it."""


Work = Lot | Shrinking


@dataclass(slots=True)
class Finished:
    """What came of a lot, or of making a failure small: a report or finding, or why there is none."""

    work: Work
    result: Report | Finding | Exception


class Farm:
    """The workers. ``scheduler`` is the address of a Dask scheduler; without it ``threads`` run here. Raises
    FarmError."""

    def __init__(self, scheduler: str | None, threads: int) -> None:
        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        self.scheduler = scheduler
        self._cluster: LocalCluster | None = None
        self._numbers = itertools.count()
        self._running: dict[Future[Any], Work] = {}
        self._counted = 0.0
        self._threads = 0
        worker.begin()
        if scheduler is None:
            # What a lot needs of memory is in the process that carries it out, which Dask does not see
            with dask.config.set({"distributed.admin.system-monitor.gil.enabled": False}):
                self._cluster = LocalCluster(
                    n_workers=threads,
                    threads_per_worker=1,
                    processes=False,
                    dashboard_address="127.0.0.1:0",
                    memory_limit=0,
                    silence_logs=logging.CRITICAL,
                )
            self._client = Client(self._cluster, set_as_default=False)
        else:
            self._client = self._connect(ANSWER_SECONDS)

    def _connect(self, seconds: float) -> Client:
        try:
            return Client(self.scheduler, timeout=seconds, set_as_default=False)
        except (OSError, ValueError, TimeoutError, ImportError) as error:
            reason = str(error).partition("\n")[0] or type(error).__name__
            raise FarmError(f"no scheduler answers at {self.scheduler}: {reason}") from None

    def ready(self, ports: Sequence[str]) -> None:
        """See that every worker runs this program and has these ports. Raises FarmError."""
        if self._cluster is not None:
            return
        asked = {
            address: self._client.submit(
                prepare,
                list(ports),
                workers=[address],
                pure=False,
                key=f"ready-{address}-{next(self._numbers)}",
            )
            for address in self._client.nthreads()
        }
        for address, future in asked.items():
            try:
                version, refused = future.result(timeout=BUILD_SECONDS)
            except Exception as error:
                raise FarmError(
                    f"worker {address} cannot run this program: {type(error).__name__}: {error}"
                ) from None
            if version != fingerprint():
                raise FarmError(
                    f"worker {address} runs another version of this program: {version}, not {fingerprint()}"
                )
            if refused:
                raise FarmError(f"worker {address}: {refused}")

    def threads(self) -> int:
        """Threads of all workers; 0 where there is no worker, or no scheduler just now."""
        now = time.monotonic()
        if now - self._counted > COUNTED_EVERY:
            self._counted = now
            self._threads = self._count()
        return self._threads

    def _count(self) -> int:
        if self._client.status != "running":
            self._look_for_scheduler()
            return 0
        try:
            return sum(self._client.nthreads().values())
        except (OSError, TimeoutError, TypeError):
            return 0

    def _look_for_scheduler(self) -> None:
        """A client looks for its scheduler by itself for a while; one that gave up is replaced."""
        if self._client.status in ("closed", "closing") and self._cluster is None:
            try:
                self._client = self._connect(1.0)
            except FarmError:
                return

    def connected(self) -> bool:
        """Whether there is a scheduler."""
        return bool(self._client.status == "running")

    def __len__(self) -> int:
        return len(self._running)

    def submit(self, work: Work) -> None:
        """Give work to a worker."""
        call: Any = worker.work if isinstance(work, Lot) else worker.shrink
        # One prefix for all keys: a scheduler keeps a record of each that it ever saw
        key = f"lot-{next(self._numbers)}"
        future = self._client.submit(call, work, pure=False, key=key, priority=isinstance(work, Shrinking))
        self._running[future] = work

    def lots(self) -> int:
        """Lots under way, what is made small not counted."""
        return sum(isinstance(work, Lot) for work in self._running.values())

    def finished(self) -> Iterator[Finished]:
        """What has come back since it was asked last."""
        ended = [future for future in self._running if future.status != "pending"]
        results = self._fetched([future for future in ended if future.status == "finished"])
        for future in ended:
            work = self._running.pop(future)
            yield Finished(work, results.get(future) or self._without_result(future))
            future.release()

    def _fetched(self, futures: list[Future[Any]]) -> dict[Future[Any], Report | Finding | Exception]:
        """Their results, in one call; one by one where some of them cannot be had."""
        if not futures:
            return {}
        with suppress(Exception):  # a worker that went away takes its results with it
            return dict(zip(futures, self._client.gather(futures), strict=True))
        return {future: self._one(future) for future in futures}

    def _one(self, future: Future[Any]) -> Report | Finding | Exception:
        try:
            result: Report | Finding = future.result(timeout=ANSWER_SECONDS)
        except Exception as error:
            return Lost(f"{type(error).__name__}: {error}")
        return result

    def _without_result(self, future: Future[Any]) -> Exception:
        if future.status != "error":
            return Lost(f"the scheduler went away: {future.status}")
        why = future.exception()
        died = type(why).__name__ == "KilledWorker"
        return Lost(str(why)) if died or not isinstance(why, Exception) else why

    def close(self) -> None:
        """Leave the workers; those of this process end, with the processes that they had. What does not leave
        in time ends with this process."""
        for future in self._running:
            future.cancel(force=True)
        try:
            for one in (self._client, self._cluster):
                if one is not None:
                    with suppress(TimeoutError):
                        one.close(timeout=CLOSING_SECONDS)
        finally:
            worker.end_all()


def prepare(ports: list[str]) -> tuple[str, str]:
    """On a worker: which version of this program it runs, and what port it cannot have."""
    try:
        for port in ports:
            require_port(port)
    except PortError as error:
        return fingerprint(), str(error)
    return fingerprint(), ""


@lru_cache
def fingerprint() -> str:
    """What tells this version of the program from others: a digest of its source."""
    whole = hashlib.sha256()
    top = Path(__file__).resolve().parents[1]
    for package in PACKAGES:
        for path in sorted((top / package).rglob("*")):
            if path.suffix in (".py", ".c", ".h", ".gz"):
                whole.update(f"{path.relative_to(top)}{os.sep}".encode())
                whole.update(path.read_bytes())
    return whole.hexdigest()[:12]
