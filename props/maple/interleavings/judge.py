"""What a reader's answers must be beside a writer: the hard level of `impl/kernel/explore/judge.c`, for our
own tree.

Contents come from the reference, one for the state before the first write and one after each. A reader may
see any state from the last write that was done when it came in to the last that was begun when it answered.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mapleproof.props.common.operation import Common
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.interleavings.known import DOWN
from mapleproof.props.maple.interleavings.scenario import Ranges

MAX = 2**64 - 1

RANGED = (ops.MasFindRange, ops.MasFindRangeRev, ops.MasNextRange, ops.MasPrevRange)
"""Steps that stop at empty ranges too."""

BESIDE = (ops.MasNext, ops.MasNextRange, ops.MasPrev, ops.MasPrevRange)
"""Steps that never answer with what is at the cursor."""


class Wrong(Exception):
    """An answer that is right at no time; ``str()`` says why, in the words of the explorer."""


@dataclass(frozen=True, slots=True)
class Read:
    """An answer: of which step, how many writes were begun by then, and what it says."""

    step: int
    until: int
    entry: Any
    index: int
    last: int
    status: str = "active"


class Judge:
    """What is right in one scenario. ``at`` is where the reader's cursor begins."""

    def __init__(self, states: Sequence[Ranges], at: int) -> None:
        self.whole = [_with_gaps(ranges) for ranges in states]
        self.starts = sorted({first for ranges in self.whole for first, _, _ in ranges})
        self.held = [_spread(ranges, self.starts) for ranges in self.whole]
        self.at = at
        self.low = self.high = 0

    def judge(self, reads: Sequence[Read], program: Sequence[Common], began: int) -> int:
        """The number of answers, all of which are right. Raises Wrong, with the answer's number as its
        second argument."""
        way = _Way(self)
        self.low = began
        for number, read in enumerate(reads):
            self.high = read.until
            try:
                self._one(way, program[read.step], read)
            except Wrong as wrong:
                raise Wrong(str(wrong), number) from None
        return len(reads)

    def _one(self, way: _Way, op: Common, read: Read) -> None:
        if isinstance(op, ops.MtreeLoad):
            self.right_entry(op.index, op.index, read.entry)
        elif isinstance(op, ops.MtFind):
            self._search(op, read)
        elif isinstance(op, ops.MtNext):
            self._neighbour(op.index, op.max, read.entry, True)
        elif isinstance(op, ops.MtPrev):
            self._neighbour(op.index, op.min, read.entry, False)
        elif isinstance(op, ops.MasWalk):
            way.walked(read)
        else:
            way.moved(op, read)

    # ---- of indices ----

    def interval(self, index: int) -> int:
        """The elementary interval that holds an index."""
        return bisect_right(self.starts, index) - 1

    def may_hold(self, at: int, entry: Any) -> bool:
        """Whether an interval has an entry in some state that may be seen."""
        return any(state[at] == entry for state in self._seen())

    def right_entry(self, first: int, last: int, entry: Any) -> None:
        """Each index of a range may have this entry."""
        for at in self._intervals(first, last):
            if not self.may_hold(at, entry):
                raise Wrong("an entry that the index never had")

    def right_gap(self, first: int, last: int) -> None:
        """Nothing was found in a range."""
        if first <= last and any(self._always(at) for at in self._intervals(first, last)):
            raise Wrong("an entry that was always there is skipped")

    def _seen(self) -> Sequence[Sequence[Any]]:
        return self.held[self.low : self.high + 1]

    def _intervals(self, first: int, last: int) -> range:
        return range(self.interval(first), self.interval(last) + 1)

    def _always(self, at: int) -> bool:
        entries = {state[at] for state in self._seen()}
        return len(entries) == 1 and entries != {None}

    def bare(self, entry: Any) -> bool:
        """Whether an entry stands alone at index 0 in some state that may be seen: from above it is found
        whatever the lower limit is, by the reference too (docs/deviations.md)."""
        return any(
            len(held) == 2 and held[0] == (0, 0, entry) for held in self.whole[self.low : self.high + 1]
        )

    # ---- of searches without a cursor ----

    def _search(self, op: ops.MtFind, read: Read) -> None:
        if read.entry is None:
            self.right_gap(op.index, op.max)
            return
        if read.last < op.index:
            raise Wrong("the next search would not go on")
        at = self.interval(read.last)
        if not self.may_hold(at, read.entry):
            raise Wrong("an entry that the index never had")
        while at and self.starts[at] > op.index and self.may_hold(at - 1, read.entry):
            at -= 1
        self.right_gap(op.index, max(self.starts[at], op.index) - 1)

    def _neighbour(self, index: int, limit: int, entry: Any, up: bool) -> None:
        """Beside the range of any state that the index is in, or beside the index itself."""
        if not up and self.bare(entry):
            return
        for ranges in self.whole[self.low : self.high + 1]:
            first, last, _ = next(held for held in ranges if held[1] >= index)
            if last == MAX if up else first == 0:
                if entry is None:
                    return
            elif self._may_be_next(last + 1 if up else first - 1, limit, entry, up):
                return
        beside = index + 1 if up else index - 1
        if entry is None or not 0 <= beside <= MAX or not self._may_be_next(beside, limit, entry, up):
            raise Wrong("a neighbour that is none in any state")

    def _may_be_next(self, begin: int, limit: int, entry: Any, up: bool) -> bool:
        if begin > limit if up else begin < limit:
            return entry is None
        at = self.interval(begin)
        while True:
            if at == len(self.starts) or (up and self.starts[at] > limit and self.starts[at] > begin):
                return entry is None
            if entry is not None and self.may_hold(at, entry):
                return True
            if self._always(at):
                return False
            if not up and self.starts[at] <= limit:
                return entry is None
            at += 1 if up else -1


