"""undo_v4: version 4 of the series (October 2023), the patch whose review started this project."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from mapleproof.impl.mm.promises import RELEASED, ZAPPED
from mapleproof.impl.mm.recovery.base import Known
from mapleproof.impl.mm.recovery.undo_v3 import NOTHING_ZAPPED, UndoV3

if TYPE_CHECKING:
    from mapleproof.impl.maple import Cursor
    from mapleproof.impl.mm.objects import Vma


class UndoV4(UndoV3):
    """As version 3, the cursor moved behind the first VMA."""

    name = "undo_v4"
    when = "v4, 2023-10"
    known: ClassVar[Known] = {
        ZAPPED: NOTHING_ZAPPED,
        RELEASED: "a reserved range that is not zapped stays reserved",
    }

    def move(self, cursor: Cursor, first: Vma) -> None:
        cursor.set(first.end)
