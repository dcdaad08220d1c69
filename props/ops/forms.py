"""The form of operations in case files: their names there, their arguments' kinds, and what they answer."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from props.ops import operations as ops
from props.ops.operations import Common

WORD_LIMIT = 2**64
ENTRY_LIMIT = 2**62

RANGES = {
    "index": range(WORD_LIMIT),
    "first": range(WORD_LIMIT),
    "last": range(WORD_LIMIT),
    "min": range(WORD_LIMIT),
    "max": range(WORD_LIMIT),
    "size": range(WORD_LIMIT),
    "next": range(WORD_LIMIT),
    "stride": range(WORD_LIMIT),
    "length": range(WORD_LIMIT),
    "count": range(2**20),
    "entry": range(1, ENTRY_LIMIT),
    "tree": range(2**16),
    "into": range(2**16),
    "cursor": range(2**8),
    "fail_after": range(2**32 - 1),
    "within": range(2**8),
    "start": range(WORD_LIMIT),
    "to": range(WORD_LIMIT),
    "new_size": range(WORD_LIMIT),
    "pages": range(WORD_LIMIT),
    "space": range(2**16),
    "flags": range(2**32),
    "file": range(2**16),
    "level": range(1, 5),
}
"""The numbers that an argument may be, by its name. Those in NULLABLE may be None too."""

NULLABLE = frozenset({"entry", "file"})

CHOICES: dict[str, tuple[str, ...]] = {}
"""The words that an argument may be, by its name, where it is no number."""

WORDS = {name for name, numbers in RANGES.items() if numbers.stop == WORD_LIMIT}
"""The arguments that are written in hex."""


@dataclass(frozen=True, slots=True)
class Form:
    """One row of the table.

    `answers` are the keys that the operation can answer. `writes` is whether it can change what the tree
    holds; `moves` whether it walks or moves a cursor by ranges, so that where the cursor stands is documented
    even if nothing was found.
    """

    name: str
    operation: type[Common]
    answers: tuple[str, ...] = ()
    writes: bool = False
    moves: bool = False

    arguments: tuple[str, ...] = field(init=False)
    """The names of the operation's own arguments, in order."""

    def __post_init__(self) -> None:
        shared = {one.name for one in fields(Common)}
        own = tuple(one.name for one in fields(self.operation) if one.name not in shared)
        object.__setattr__(self, "arguments", own)

    @property
    def reads(self) -> bool:
        """Whether it looks for an entry and changes nothing, so that a reader may do it."""
        return "entry" in self.answers and not self.writes

    @property
    def uses_cursor(self) -> bool:
        return self.name.startswith("mas_")


ENTRY = ("entry",)
RET = ("ret",)
START = ("ret", "start")
CURSOR = ("entry", "index", "last", "status")
AREA = ("ret", "index", "last")

FORMS: tuple[Form, ...] = (
    Form("mtree_load", ops.MtreeLoad, ENTRY),
    Form("mtree_store_range", ops.MtreeStoreRange, RET, writes=True),
    Form("fill", ops.Fill, RET, writes=True),
    Form("mtree_insert_range", ops.MtreeInsertRange, RET, writes=True),
    Form("mtree_erase", ops.MtreeErase, ("entry", "ret"), writes=True),
    Form("mtree_alloc_range", ops.MtreeAllocRange, START, writes=True),
    Form("mtree_alloc_rrange", ops.MtreeAllocRrange, START, writes=True),
    Form("mtree_alloc_cyclic", ops.MtreeAllocCyclic, ("ret", "start", "next"), writes=True),
    Form("mt_find", ops.MtFind, ("entry", "index")),
    Form("mt_find_after", ops.MtFindAfter, ("entry", "index")),
    Form("mt_next", ops.MtNext, ENTRY),
    Form("mt_prev", ops.MtPrev, ENTRY),
    Form("mtree_dup", ops.MtreeDup, RET),
    Form("mtree_destroy", ops.MtreeDestroy, writes=True),
    Form("mt_set_in_rcu", ops.MtSetInRcu),
    Form("mt_clear_in_rcu", ops.MtClearInRcu),
    Form("mas_init", ops.MasInit),
    Form("mas_set", ops.MasSet),
    Form("mas_set_range", ops.MasSetRange),
    Form("mas_reset", ops.MasReset),
    Form("mas_pause", ops.MasPause),
    Form("mas_walk", ops.MasWalk, CURSOR, moves=True),
    Form("mas_find", ops.MasFind, CURSOR),
    Form("mas_find_range", ops.MasFindRange, CURSOR, moves=True),
    Form("mas_find_rev", ops.MasFindRev, CURSOR),
    Form("mas_find_range_rev", ops.MasFindRangeRev, CURSOR, moves=True),
    Form("mas_next", ops.MasNext, CURSOR),
    Form("mas_next_range", ops.MasNextRange, CURSOR, moves=True),
    Form("mas_prev", ops.MasPrev, CURSOR),
    Form("mas_prev_range", ops.MasPrevRange, CURSOR, moves=True),
    Form("mas_empty_area", ops.MasEmptyArea, AREA),
    Form("mas_empty_area_rev", ops.MasEmptyAreaRev, AREA),
    Form("mas_store_gfp", ops.MasStoreGfp, RET, writes=True),
    Form("mas_store", ops.MasStore, RET, writes=True),
    Form("mas_erase", ops.MasErase, CURSOR, writes=True),
    Form("mas_preallocate", ops.MasPreallocate, RET),
    Form("mas_store_prealloc", ops.MasStorePrealloc, writes=True),
    Form("mas_fill", ops.MasFill, RET, writes=True),
    Form("mas_expected_entries", ops.MasExpectedEntries, RET),
    Form("mas_nomem", ops.MasNomem, RET),
    Form("mas_destroy", ops.MasDestroy),
    Form("rcu_read_lock", ops.RcuReadLock),
    Form("rcu_read_unlock", ops.RcuReadUnlock),
    Form("rcu_barrier", ops.RcuBarrier),
    Form("snapshot", ops.Snapshot, ("entries",)),
)

BY_NAME: Mapping[str, Form] = {form.name: form for form in FORMS}
BY_TYPE: dict[type[Common], Form] = {form.operation: form for form in FORMS}


def register(more: Iterable[Form], choices: Mapping[str, tuple[str, ...]]) -> Mapping[str, Form]:
    """Let the operations of another subject be known too: their forms by name."""
    named = {form.name: form for form in more}
    BY_TYPE.update((form.operation, form) for form in named.values())
    CHOICES.update(choices)
    return named


def shared_arguments(op: Common) -> Iterator[tuple[str, int]]:
    """The arguments that any operation can have, where they are not as they usually are."""
    for shared in fields(Common):
        value = getattr(op, shared.name)
        if value != shared.default:
            yield shared.name, value


def form_of(op: Common) -> Form:
    return BY_TYPE[type(op)]


def hexadecimal(name: str, value: Any) -> Any:
    """An argument or answer as a case file holds it: words as hex strings, all else as it is."""
    return f"{value:#x}" if name in WORDS or name == "start" else value


def spell(op: Common) -> str:
    """An operation as the kernel would write it: `mtree_store_range(first=0x10, last=0x1f, entry=3)`."""
    form = form_of(op)
    arguments = [f"{name}={hexadecimal(name, getattr(op, name))}" for name in form.arguments]
    arguments += [f"{name}={value}" for name, value in shared_arguments(op)]
    return f"{form.name}({', '.join(arguments)})".replace("None", "NULL")
