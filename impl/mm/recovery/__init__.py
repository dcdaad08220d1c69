"""The recoveries, by name. A new one is one class in one file and one entry here."""

from __future__ import annotations

from impl.mm.recovery.base import Recovery
from impl.mm.recovery.bulk_insert import BulkInsert
from impl.mm.recovery.exit_marker_v2 import ExitMarkerV2
from impl.mm.recovery.open_coded import OpenCoded
from impl.mm.recovery.undo_v3 import UndoV3
from impl.mm.recovery.undo_v4 import UndoV4
from impl.mm.recovery.unmap_in_place import UnmapInPlace
from impl.mm.recovery.zero_marker import ZeroMarker, ZeroMarker614, ZeroMarker617

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

MEANT_TO_BE_RIGHT = "unmap_in_place"
"""The one that no promise may be broken by."""

__all__ = ["MEANT_TO_BE_RIGHT", "RECOVERIES", "Recovery"]
