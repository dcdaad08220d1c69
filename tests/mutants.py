"""How many random one-line mistakes the main job notices: `python -m tests.mutants --sample 44 --seed 1`.

Each is planted in a process of its own, which does the units of `mapleproof check` in their order until one
finds something, or its processor time is used up: 60 seconds are two cores for half a minute. A table tells
of each; the last line says how many were noticed. The exit status is 1 where fewer were than `--least` asks
for.
"""

from __future__ import annotations

import os

os.environ["MAPLEPROOF_PURE"] = "1"  # mistakes are planted in sources

import argparse
import itertools
import multiprocessing
import random
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import NamedTuple

from mapleproof.impl.mm.recovery import RECOVERIES
from mapleproof.props.job.options import Options, asked
from mapleproof.props.job.schedule import rounds
from mapleproof.props.job.units import Done, find
from mapleproof.props.mm.units import real_spaces
from tests.mutation import Mutant, Place, functions, places, planted

PACKAGES = ("impl.maple", "impl.mm")
SECONDS = 60.0
"""Of processor time: two cores for half a minute."""

LATE = 3
"""So many times that a process may take before it is ended: it hangs where no limit of the suite holds."""

UNREACHED = (
    "impl.maple.rows:",
    "impl.maple.structure:Structure.borders",
    "impl.maple.structure:Structure.add_borders",
    "impl.maple.tally:Tally.__dealloc__",
    "impl.mm.geometry:PageGeometry.__post_init__",
)
"""Functions whose mistakes are no mistakes of what is tested: of `rows` another form runs where it is
compiled, as of what gives memory back there; where nodes end is told for aiming only; and no run makes page
tables that cannot be."""

WORDS = 100
"""Characters of a line that are shown of a mistake."""


class Noticed(NamedTuple):
    """What came of a mistake: ``by`` what it was noticed, empty where it was not; after how many processor
    seconds."""

    by: str
    seconds: float


def all_places(packages: Sequence[str] = PACKAGES) -> list[Place]:
    """Every place for a one-line mistake in these packages."""
    return [
        place
        for package in packages
        for where in functions(package)
        if not where.startswith(UNREACHED)
        for place in places(where)
    ]


def sample(count: int, seed: int, packages: Sequence[str] = PACKAGES) -> list[Mutant]:
    """So many at random, as many out of each package."""
    rng = random.Random(seed)
    shares = [count // len(packages) + (n < count % len(packages)) for n in range(len(packages))]
    return [
        place.mutant()
        for package, share in zip(packages, shares, strict=True)
        for place in rng.sample(all_places((package,)), share)
    ]


def finding(done: Done) -> str:
    """What a unit has found, empty where all is as it should be."""
    if done.failure is not None:
        return f"{done.lane}: {done.failure}"
    if done.swept is not None and done.recovery is not None:
        for promise in done.swept.broken:
            if promise not in RECOVERIES[done.recovery].known:
                return f"{done.lane}: {done.recovery}: {promise}"
    return ""


def look(seconds: float) -> Noticed:
    """Do the units of the main job, with whatever is planted, until one finds something."""
    began = time.process_time()
    options = Options(vmas=tuple(tuple(space) for _, space in real_spaces(())))
    for task in itertools.chain.from_iterable(rounds(options, asked(options))):
        found = finding(find(task))
        spent = time.process_time() - began
        if found or spent > seconds:
            return Noticed(found, spent)
    raise AssertionError("the main job has no end")


def _child(mutant: Mutant, seconds: float, answer: Connection) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (int(LATE * seconds) + 1, resource.RLIM_INFINITY))
    with planted(mutant):
        try:
            answer.send(look(seconds))
        except BaseException as error:  # the process ends; what ended it is the answer
            answer.send(Noticed(f"{type(error).__name__} ends the job", time.process_time()))


def noticed(mutant: Mutant, seconds: float = SECONDS) -> Noticed:
    """What comes of a mistake in a process of its own."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(mutant, seconds, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        came: Noticed = ours.recv()
        return came
    except EOFError:
        return Noticed("", LATE * seconds)  # it hangs, and nothing tells of that
    finally:
        process.kill()
        process.join()


def sweep(chosen: Sequence[Mutant], seconds: float, jobs: int) -> Iterator[tuple[Mutant, Noticed]]:
    """What comes of each, in order."""
    with ThreadPoolExecutor(jobs) as pool:
        yield from zip(chosen, pool.map(lambda mutant: noticed(mutant, seconds), chosen), strict=True)


def line(mutant: Mutant, came: Noticed) -> str:
    """A mistake and what came of it, as a line of the table."""
    verdict = f"noticed  {came.seconds:5.1f} s" if came.by else "MISSED          "
    return f"{verdict}  {str(mutant)[:WORDS]}  |  {came.by}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--sample", type=int, default=44, metavar="N", help="how many  [default: 44]")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="which  [default: 0]")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of processor time for each")
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time")
    parser.add_argument("--least", type=float, default=0.9, help="the share to be noticed  [default: 0.9]")
    given = parser.parse_args()
    came = []
    for mutant, result in sweep(sample(given.sample, given.seed), given.seconds, given.jobs):
        came.append((mutant, result))
        print(line(mutant, result), flush=True)
    for package in PACKAGES:
        found = [bool(result.by) for mutant, result in came if mutant.where.startswith(f"{package}.")]
        print(f"{package}: {sum(found)} of {len(found)} noticed")
    share = sum(bool(result.by) for _, result in came) / max(1, len(came))
    spent = sum(result.seconds for _, result in came)
    print(f"{share:.0%} of {len(came)} noticed, in {spent:.0f} s of processor time")
    return 0 if share >= given.least else 1


if __name__ == "__main__":
    sys.exit(main())
