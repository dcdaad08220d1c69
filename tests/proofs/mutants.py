"""Changed conditions of functions that claims execute, and whether a proof fails then."""

from __future__ import annotations

import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from types import CodeType, FrameType
from typing import Any, NamedTuple

import z3

from mapleproof.proofs.engine.paths import Paths
from mapleproof.proofs.registry import CLAIMS
from tests.mutation import Mutant, planted

SECONDS = 60
"""A part that takes longer on changed code is not proved by it."""


class Late(Exception):
    """It took too long."""


@contextmanager
def in_time() -> Iterator[None]:
    """Raises Late after SECONDS of processor time."""

    def late(*_: Any) -> None:
        raise Late

    before = signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, SECONDS, 1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


class Found(NamedTuple):
    """What became of a change: ``verdict`` is "refuted", "survived", or "unresolved" where a part was not
    proved but not refuted either; and by what."""

    verdict: str
    by: str = ""


def tried(mutant: Mutant, parts: list[Part]) -> Found:
    """Plant a change and try parts of claims until one is refuted."""
    unresolved = ""
    with planted(mutant):
        for claim, part in parts:
            what = f"{claim}: {part}"
            try:
                with in_time():
                    found = Paths(CLAIMS[claim].parts[part]).explore()
            except Late:
                unresolved = unresolved or f"{what}: it took too long"
            except Exception as error:  # that the engine cannot run it tells nothing
                unresolved = unresolved or f"{what}: {type(error).__name__}"
            else:
                if found.refuted is not None:
                    return Found("refuted", f"{what}: {found.refuted[0]}")
                if not found.proved:
                    unresolved = unresolved or f"{what}: not all of it was visited"
    return Found("unresolved", unresolved) if unresolved else Found("survived")


Part = tuple[str, str]
"""A claim's name and a part's."""


class Unasked(Paths):
    """Goes the same ways and asks nothing of what is claimed there."""

    def _ask(self, about: str, *formulas: Any) -> Any:
        return super()._ask(about, *formulas) if about == "whether a path can be taken" else z3.unsat


class Run(NamedTuple):
    """What running a part takes: processor seconds, and which functions of SHIPPED run."""

    seconds: float
    functions: frozenset[str]


def run(part: Part, most: int | None = None) -> Run:
    """Explore a part, or walk so many paths of it, and see what runs."""
    claim, name = part
    seen: dict[CodeType, str | None] = {}

    def look(frame: FrameType, event: str, _argument: Any) -> None:
        code = frame.f_code
        if event == "call" and code not in seen:
            module = frame.f_globals.get("__name__", "").removeprefix("mapleproof.")
            shipped = module.startswith(SHIPPED) and "<" not in code.co_qualname
            seen[code] = f"{module}:{code.co_qualname}" if shipped else None

    program = CLAIMS[claim].parts[name]
    paths = Paths(program) if most is None else Unasked(program, most=most)
    started = time.process_time()
    sys.setprofile(look)
    try:
        paths.explore()
    finally:
        sys.setprofile(None)
    return Run(time.process_time() - started, frozenset(one for one in seen.values() if one is not None))


@cache
def runs() -> dict[Part, Run]:
    """What all parts of all claims run. This takes as long as proving them all, and half as long again."""
    return {(claim, part): run((claim, part)) for claim in CLAIMS for part in CLAIMS[claim].parts}


def parts_that_run(where: str, known: dict[Part, Run]) -> list[Part]:
    """The parts that run a function: first two of each kind of part, the quick ones before those that are
    long. Whole forks run everything, so they come last."""
    of_it = sorted(
        (one for one in known if where in known[one].functions), key=lambda one: known[one].seconds
    )
    kinds: Counter[Any] = Counter()
    order = []
    for part in of_it:
        kinds[part[0], known[part].functions] += 1
        whole = part[0] == "observers" or part[1].startswith("whole fork")
        order.append((whole, kinds[part[0], known[part].functions] > 2, len(order), part))
    return [part for *_, part in sorted(order)]


SHIPPED = ("impl.", "model.", "props.maple.loop.")
PACKAGES = ("impl.mm", "impl.maple", "impl", "model", "props.maple.loop")


def location(name: str) -> str:
    """Where a function is that a claim names, as package.module:path. Raises LookupError."""
    for package in PACKAGES:
        parts = name.split(".")
        depth = 0
        while _is_module(".".join([package, *parts[: depth + 1]])):
            depth += 1
        if depth:
            return f"{package}.{'.'.join(parts[:depth])}:{'.'.join(parts[depth:])}"
    raise LookupError(name)


def short(where: str) -> str:
    """The name that claims give a function."""
    module, _, path = where.partition(":")
    package = next(one for one in PACKAGES if module.startswith(f"{one}."))
    return f"{module.removeprefix(f'{package}.')}.{path}"


def executed() -> list[str]:
    """The functions that claims say they execute, as package.module:path."""
    return list(dict.fromkeys(location(name) for claim in CLAIMS.values() for name in claim.executes))


def _is_module(name: str) -> bool:
    try:
        return find_spec(f"mapleproof.{name}") is not None
    except ModuleNotFoundError:
        return False
