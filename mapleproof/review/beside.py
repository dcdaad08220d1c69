"""The same operations on both sides: which answers differ though both are right, and what it costs.

A run of the bulk lane is drawn on one side, held against the model, and carried out on the other step by
step; from run to run the sides take turns, and no memory is refused. Nodes are counted by the allocator;
instructions by callgrind, where valgrind is there, on the same bytes that go to the process of either side.
"""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

from mapleproof.impl.kernel import wire
from mapleproof.impl.kernel.build import Build
from mapleproof.props.common.answers import Answer, differing
from mapleproof.props.common.difference import Difference
from mapleproof.props.common.forms import form_of, shared_arguments, spell
from mapleproof.props.common.operation import Common
from mapleproof.props.common.port import Lacking
from mapleproof.props.common.step import Step
from mapleproof.props.maple.kernel_port import KernelPort
from mapleproof.props.maple.lanes import bulk
from mapleproof.props.maple.lockstep import Lockstep
from mapleproof.props.maple.mixes import draw_mix

OPERATIONS = 1500
"""Operations of a run."""

COUNTED = "nodes_allocated"
"""What the allocator counts."""

RUNS_UNDER_VALGRIND = 3
"""Runs whose instructions are counted."""

_COST = re.compile(r"(?:[+-]?\d+|\*) (\d+)")
"""A line of callgrind's: where, and how much."""

PATIENCE = 600
"""Seconds for one run under valgrind, and the ticks that a step may take there."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """After by before: the middle of all runs, the least and the most."""

    middle: float
    least: float
    most: float
    runs: int

    def __str__(self) -> str:
        if self.least == self.most:
            return f"{self.middle:.3f}"
        return f"{self.middle:.3f} ({self.least:.3f} to {self.most:.3f})"


def ratio(pairs: Sequence[tuple[float, float]]) -> Ratio | None:
    """The ratio of these (before, after); None where there is nothing to divide by."""
    found = [after / before for before, after in pairs if before]
    return Ratio(median(found), min(found), max(found), len(found)) if found else None


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One way in which right answers differ: where, the keys of the answer, and the first time."""

    operation: str
    keys: tuple[str, ...]
    before: str
    after: str


@dataclass(slots=True)
class Beside:
    """What came of it. `shapes` counts runs at whose end the trees' nodes differ though their contents do
    not; `wrong` are runs that are not as they must be, by their sort, and whether on the side after; `nodes`
    and `instructions` are (before, after) of each run, the latter of what `counted` says."""

    runs: int = 0
    operations: int = 0
    behaviours: dict[tuple[str, tuple[str, ...]], Behaviour] = field(default_factory=dict)
    shapes: int = 0
    wrong: dict[str, tuple[bool, Difference]] = field(default_factory=dict)
    nodes: list[tuple[float, float]] = field(default_factory=list)
    instructions: list[tuple[float, float]] = field(default_factory=list)
    why_no_instructions: str = ""
    counted: str = "instructions"


def beside(before: Build, after: Build, seed: int, seconds: float, least: int = 1) -> Beside:
    """Carry out runs on both until the time is over, and ``least`` of them at any rate."""
    found = Beside()
    rng = random.Random(seed)
    end = time.monotonic() + seconds
    kept: list[tuple[int, list[Step]]] = []
    while time.monotonic() < end or found.runs < least:
        number = rng.getrandbits(48)
        drawn_on = (before, after)[found.runs % 2]
        steps = _drawn(number, drawn_on)
        found.runs += 1
        if steps is None:
            continue
        found.operations += len(steps)
        _carry_out(found, number, steps, before, after)
        if len(kept) < RUNS_UNDER_VALGRIND:
            kept.append((number, steps))
    _count_instructions(found, kept, before, after)
    return found


def _granted(op: Common) -> Common:
    """The operation with all the memory it asks for: which write needs any depends on where nodes are cut."""
    return replace(op, fail_after=None, fail_count=None, fail_nowait=None)


def _port(build: Build, number: int) -> KernelPort:
    mix = draw_mix(random.Random(number), True)
    return KernelPort(build, mix.alloc_range, mix.rcu)


def _drawn(number: int, build: Build) -> list[Step] | None:
    """The steps of a run that is as it must be; None where it is not, which is for the main job to tell."""
    run = bulk.recorded(number, OPERATIONS, lambda *_: _port(build, number), careful=True)
    return run.steps if run.finding is None else None


