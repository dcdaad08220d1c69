"""What runs in a worker of Dask: a lot goes on to a process of this worker's thread, and comes back.

A process that dies is replaced and its lot is done once more, the unit that it had begun by itself: if that
ends a process again, it is a finding, and the lot goes on behind it.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from time import monotonic

from mapleproof.campaign.child import Child, Died, heavy
from mapleproof.campaign.lots import Finding, Lot, Report, Shrinking

_of_thread = threading.local()
_all: set[Child] = set()
_ended = threading.Event()


def work(lot: Lot) -> Report:
    """Carry out a lot; its report holds what was found. Raises Died where processes end for no unit."""
    whole = Report()
    began = monotonic()
    at, end, suspect = lot.first, lot.first + lot.count, -2
    while at < end:
        stop = suspect if at < suspect else suspect + 1 if at == suspect else end
        try:
            report, findings = child(lot).ask(_piece(lot, at, stop - at))
        except Died as died:
            _forget()
            if suspect == -2:
                suspect = max(
                    died.unit, at
                )  # what was done before it is done again: its figures are gone too
            elif died.unit == suspect == at:
                whole.findings += [*died.findings, _death(lot, died)]
                whole.units += 1
                at, suspect = at + 1, -2
            else:
                raise
            continue
        whole.findings += findings
        _add(whole, report)
        at = stop
        if at > suspect:
            suspect = -2
        if heavy(report):
            _forget()
    whole.seconds = monotonic() - began
    return whole


def shrink(wanted: Shrinking) -> Finding:
    """Make a failure small; as it was, where the process ends over it."""
    began = monotonic()
    try:
        made, _ = child(wanted.lot).ask(wanted)
    except Died as died:
        _forget()
        told = [*wanted.told, f"the process that made it small died: {died}"]
        made = Finding(wanted.lot.first, wanted.sort, told, wanted.case, promise=wanted.promise)
    assert isinstance(made, Finding)
    made.seconds = monotonic() - began
    return made


def child(lot: Lot) -> Child:
    """The process of this thread, if it is one for such a lot, in which its mistake is planted; else a new
    one. Proofs execute the sources."""
    known: Child | None = getattr(_of_thread, "child", None)
    kind = lot.seeded, lot.arm.lane == "proofs"
    if known is None or (known.seeded, known.source) != kind or known.ended():
        _forget()
        if _ended.is_set():
            raise Died("the campaign has ended", -1, [])
        known = _of_thread.child = Child(*kind)
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
