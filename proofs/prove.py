"""Many claims at once, over several processes: what `mapleproof prove` runs."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from mapleproof.impl import compiled
from mapleproof.proofs.engine.claim import Claim, Judged, Unit, Wanted, do, judged_of, units
from mapleproof.proofs.engine.emitted import Opinion, compare, opinion_of
from mapleproof.proofs.registry import CLAIMS
from mapleproof.props.job.workers import Tell, Workers

Progress = Callable[[int, int], None]
"""Hears how many of all pieces of work are done."""

Piece = tuple[str, Unit]
"""A piece of work: the name of a claim, and a unit of it."""


class Subject(Protocol):
    """What claims are made about. It goes to the processes that do the work."""

    def claims(self) -> Mapping[str, Claim]:
        """The claims about it, by name."""
        ...


class Shipped:
    """Our own code."""

    def claims(self) -> Mapping[str, Claim]:
        return CLAIMS


def prove(
    names: Sequence[str], jobs: int, wanted: Wanted, progress: Progress, subject: Subject | None = None
) -> Iterator[Judged]:
    """The claims about a subject judged, in the order of their names. The work is done in processes of its
    own, which end with this generator: so an interrupt is heard at once, whatever the solver is doing."""
    anew = compiled.is_compiled()
    if anew:
        os.environ[compiled.PURE] = "1"  # proofs execute the sources, which new processes import
    subject = subject or Shipped()
    claims = subject.claims()
    work: list[Piece] = [(name, unit) for name in names for unit in units(claims[name], wanted)]
    done: dict[Piece, Judged] = {}
    told = 0
    count, do_one = min(jobs, max(1, len(work))), partial(_without_claim, subject, wanted)
    with Workers(count, do_one, patience=math.inf, anew=anew) as workers:
        waiting = iter(work)
        for name in names:
            pieces: list[Piece] = [piece for piece in work if piece[0] == name]
            while not all(piece in done for piece in pieces):
                while workers.idle and (piece := next(waiting, None)) is not None:
                    workers.submit(piece)
                for event in workers.wait():
                    event.must_not_fail()
                    done[event.task] = _judged(claims, event.task, event.result, event.lost)
                    told += 1
                    progress(told, len(work))
            yield judged_of(claims[name], wanted, (done[piece] for piece in pieces))


def _judged(claims: Mapping[str, Claim], piece: Piece, found: dict[str, Any] | None, lost: str) -> Judged:
    """What came out of a piece; one whose process ended has no answer."""
    name, (kind, which) = piece
    if found is not None:
        return Judged(claims[name], **found)
    return Judged(claims[name], "inconclusive", unknown=[f"{kind} {which}: its process ended: {lost}"])


def _without_claim(subject: Subject, wanted: Wanted, piece: Piece, tell: Tell) -> dict[str, Any]:
    """In a process of its own: what came out, without the claim, whose programs do not travel."""
    name, unit = piece
    judged = do(subject.claims()[name], unit, wanted)
    return {key: getattr(judged, key) for key in Judged.__slots__ if key != "claim"}


def second_opinion(folder: Path, jobs: int) -> Opinion:
    """cvc5 answers all final queries that were emitted to a folder again."""
    files = sorted(folder.glob("*.smt2"))
    with Workers(min(jobs, max(1, len(files))), _compare, patience=math.inf) as workers:
        answers: dict[Path, str] = {}
        waiting = iter(files)
        while len(answers) < len(files):
            while workers.idle and (path := next(waiting, None)) is not None:
                workers.submit(path)
            for event in workers.wait():
                event.must_not_fail()
                answers[event.task] = event.result
    return opinion_of(files, (answers[path] for path in files))


def _compare(path: Path, tell: Tell) -> Any:
    return compare(path)
