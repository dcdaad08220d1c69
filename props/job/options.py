"""What a user asks the main job for, and of that which parts can be done here."""

from __future__ import annotations

from dataclasses import dataclass

from mapleproof.impl.kernel import live
from mapleproof.impl.kernel.errors import KernelBuildError
from mapleproof.impl.mm.recovery import RECOVERIES
from mapleproof.impl.mm.recovery.base import Known
from mapleproof.props.common.planting import Seed
from mapleproof.props.job.choose_port import kind_of_port
from mapleproof.props.job.names import CHECK_LANES
from mapleproof.props.maple.lanes.maps import Space
from mapleproof.props.mm.maps import RealVma

MOST_FAILURES = 5
"""Distinct failures after which a run ends, unless told otherwise: there is enough to look at."""

FORK = "fork"
"""The lane that judges recoveries."""

BOOTED = "booted"
"""The lane that judges a booted kernel."""

IMPL = "impl"
LIVE = "live"
"""The ports whose parts have reasons of their own not to run."""


@dataclass(slots=True)
class Options:
    """What a user asks for.

    ``lanes`` are the parts to run; all that the port has where none is named. ``recoveries`` are those to
    judge, all where none is named. ``spaces`` and ``vmas`` are real address spaces, for the lane spaces and
    for fork; ``every_space`` asks for all of them, as naming them does, and not for as many as time allows.
    ``planted`` is the mistake that is called ``seeded``, where it is to be planted in our own code.
    ``careful`` keeps away from what is known of the 6.12 kernel.
    """

    seconds: float = 60
    jobs: int = 1
    seed: int = 0
    port: str = IMPL
    out: str = "mapleproof-out"
    seeded: str | None = None
    planted: Seed | None = None
    spaces: tuple[Space, ...] = ()
    lanes: tuple[str, ...] = ()
    recoveries: tuple[str, ...] = ()
    vmas: tuple[tuple[RealVma, ...], ...] = ()
    every_space: bool = False
    most_failures: int = MOST_FAILURES
    careful: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that is asked for: a lane, or fork under one recovery. ``recovery`` is what is judged by
    promises, which on a booted kernel is the port. ``why_not`` says why it cannot be done here; empty where
    it can."""

    lane: str
    recovery: str | None = None
    why_not: str = ""

    @property
    def name(self) -> str:
        """What the part is called in all that is printed."""
        return f"{self.lane} {self.recovery}" if self.lane == FORK else self.lane


def asked(options: Options) -> list[Part]:
    """The parts of a run: those that are named, or else all that the port has; what is meant to be right
    before what is known to be broken."""
    named = bool(options.lanes or options.recoveries)
    lanes = options.lanes or ((FORK,) if options.recoveries else CHECK_LANES)
    parts = []
    for lane in dict.fromkeys(lanes):
        why_not = reason_against(lane, options)
        if why_not and not named:
            continue  # nobody asked for it
        if lane == FORK:
            names = sorted(options.recoveries or RECOVERIES, key=is_known_broken)
            parts += [Part(lane, name, why_not) for name in dict.fromkeys(names)]
        else:
            parts.append(Part(lane, options.port if lane == BOOTED else None, why_not))
    return parts


def known_flaws(recovery: str | None) -> Known:
    """The promises that a recovery is known to break, with the reasons; none of a booted kernel."""
    return RECOVERIES[recovery].known if recovery in RECOVERIES else {}


def is_known_broken(recovery: str | None) -> bool:
    """Whether a recovery is known to break a promise."""
    return bool(known_flaws(recovery))


NEEDS = {
    "live": "it needs --port live",
    "booted": "it needs --port booted:PATH",
    "interleavings": "it needs --port kernel:PATH, or our own tree",
    "threads": "it needs --port kernel:PATH",
    "canaries": "it is about the alarms of the port impl",
    "tiny": "only the tree of the port impl can be made of nodes so small",
    "histories": "it is about the address spaces of the port impl",
    FORK: "recoveries belong to the fork of the port impl",
}
"""What a lane needs that not every port has."""


def reason_against(lane: str, options: Options) -> str:
    """Why a lane cannot run on a port here; empty where it can."""
    if lane not in kind_of_port(options.port).lanes:
        return NEEDS.get(lane, f"the port {options.port} has no maple trees")
    if lane == "live":
        return _live_reason()
    if lane == "readers" and options.careful and options.port != IMPL:
        return "--avoid-known keeps away from readers"
    if lane == "spaces" and not options.spaces:
        return "no address space can be read here: /proc has none"
    return ""


def _live_reason() -> str:
    """Why the running kernel cannot be asked here; empty where it can."""
    try:
        live.agent()
    except (KernelBuildError, OSError) as error:
        return str(error)
    return ""
