"""Seeded mistakes of a kernel's own tree: how soon each is found here, and by the kernel's own suite.

The search goes unit by unit, as `check` does on that port, keeping away from what is known to be wrong
without a seed; what it finds is confirmed: the same case passes on the tree without the mistake.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from impl.kernel.build import Variant
from impl.kernel.seeds import SEEDS, Seed, seed_named
from impl.kernel.suite import KernelSuite, SuiteRun
from props.cases.replay_file import replay_file
from props.choose_port import choose_port, with_variant
from props.units import Done, Task, run_unit

LANES = ("bulk", "bulk", "machine")
"""Lanes by turns."""


@dataclass
class Found:
    """What came of a seed: the smallest case (None: not found), what it took, what the kernel's suite did.

    ``confirmed``: the case passes without the mistake.
    """

    seed: Seed
    case: Path | None
    sort: str
    steps: int
    operations: int
    seconds: float
    confirmed: bool = False
    suite: SuiteRun | None = None

    def as_json(self) -> dict[str, Any]:
        """Every figure."""
        suite = None if self.suite is None else asdict(self.suite)
        return asdict(self) | {"seed": self.seed.name, "case": str(self.case or ""), "suite": suite}


def search(port: str, seed: Seed, seconds: float, out: Path, number: int = 0) -> Found:
    """Search for one mistake until it is found or time is up."""
    planted = with_variant(port, Variant(seed=seed.name))
    choose_port(planted)
    began, operations = time.monotonic(), 0
    for done in _units(planted, out / seed.name, number):
        operations += done.operations
        took = time.monotonic() - began
        if done.case is not None:
            path = Path(done.case)
            passes = replay_file(path, choose_port(port), "exact")[0].difference is None
            return Found(seed, path, done.failure or "", done.steps, operations, took, passes)
        if took > seconds:
            break
    return Found(seed, None, "", 0, operations, time.monotonic() - began)


def _units(port: str, out: Path, number: int) -> Iterator[Done]:
    counts = dict.fromkeys(LANES, 0)
    while True:
        for lane in LANES:
            counts[lane] += 1
            yield run_unit(Task(lane, counts[lane], number, port, str(out), careful=True))


def compare(tree: Path, seed: Seed, seconds: float) -> SuiteRun:
    """What the kernel's own suite makes of a mistake."""
    with KernelSuite(tree) as suite:
        suite.build(seed)
        return suite.run(seconds)


def chosen(names: tuple[str, ...]) -> list[Seed]:
    """The seeds of these names, or all."""
    return [seed_named(name) for name in names] or list(SEEDS)
