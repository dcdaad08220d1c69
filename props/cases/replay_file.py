"""A case file replayed: which way of replaying it takes.

What a reader may see in the middle of writes depends on what it saw before, so a case with readers is held
against the answers in it first, and where those differ, against what readers may see on this port.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from props.cases.files import CaseReader, Step
from props.cases.replay import Replayed, replay
from props.choose_port import MakePort
from props.difference import Difference
from props.lanes import rcu_run
from props.ops.answers import Level
from props.ops.operations import RcuReadLock
from props.ports import ImplPort, Port

Ranges = list[tuple[int, int, int]]


def replay_file(path: Path, make_port: MakePort, level: Level) -> tuple[Replayed, Ranges]:
    """Carry a case about maple trees out; and what the port's tree held where it differed.

    Raises CaseError, and PortError where the port cannot be had.
    """
    case = CaseReader(path)
    port = make_port(**case.header.flags)
    done: list[Step] = []

    def steps() -> Iterator[Step]:
        for step in case:
            done.append(step)
            yield step

    held: Ranges = []
    try:
        result = replay(steps(), port, level)
        if result.difference is not None:
            held = _held(port, result.difference)
    finally:
        port.close()
    if result.difference is not None and make_port is ImplPort and _has_readers(done):
        done += list(case)
        ops = [step.op for step in done]
        if rcu_run.rerun(ops, make_port, case.header.flags["alloc_range"]) is None:
            return Replayed(len(done), None), []
    return result, held


def _has_readers(steps: list[Step]) -> bool:
    return any(isinstance(step.op, RcuReadLock) or step.op.within is not None for step in steps)


def _held(port: Port, difference: Difference) -> Ranges:
    """What the tree holds at the time of a difference, if the port can still tell."""
    try:
        return port.snapshot(difference.op.tree)
    except Exception:
        return []
