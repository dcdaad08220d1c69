"""A case file replayed on a port that is named.

What a reader may see in the middle of writes depends on what it saw before, so a case with readers is held
against the answers in it first, and where those differ, against what readers may see on this port. On a
kernel's tree a reader in the middle of a write goes to the explorer, which tries all points; or to two
threads of the machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mapleproof.impl.kernel.stress import Stressed
from mapleproof.props.common.answers import Level
from mapleproof.props.common.difference import Difference
from mapleproof.props.common.lines import CaseError
from mapleproof.props.common.port import MakePort, NotOffered, Port, PortError
from mapleproof.props.common.replay import Replayed
from mapleproof.props.common.step import Step
from mapleproof.props.common.subject import Subject
from mapleproof.props.common.values import Refused
from mapleproof.props.job.choose_port import choose_port
from mapleproof.props.job.subjects import open_case
from mapleproof.props.maple.interleavings import our_unit
from mapleproof.props.maple.interleavings.case import has_readers_within, replayed
from mapleproof.props.maple.interleavings.explorers import build_behind, explorer_for, stress_for
from mapleproof.props.maple.interleavings.scenario import scenario_of
from mapleproof.props.maple.interleavings.threads import met_with_threads, stressed
from mapleproof.props.maple.lanes import rcu_run
from mapleproof.props.maple.operations import RcuReadLock
from mapleproof.props.maple.ports import ImplPort


def replay_file(path: str | Path, port_name: str = "impl", level: Level = "exact") -> Replayed:
    """Carry a case out. Raises CaseError, and PortError where the port cannot be had or is not asked this."""
    case = open_case(path)
    subject: Subject = case.header.subject
    flags = case.header.flags
    done: list[Step] = []

    def steps() -> Iterator[Step]:
        for step in case:
            done.append(step)
            yield step

    try:
        make_port = choose_port(port_name, subject)
        if (explored := _explored(path, make_port)) is not None:
            return explored
        port = make_port(**flags)
        try:
            result = subject.replay(steps(), port, level)
            if result.difference is not None:
                result = replace(result, held=_held(port, result.difference))
        finally:
            port.close()
    except NotOffered as refused:
        raise PortError(f"{path}: {refused}") from None
    if result.difference is not None and port.readers_look_within:
        done += list(case)
        if readers_may(done, make_port, flags):
            return Replayed(len(done), None)
    return result


def _explored(path: str | Path, make_port: MakePort) -> Replayed | None:
    """What came of a scenario of interleavings on a kernel's tree, or on the sources of ours; None for other
    cases and ports."""
    built = build_behind(make_port)
    ours = make_port is ImplPort
    case = open_case(path)
    if (built is None and not ours) or not case.header.flags.get("rcu"):
        return None
    operations = [step.op for step in case]
    if not has_readers_within(operations):
        return None
    alloc_range: bool = case.header.flags["alloc_range"]
    try:
        if built is None:
            return Replayed(len(operations), our_unit.replayed(alloc_range, operations))
        met = replayed(explorer_for(built), alloc_range, operations)
    except Refused:
        return None
    except our_unit.SourcesFailed as failed:
        raise PortError(f"{path}: the sources of our tree give no answer: {failed}") from None
    return Replayed(len(operations), None if met is None else met[0])


@dataclass(frozen=True, slots=True)
class WithThreads:
    """What came of a case with two threads: its steps, how often it ran, and what was met, if it was."""

    steps: int
    came: Stressed
    difference: Difference | None


def replay_with_threads(path: str | Path, port_name: str, seconds: float) -> WithThreads:
    """Run a case with one reader beside a writer again and again for so many seconds, with a thread for each.
    Raises CaseError where it is no such case, and PortError."""
    case = open_case(path)
    operations = [step.op for step in case]
    built = build_behind(choose_port(port_name, case.header.subject))
    if built is None:
        raise PortError("two threads run on a kernel's own tree: --threads needs --port kernel:PATH")
    try:
        scenario = scenario_of(case.header.flags["alloc_range"], operations)
    except Refused as refused:
        raise CaseError(path, None, f"nothing for two threads: {refused}") from None
    came = stressed(stress_for(built), scenario, seconds)
    return WithThreads(len(operations), came, met_with_threads(scenario, came))


def readers_may(steps: Sequence[Step], make_port: MakePort, flags: dict[str, bool]) -> bool:
    """Whether a case with readers, which saw something else than in the file, saw what they may see."""
    if not any(isinstance(step.op, RcuReadLock) or step.op.within is not None for step in steps):
        return False
    return rcu_run.rerun([step.op for step in steps], make_port, flags["alloc_range"]) is None


def _held(port: Port, difference: Difference) -> list[tuple[int, int, int]]:
    """What the tree holds at the time of a difference, if the port can still tell."""
    try:
        return port.snapshot(difference.op.tree)
    except Exception:
        return []
