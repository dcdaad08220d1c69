"""How many messages of Dask one lot takes: counted in a cluster on threads of this process.

Streams carry messages in bundles, so there are fewer packets than messages; calls are a question and an
answer each, and whoever asks waits. What does not come with lots (heartbeats) is left out.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from mapleproof.bench.campaign_samples import BULK, real_report
from mapleproof.campaign import worker
from mapleproof.campaign.farm import Farm
from mapleproof.campaign.lots import Lot, Report

THREADS = 4

TICK = 0.05
"""Seconds between two looks at what came back, as in a campaign: several reports wait then."""

SHARE = 0.5
"""What comes less often than this for each lot does not come with lots."""


def messages_per_lot(lots: int) -> dict[str, float]:
    """By the kind of a message, how many there are for a lot; calls begin with the word call."""
    with patch.object(worker, "work", nothing):
        farm = Farm(None, THREADS)
        try:
            with _counted() as counts:
                _carry_out(farm, lots)
        finally:
            farm.close()
    return {name: times / lots for name, times in sorted(counts.items()) if times >= SHARE * lots}


def nothing(lot: Lot) -> Report:
    """A lot that is not carried out: its report."""
    return replace(real_report(), units=lot.count, seconds=0.001)


def _carry_out(farm: Farm, lots: int) -> None:
    given = came = 0
    while came < lots:
        while given < lots and len(farm) < 2 * THREADS:
            farm.submit(Lot(BULK, given, 1))
            given += 1
        came += len(list(farm.finished()))
        time.sleep(TICK)


@contextmanager
def _counted() -> Iterator[Counter[str]]:
    from distributed import core
    from distributed.batched import BatchedSend

    counts: Counter[str] = Counter()
    send, ask = BatchedSend.send, core.send_recv

    def sending(self: BatchedSend, *messages: Any) -> None:
        counts.update(str(message.get("op")) for message in messages if isinstance(message, dict))
        send(self, *messages)

    async def asking(comm: Any, **message: Any) -> Any:
        counts[f"call {message.get('op')}"] += 1
        return await ask(comm, **message)

    with patch.object(BatchedSend, "send", sending), patch.object(core, "send_recv", asking):
        yield counts
