"""What runs in a worker of Dask: a lot goes on to a process of this worker's thread, and comes back.

A process that dies is replaced and its lot goes on behind the unit that it had begun, which is tried once
more by itself: if the process dies again, that is a finding.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from time import monotonic

from props.campaign.child import Child, Died, heavy
from props.campaign.lots import Finding, Lot, Report, Shrinking

_of_thread = threading.local()
_all: set[Child] = set()
_ended = threading.Event()


def work(lot: Lot) -> Report:
    """Carry out a lot; its report holds what was found."""
    whole = Report()
    began = monotonic()
    at, end, tried = lot.first, lot.first + lot.count, -1
    while at < end:
        piece = _piece(lot, at, 1 if at == tried else end - at)
        try:
            report, findings = child(lot.seeded).ask(piece)
        except Died as died:
            _forget()
            whole.findings += died.findings
            if died.unit == tried or died.unit < 0:
                whole.findings.append(_death(lot, died))
                whole.units += max(died.unit, at) + 1 - at
                at = max(died.unit, at) + 1
            else:
                # Units of states and spaces are one piece: only a row of numbers can be gone on with
                whole.units += died.unit - at
                at = tried = died.unit
            continue
        whole.findings += findings
        _add(whole, report)
        at += report.units
        if heavy(report):
            _forget()
    whole.seconds = monotonic() - began
    return whole


def shrink(wanted: Shrinking) -> Finding:
    """Make a failure small. Raises Died where the process ends over it."""
    try:
        made, _ = child(wanted.lot.seeded).ask(wanted)
    except Died as died:
        _forget()
        told = [*wanted.told, f"the process that made it small died: {died}"]
        return Finding(wanted.lot.first, wanted.sort, told, wanted.case, promise=wanted.promise)
    assert isinstance(made, Finding)
    return made


def child(seeded: str | None) -> Child:
    """The process of this thread, in which that mistake is planted; a new one where there is none."""
    known: Child | None = getattr(_of_thread, "child", None)
    if known is None or known.seeded != seeded:
        _forget()
        if _ended.is_set():
            raise Died("the campaign has ended", -1, [])
        known = _of_thread.child = Child(seeded)
        _all.add(known)
    return known


def _forget() -> None:
    known: Child | None = getattr(_of_thread, "child", None)
    _of_thread.child = None
    if known is not None:
        _all.discard(known)
        known.close()


def end_all() -> None:
    """End the processes of all threads, whatever they do."""
    _ended.set()
    while _all:
        _all.pop().close()


def begin() -> None:
    """From now on there may be processes."""
    _ended.clear()


def _piece(lot: Lot, at: int, count: int) -> Lot:
    skipped = slice(at - lot.first, at - lot.first + count)
    return replace(lot, first=at, count=count, spaces=lot.spaces[skipped], sweeps=lot.sweeps[skipped])


def _death(lot: Lot, died: Died) -> Finding:
    told = [f"{lot.arm.name}, unit {died.unit} of seed {lot.seed}: {died}", *died.words.splitlines()[-12:]]
    return Finding(died.unit, f"process ended in {lot.arm.lane}: {died}", told)


def _add(whole: Report, report: Report) -> None:
    whole.units += report.units
    whole.operations += report.operations
    whole.events += report.events
    whole.features |= report.features
    whole.grown += report.grown
    whole.successors += report.successors
    whole.saved += report.saved
    whole.key = report.key or whole.key
    whole.memory, whole.process = report.memory, report.process
    if report.swept is not None:
        if whole.swept is None:
            whole.swept = report.swept
        else:
            whole.swept.add(report.swept)
