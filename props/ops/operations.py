"""Operations on maple trees, as data: what is done, apart from who does it.

State machines, bulk runs, counterexamples of proofs, case files and ports all speak in these. Each stands for
the kernel function of its name, with that function's argument names. Indices, sizes and limits are unsigned
64-bit; ranges and limits are inclusive. What an operation looks like in a case file, and what it answers, is
in `forms.py`.
"""

from props.ops.common_operations import Common, Entry
from props.ops.cursor_operations import (
    MasDestroy,
    MasEmptyArea,
    MasEmptyAreaRev,
    MasErase,
    MasExpectedEntries,
    MasFill,
    MasFind,
    MasFindRange,
    MasFindRangeRev,
    MasFindRev,
    MasInit,
    MasNext,
    MasNextRange,
    MasNomem,
    MasPause,
    MasPreallocate,
    MasPrev,
    MasPrevRange,
    MasReset,
    MasSet,
    MasSetRange,
    MasStore,
    MasStoreGfp,
    MasStorePrealloc,
    MasWalk,
)
from props.ops.tree_operations import (
    Fill,
    MtClearInRcu,
    MtFind,
    MtFindAfter,
    MtNext,
    MtPrev,
    MtreeAllocCyclic,
    MtreeAllocRange,
    MtreeAllocRrange,
    MtreeDestroy,
    MtreeDup,
    MtreeErase,
    MtreeInsertRange,
    MtreeLoad,
    MtreeStoreRange,
    MtSetInRcu,
    RcuBarrier,
    RcuReadLock,
    RcuReadUnlock,
    Snapshot,
)

Operation = (
    Fill
    | MtreeLoad
    | MtreeStoreRange
    | MtreeInsertRange
    | MtreeErase
    | MtreeAllocRange
    | MtreeAllocRrange
    | MtreeAllocCyclic
    | MtFind
    | MtFindAfter
    | MtNext
    | MtPrev
    | MtreeDup
    | MtreeDestroy
    | MtSetInRcu
    | MtClearInRcu
    | MasInit
    | MasSet
    | MasSetRange
    | MasReset
    | MasPause
    | MasWalk
    | MasFind
    | MasFindRange
    | MasFindRev
    | MasFindRangeRev
    | MasNext
    | MasNextRange
    | MasPrev
    | MasPrevRange
    | MasEmptyArea
    | MasEmptyAreaRev
    | MasStoreGfp
    | MasStore
    | MasErase
    | MasPreallocate
    | MasStorePrealloc
    | MasExpectedEntries
    | MasFill
    | MasNomem
    | MasDestroy
    | RcuReadLock
    | RcuReadUnlock
    | RcuBarrier
    | Snapshot
)
"""Every operation on maple trees."""

__all__ = [
    "Common",
    "Entry",
    "Fill",
    "MasDestroy",
    "MasEmptyArea",
    "MasEmptyAreaRev",
    "MasErase",
    "MasExpectedEntries",
    "MasFill",
    "MasFind",
    "MasFindRange",
    "MasFindRangeRev",
    "MasFindRev",
    "MasInit",
    "MasNext",
    "MasNextRange",
    "MasNomem",
    "MasPause",
    "MasPreallocate",
    "MasPrev",
    "MasPrevRange",
    "MasReset",
    "MasSet",
    "MasSetRange",
    "MasStore",
    "MasStoreGfp",
    "MasStorePrealloc",
    "MasWalk",
    "MtClearInRcu",
    "MtFind",
    "MtFindAfter",
    "MtNext",
    "MtPrev",
    "MtSetInRcu",
    "MtreeAllocCyclic",
    "MtreeAllocRange",
    "MtreeAllocRrange",
    "MtreeDestroy",
    "MtreeDup",
    "MtreeErase",
    "MtreeInsertRange",
    "MtreeLoad",
    "MtreeStoreRange",
    "Operation",
    "RcuBarrier",
    "RcuReadLock",
    "RcuReadUnlock",
    "Snapshot",
]