def _carry_out(found: Beside, number: int, steps: Sequence[Step], before: Build, after: Build) -> None:
    ports = _port(before, number), _port(after, number)
    try:
        for step in steps:
            old, new = (port.apply(_granted(step.op)) for port in ports)
            for port in ports:
                port.late_answers()
            form = form_of(step.op)
            keys = differing(old, new, "exact", form.moves)
            if keys:
                if (wrong := _wrong(number, steps, before, after)) is not None:
                    found.wrong.setdefault(wrong[1].sort, wrong)
                else:
                    shown = Behaviour(spell(step.op), keys, _told(old, keys), _told(new, keys))
                    found.behaviours.setdefault((form.name, keys), shown)
                return
        shapes = [[port.kernel.shape(tree) for tree in (0, 1)] for port in ports]
        found.shapes += shapes[0] != shapes[1]
        events: list[Counter[str]] = [port.kernel.events() for port in ports]
        found.nodes.append((events[0][COUNTED], events[1][COUNTED]))
    except Lacking:
        pass  # a side without that operation
    finally:
        for port in ports:
            port.close()


def _told(answer: Answer, keys: Sequence[str]) -> str:
    """These keys of an answer, as far as it has them."""
    given = answer.given()
    return ", ".join(f"{key}={given[key]}" for key in keys if key in given) or "nothing"


def _wrong(number: int, steps: Sequence[Step], before: Build, after: Build) -> tuple[bool, Difference] | None:
    """The side on which these steps are not as they must be, the one after where both are not: whether it is
    that one, and how. None where both are right."""
    mix = draw_mix(random.Random(number), True)
    for build in (after, before):
        port = _port(build, number)
        lockstep = Lockstep(port, alloc_range=mix.alloc_range, rcu=mix.rcu)
        try:
            for step in steps:
                lockstep.apply(_granted(step.op))
            lockstep.finish()
        except Difference as difference:
            return build is after, difference
        finally:
            port.close()
    return None


def _count_instructions(
    found: Beside, kept: Sequence[tuple[int, list[Step]]], before: Build, after: Build
) -> None:
    if shutil.which("valgrind") is None:
        found.why_no_instructions = "valgrind is not installed"
        return
    with suppress(subprocess.TimeoutExpired):
        for number, steps in kept:
            data = _bytes(number, steps)
            counts = [_instructions(build, data) for build in (before, after)]
            if not all(counts):
                found.why_no_instructions = "valgrind does not run it"
                return
            found.instructions.append((counts[0], counts[1]))


def _bytes(number: int, steps: Sequence[Step]) -> bytes:
    """What goes to the process for these steps, from its beginning."""
    mix = draw_mix(random.Random(number), True)
    asked = [{"op": "reset", "flags": mix.alloc_range | mix.rcu << 1, "mode": int(mix.rcu)}]
    for step in steps:
        form = form_of(step.op)
        if form.name not in wire.OPS or step.op.within is not None:
            continue
        op = _granted(step.op)
        data = {name: getattr(op, name) for name in form.arguments}
        data |= {"op": form.name, **dict(shared_arguments(op))}
        for of_readers in ("within", "access", "held_back"):
            data.pop(of_readers, None)
        asked.append(data)
    return len(asked).to_bytes(4, "little") + wire.encode_many(asked)


def _instructions(build: Build, data: bytes) -> float:
    """The instructions that functions of the tree's own source take for this; 0 where that fails."""
    with tempfile.TemporaryDirectory() as name:
        target = Path(name) / "out"
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={target}", "--dump-line=no"]
        done = subprocess.run(
            [*command, str(build.server), str(10 * PATIENCE)],
            input=data,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=PATIENCE,
            check=False,
        )
        return _of_tree(target.read_text()) if done.returncode == 0 and target.is_file() else 0


def _of_tree(profile: str) -> int:
    """Of callgrind's profile the cost of functions out of maple_tree.c and its header themselves."""
    names: dict[str, str] = {}
    total, ours, called = 0, False, False
    for line in profile.splitlines():
        if line.startswith(("fl=", "fi=", "fe=")):
            match = re.match(r"f[lie]=(\(\d+\))(?: (.*))?", line)
            if match:
                if match[2]:
                    names[match[1]] = match[2]
                ours = "maple_tree" in names.get(match[1], "")
        elif line.startswith(("cfi=", "cfl=")):
            match = re.match(r"cf[il]=(\(\d+\))(?: (.*))?", line)
            if match and match[2]:
                names[match[1]] = match[2]
        elif line.startswith("calls="):
            called = True
        elif match := _COST.fullmatch(line):
            if ours and not called:
                total += int(match[1])
            called = False
    return total
