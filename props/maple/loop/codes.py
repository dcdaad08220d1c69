"""The numbers of the checked loop: limits, errors, statuses, operations on the wire, standings of cursors.

This module is never compiled: a compiled one keeps such numbers as C does, and tells nobody.
"""

from mapleproof.impl.kernel.wire import FAIL_AFTER, FAIL_NEVER, FAIL_NOWAIT, FAIL_ONCE, GFP, OPS, STATUSES
from mapleproof.model.interval_map import MAX_INDEX
from mapleproof.props.maple.standings import Standing

MAX = MAX_INDEX
EBUSY, EEXIST, EINVAL, ENOMEM = 16, 17, 22, 12

ACTIVE, START, ROOT, NONE, PAUSE, OVERFLOW, UNDERFLOW, ERROR = range(len(STATUSES))
"""Statuses of cursors, as a kernel's process tells them."""

CODE = {name: code for code, name in enumerate(OPS)}

NEVER, NOWAIT, ONCE = FAIL_NEVER, FAIL_NOWAIT, FAIL_ONCE
CANNOT_WAIT, NOFAIL = FAIL_NOWAIT | GFP["nowait"], FAIL_AFTER | GFP["nofail"]
"""How a step is kept short of memory, as it goes over the pipe; from 0 up, so many nodes are granted."""

READY, NARROWED, STALE, LOST, REFUSED, AGAIN, PREPARED, MOVED, _ = map(int, Standing)
"""What a cursor may be used for, see `props.maple.standings`."""

CHECK, SNAPSHOT, LIVE = CODE["check"], CODE["snapshot"], CODE["live_allocations"]
RESET, BORDERS, EVENTS = CODE["reset"], CODE["borders"], CODE["events"]
READ_LOCK, READ_UNLOCK = CODE["rcu_read_lock"], CODE["rcu_read_unlock"]
GIVE_BACK, BARRIER = CODE["give_back"], CODE["rcu_barrier"]
LOAD, STORE, INSERT = CODE["mtree_load"], CODE["mtree_store_range"], CODE["mtree_insert_range"]
ERASE, ALLOC, ALLOC_REV = CODE["mtree_erase"], CODE["mtree_alloc_range"], CODE["mtree_alloc_rrange"]
ALLOC_CYCLIC, FIND, FIND_AFTER = CODE["mtree_alloc_cyclic"], CODE["mt_find"], CODE["mt_find_after"]
NEXT, PREV = CODE["mt_next"], CODE["mt_prev"]
DUP, MT_DUP = CODE["mtree_dup"], CODE["__mt_dup"]
DESTROY, MT_DESTROY = CODE["mtree_destroy"], CODE["__mt_destroy"]
IN_RCU, OUT_OF_RCU = CODE["mt_set_in_rcu"], CODE["mt_clear_in_rcu"]
OUTSIDE_LOCK = CODE["mt_set_external_lock"]
INIT, SET = CODE["mas_init"], CODE["mas_set"]
SET_RANGE, NARROW = CODE["mas_set_range"], CODE["__mas_set_range"]
WALK, MAS_FIND, MAS_FIND_RANGE = CODE["mas_walk"], CODE["mas_find"], CODE["mas_find_range"]
MAS_FIND_REV, MAS_FIND_RANGE_REV = CODE["mas_find_rev"], CODE["mas_find_range_rev"]
MAS_NEXT, MAS_NEXT_RANGE = CODE["mas_next"], CODE["mas_next_range"]
MAS_PREV, MAS_PREV_RANGE = CODE["mas_prev"], CODE["mas_prev_range"]
FOR_EACH, FOR_EACH_REV = CODE["mas_for_each"], CODE["mas_for_each_rev"]
AREA, AREA_REV = CODE["mas_empty_area"], CODE["mas_empty_area_rev"]
STORE_GFP, MAS_STORE, MAS_ERASE = CODE["mas_store_gfp"], CODE["mas_store"], CODE["mas_erase"]
PREALLOCATE, STORE_PREALLOC = CODE["mas_preallocate"], CODE["mas_store_prealloc"]
EXPECTED, NOMEM, NOMEM_NOFAIL = CODE["mas_expected_entries"], CODE["mas_nomem"], CODE["mas_nomem_nofail"]
MAS_ALLOC_CYCLIC, MAS_DESTROY = CODE["mas_alloc_cyclic"], CODE["mas_destroy"]
MAS_PAUSE, MAS_RESET = CODE["mas_pause"], CODE["mas_reset"]

LOOKS = ("mtree_load", "mt_find", "mt_find_after", "mt_next", "mt_prev")
MOVES = ("mas_walk", "mas_find", "mas_find_range", "mas_find_rev", "mas_find_range_rev")
STEPS = ("mas_next", "mas_next_range", "mas_prev", "mas_prev_range")
PLAIN = (*LOOKS, *MOVES, *STEPS)
"""The kinds of steps that are one operation."""

NAMES = (
    *("store", "store_null", "store_wide", "fill", "insert", "erase", "alloc", "alloc_rev"),
    *("alloc_cyclic", "bare", "wrong", "dup", "destroy", "rcu_mode", "barrier", "reader"),
    *("set", "pause", "area", "area_rev", "cross", "sweep", "mas_store", "mas_store_here"),
    *("mas_narrow", "mas_alloc_cyclic", "for_each", "mas_replace", "retry", "mas_erase"),
    *("prealloc", "prealloc_here", "bulk_load"),
)
KINDS = {name: 256 + number for number, name in enumerate(NAMES)}
"""The others, and their numbers."""
KINDS["store_counted"] = KINDS["store"]  # nodes are counted by `props.maple.lanes.draws` alone

K_STORE, K_STORE_NULL, K_STORE_WIDE = KINDS["store"], KINDS["store_null"], KINDS["store_wide"]
K_FILL, K_INSERT, K_ERASE, K_ALLOC = KINDS["fill"], KINDS["insert"], KINDS["erase"], KINDS["alloc"]
K_ALLOC_REV, K_ALLOC_CYCLIC, K_BARE = KINDS["alloc_rev"], KINDS["alloc_cyclic"], KINDS["bare"]
K_WRONG, K_DUP, K_DESTROY, K_RCU_MODE = KINDS["wrong"], KINDS["dup"], KINDS["destroy"], KINDS["rcu_mode"]
K_BARRIER, K_READER, K_SET, K_PAUSE = KINDS["barrier"], KINDS["reader"], KINDS["set"], KINDS["pause"]
K_AREA, K_AREA_REV, K_CROSS, K_SWEEP = KINDS["area"], KINDS["area_rev"], KINDS["cross"], KINDS["sweep"]
K_MAS_STORE, K_MAS_STORE_HERE = KINDS["mas_store"], KINDS["mas_store_here"]
K_MAS_NARROW, K_MAS_ALLOC_CYCLIC = KINDS["mas_narrow"], KINDS["mas_alloc_cyclic"]
K_FOR_EACH, K_MAS_REPLACE, K_RETRY = KINDS["for_each"], KINDS["mas_replace"], KINDS["retry"]
K_MAS_ERASE, K_PREALLOC, K_PREALLOC_HERE = KINDS["mas_erase"], KINDS["prealloc"], KINDS["prealloc_here"]
K_BULK_LOAD = KINDS["bulk_load"]
KINDS_OF_CURSORS = K_SET
"""From this number on."""
