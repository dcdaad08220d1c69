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

from mapleproof.impl.kernel.build import Variant
from mapleproof.impl.kernel.reader_mistakes import READER_SEEDS
from mapleproof.impl.kernel.seed import KernelSeed
from mapleproof.impl.kernel.seeds import fitting, seed_named
from mapleproof.impl.kernel.suite import KernelSuite, SuiteRun
from mapleproof.props.job.choose_port import choose_port, require_port, with_variant
from mapleproof.props.job.replay import replay_file
from mapleproof.props.job.units import Done, Task, run_unit
from mapleproof.props.maple.interleavings.explorers import explorer_of
from mapleproof.props.maple.subject import MAPLE_TREE

LANES = ("bulk",) * 4 + ("machine",)
"""Lanes by turns."""

READERS = ("interleavings",)
"""Those for a mistake that only a reader beside a writer meets."""


@dataclass
class Found:
    """What came of a seed: the smallest case (None: not found), what it took, what the kernel's suite did.

    ``confirmed``: the case passes without the mistake.
    """

    seed: KernelSeed
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


def search(port: str, seed: KernelSeed, seconds: float, out: Path, number: int = 0) -> Found:
    """Search for one mistake until it is found or time is up."""
    planted = with_variant(port, Variant(seed=seed.name))
    require_port(planted)
    if seed in READER_SEEDS:
        explorer_of(choose_port(planted, MAPLE_TREE))  # built before it counts
    began, operations = time.monotonic(), 0
    lanes = READERS if seed in READER_SEEDS else LANES
    for done in _units(planted, out / seed.name, number, lanes):
        operations += done.operations
        took = time.monotonic() - began
        if done.case is not None:
            path = Path(done.case)
            passes = replay_file(path, port).difference is None
            return Found(seed, path, done.failure or "", done.steps, operations, took, passes)
        if took > seconds:
            break
    return Found(seed, None, "", 0, operations, time.monotonic() - began)


def _units(port: str, out: Path, number: int, lanes: tuple[str, ...]) -> Iterator[Done]:
    counts = dict.fromkeys(lanes, 0)
    while True:
        for lane in lanes:
            counts[lane] += 1
            yield run_unit(Task(lane, counts[lane], number, port, str(out), careful=True))


def compare(tree: Path, seed: KernelSeed, seconds: float) -> SuiteRun:
    """What the kernel's own suite makes of a mistake."""
    with KernelSuite(tree) as suite:
        suite.build(seed)
        return suite.run(seconds)


def chosen(names: tuple[str, ...], tree: Path) -> list[KernelSeed]:
    """The seeds of these names, or all that fit a kernel's tree."""
    source = (tree / "lib/maple_tree.c").read_text()
    return [seed_named(name) for name in names] or list(fitting(source))
