"""The simulation beside reality: a real campaign on light workers, near the rate that it can bear."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mapleproof.bench.campaign_cluster import Cluster, run_seconds
from mapleproof.bench.campaign_simulation import Costs, Setup, simulate


@dataclass(frozen=True, slots=True)
class Beside:
    """``workers`` with lots of ``seconds``: lots a second in a real run and in the simulation."""

    workers: int
    seconds: float
    real: float
    simulated: float

    @property
    def off(self) -> float:
        """How far the simulation is off, as a share of what is real."""
        return self.simulated / self.real - 1

    @property
    def busy(self) -> float:
        """The share of the workers' time spent in lots, in the real run."""
        return self.real * self.seconds / self.workers


def beside(
    costs: Costs,
    on: Cluster,
    lots: Sequence[float],
    span: float,
    tell: Callable[[str], None] = lambda line: None,
) -> list[Beside]:
    """Run lots of each of these lengths, in seconds, for ``span`` seconds. Raises ClusterError."""
    found = []
    for seconds in lots:
        tell(f"{on.count} workers, lots of {seconds:g} s, really")
        on.set(seconds)
        real = run_seconds(on, max(span, 3 * seconds), 2 * on.count).rate
        found.append(
            Beside(on.count, seconds, real, simulate(costs, Setup(on.count, seconds, spread=0.0)).rate)
        )
    return found
