"""The recoveries, by name. A new one is one class in one file and one entry here."""

from __future__ import annotations

from mapleproof.impl.mm.recovery.base import Recovery
from mapleproof.impl.mm.recovery.bulk_insert import BulkInsert
from mapleproof.impl.mm.recovery.exit_marker_v2 import ExitMarkerV2
from mapleproof.impl.mm.recovery.open_coded import OpenCoded
from mapleproof.impl.mm.recovery.undo_v3 import UndoV3
from mapleproof.impl.mm.recovery.undo_v4 import UndoV4
from mapleproof.impl.mm.recovery.unmap_in_place import UnmapInPlace
from mapleproof.impl.mm.recovery.zero_marker import ZeroMarker, ZeroMarker614, ZeroMarker617

RECOVERIES: dict[str, Recovery] = {
    recovery.name: recovery
    for recovery in (
        BulkInsert(),
        ExitMarkerV2(),
        UndoV3(),
        UndoV4(),
        OpenCoded(),
        ZeroMarker(),
        ZeroMarker614(),
        ZeroMarker617(),
        UnmapInPlace(),
    )
}
"""Every recovery by its name, the oldest first."""

HOLDING = tuple(name for name, recovery in RECOVERIES.items() if not recovery.known)[::-1]
"""Those of which no flaw is known, the newest first."""

MEANT_TO_BE_RIGHT = "unmap_in_place"
"""The one that no promise may be broken by."""


def claimed(claim: str) -> tuple[str, ...]:
    """The recoveries that a claim is made of, the oldest first."""
    return tuple(name for name, recovery in RECOVERIES.items() if claim in recovery.claimed)


__all__ = ["HOLDING", "MEANT_TO_BE_RIGHT", "RECOVERIES", "Recovery", "claimed"]
