"""A lot: some units of one arm, as they go to a worker, and what comes back.

All that a worker knows of a campaign is in the lot, so any worker that has the program can carry it out.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from mapleproof.campaign.arms import Arm, Real
from mapleproof.proofs.growing import Grown
from mapleproof.props.common.files import Case
from mapleproof.props.mm.sweep import Swept


@dataclass(frozen=True, slots=True)
class Lot:
    """``count`` units of ``arm`` from ``first`` on. ``seed``, ``seeded`` and ``careful`` are the campaign's.

    ``spaces`` are the real address spaces of the units, one each, and ``sweeps`` the failure points in it:
    the first, and the step to the next. ``states`` of a tiny world, ``world``, are to be expanded, each a
    digest and the path of operations from the empty tree. ``examples`` are what Hypothesis' database has that
    was not tried yet; then they are all that is tried. ``patience`` is how many seconds one unit may take.
    """

    arm: Arm
    first: int
    count: int
    seed: int = 0
    seeded: str | None = None
    careful: bool = False
    spaces: tuple[Real, ...] = ()
    sweeps: tuple[tuple[int, int], ...] = ()
    world: int = -1
    states: tuple[tuple[bytes, bytes], ...] = ()
    examples: tuple[bytes, ...] = ()
    patience: float = 900.0

    @property
    def name(self) -> str:
        """What tells it from others, for people and for Dask."""
        return f"{self.arm.name} {self.first}+{self.count}"


@dataclass(frozen=True, slots=True)
class Shrinking:
    """A failure that is to be made small: its ``case`` as it was met, its ``sort`` and what was ``told`` of
    it.

    The ``lot`` it came from says the lane, port and care, ``number`` which one of all it is.
    """

    lot: Lot
    number: int
    sort: str
    told: tuple[str, ...]
    case: Case
    promise: str = ""
    patience: float = 900.0

    @property
    def name(self) -> str:
        """What tells it from others, for people and for Dask."""
        return f"shrink {self.number}"


@dataclass(slots=True)
class Finding:
    """A failure that a unit met. ``sort`` tells it from others: its kind, the operation and the place.

    ``told`` is what to show of it, ``case`` the run as it was met (None where there is none to show), and
    ``small`` whether it is as small as it will get, which took so many ``seconds``. ``promise`` is the one
    that a fork broke.
    """

    unit: int
    sort: str
    told: list[str]
    case: Case | None = None
    small: bool = True
    promise: str = ""
    seconds: float = 0.0


@dataclass(slots=True)
class Report:
    """What came of a lot. ``units`` were done of its count, in ``seconds`` of wall time.

    ``features`` are what tells one run from another: which events, in what number. ``successors`` are what
    the states of a tiny world lead to, as digest and path. ``saved`` are examples for Hypothesis' database,
    under ``key``. ``process`` carried it out, and holds so many bytes of ``memory``.
    """

    units: int = 0
    operations: int = 0
    seconds: float = 0.0
    events: Counter[str] = field(default_factory=Counter)
    features: set[str] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)
    swept: Swept | None = None
    grown: list[Grown] = field(default_factory=list)
    successors: list[tuple[bytes, bytes]] = field(default_factory=list)
    key: bytes = b""
    saved: list[bytes] = field(default_factory=list)
    memory: int = 0
    process: int = 0