class _Way:
    """A cursor's way through the tree."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self.placed = self.lost = False
        self.first = self.last = 0

    def walked(self, read: Read) -> None:
        self.lost = read.status != "active"
        if read.index > self.judge.at or read.last < self.judge.at:
            raise Wrong("the range does not hold the index")
        self._stand(read)
        self.judge.right_entry(read.index, read.last, read.entry)

    def moved(self, op: Common, read: Read) -> None:
        up, ranges = not isinstance(op, DOWN), isinstance(op, RANGED)
        limit: int = getattr(op, "max" if up else "min")
        stays = self.placed and (read.index, read.last) == (self.first, self.last)
        found = read.entry is not None or (ranges and read.status == "active" and not stays)
        right = self.judge
        if not self.lost and not self.placed and isinstance(op, BESIDE):
            self.lost = True
        if self.lost:
            if found:
                right.right_entry(read.index, read.last, read.entry)
            return
        if self.placed and (self.last == MAX if up else self.first == 0):
            self.lost = True
            if found:
                raise Wrong("the iteration does not go on")
            return
        begin = right.at if not self.placed else self.last + 1 if up else self.first - 1
        if not found:
            self.lost = True
            right.right_gap(*((begin, limit) if up else (limit, begin)))
            return
        if read.index > read.last:
            raise Wrong("a range that ends before it begins")
        right.right_entry(read.index, read.last, read.entry)
        past = limit < read.index > begin if up else limit > read.last < begin
        if past and (up or not right.bare(read.entry)):
            raise Wrong("what was found lies past the limit")
        if not self._goes_on(read, begin, up):
            raise Wrong("the iteration does not go on")
        if up and read.index > begin:
            right.right_gap(begin, read.index - 1)
        elif not up and read.last < begin:
            right.right_gap(read.last + 1, begin)
        self._stand(read)

    def _goes_on(self, read: Read, begin: int, up: bool) -> bool:
        if not self.placed:
            return read.last >= begin if up else read.index <= begin
        if up:
            return read.index > self.first and read.last > self.last
        return read.index < self.first and read.last < self.last

    def _stand(self, read: Read) -> None:
        self.placed, self.first, self.last = True, read.index, read.last


def _with_gaps(ranges: Ranges) -> list[tuple[int, int, Any]]:
    """All indices as ranges, empty ones too."""
    whole: list[tuple[int, int, Any]] = []
    begin = 0
    for first, last, entry in ranges:
        if first > begin:
            whole.append((begin, first - 1, None))
        whole.append((first, last, entry))
        begin = last + 1
    if begin <= MAX:
        whole.append((begin, MAX, None))
    return whole


def _spread(ranges: Sequence[tuple[int, int, Any]], starts: Sequence[int]) -> list[Any]:
    """The entry of each elementary interval."""
    spread, at = [], 0
    for start in starts:
        while ranges[at][1] < start:
            at += 1
        spread.append(ranges[at][2])
    return spread
