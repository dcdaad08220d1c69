"""The trees and cursors of a run on both sides, what each may be used for, and every operation on them.

The model goes first and says what must be answered. Only where a kernel may be refused memory does it answer
first, since only it knows how many nodes it needs; and then it was refused, as it may have been, or did what
the model does. What may be done with a cursor after what is the table in `props.maple.standings`.
"""

from __future__ import annotations

from mapleproof.props.maple.loop import entries
from mapleproof.props.maple.loop.codes import (
    AGAIN,
    ALLOC,
    ALLOC_CYCLIC,
    ALLOC_REV,
    AREA_REV,
    BARRIER,
    CHECK,
    DESTROY,
    DUP,
    ENOMEM,
    ERASE,
    ERROR,
    EXPECTED,
    FIND,
    FIND_AFTER,
    FOR_EACH,
    FOR_EACH_REV,
    GIVE_BACK,
    IN_RCU,
    INIT,
    INSERT,
    LIVE,
    LOAD,
    LOST,
    MAS_ALLOC_CYCLIC,
    MAS_DESTROY,
    MAS_ERASE,
    MAS_FIND,
    MAS_FIND_RANGE,
    MAS_FIND_RANGE_REV,
    MAS_FIND_REV,
    MAS_NEXT,
    MAS_NEXT_RANGE,
    MAS_PAUSE,
    MAS_PREV_RANGE,
    MAS_RESET,
    MAS_STORE,
    MOVED,
    MT_DESTROY,
    MT_DUP,
    NARROW,
    NARROWED,
    NEVER,
    NEXT,
    NOFAIL,
    NOMEM,
    NOMEM_NOFAIL,
    NOWAIT,
    OUT_OF_RCU,
    PAUSE,
    PREALLOCATE,
    PREPARED,
    PREV,
    READ_LOCK,
    READ_UNLOCK,
    READY,
    REFUSED,
    SET,
    SET_RANGE,
    SNAPSHOT,
    START,
    STORE,
    STORE_GFP,
    STORE_PREALLOC,
    WALK,
)
from mapleproof.props.maple.loop.cursor import Cursor
from mapleproof.props.maple.loop.differs import Differs
from mapleproof.props.maple.loop.tape import Tape
from mapleproof.props.maple.loop.tree import Tree
from mapleproof.props.maple.mixes import CURSORS
from mapleproof.props.maple.mixes import RHYTHM as _RHYTHM

RHYTHM = _RHYTHM


class Pair:
    """One tree on both sides. ``writes`` counts them; at ``look_at`` its contents are looked at; ``read``:
    a reader is inside."""

    def __init__(self, number: int, tree: Tree, rcu: bool) -> None:
        self.number = number
        self.tree = tree
        self.rcu = rcu
        self.read = False
        self.writes = self.look_at = 0


class Place(Cursor):
    """One cursor on both sides, and what it may be used for, as `lanes.pairs.CursorPair` has it."""

    def __init__(self, number: int, pair: Pair, index: int) -> None:
        super().__init__(pair.tree, index)
        self.number = number
        self.pair = pair
        self.standing = READY
        self.seen = 0
        self.loading = self.doubtful = False

    def usable(self) -> bool:
        """Whether it may be used for anything."""
        if self.standing:
            return False
        return self.seen == self.pair.writes or self.status == START or self.status == PAUSE


class Book:
    """The trees and cursors of a run. ``done`` counts operations; ``closely``: a tree is looked at after each
    write. All raise Differs where a side is wrong."""

    def __init__(self, tape: Tape, alloc_range: bool, rcu: bool) -> None:
        self.tape = tape
        self.closely = False
        self.alloc_range = alloc_range
        self.done = 0
        self.numbers = 1
        self.pairs = [Pair(0, Tree(alloc_range), rcu)]
        self.places: list[Place] = []
        for number in range(CURSORS):
            self.places.append(Place(number, self.pairs[0], 0))
            tape.step(INIT, number, 0, NEVER)
            tape.expect(0)

    # Whole trees

    def look(self, op: int, pair: Pair, a: int, b: int = 0) -> None:
        """Ask a tree something."""
        self.done += 1
        self.on_tree(op, pair, NEVER, a, b, 0, 0)

    def write(self, op: int, pair: Pair, fail: int, a: int = 0, b: int = 0, c: int = 0, d: int = 0) -> None:
        """Change a tree, with as much memory as ``fail`` says."""
        self.done += 1
        self.on_tree(op, pair, fail, a, b, c, d)
        self.written(pair)

    def fill(self, pair: Pair, first: int, stride: int, length: int, count: int) -> None:
        """Store many ranges, which must fit into the address space."""
        self.done += 1
        for number in range(count):
            at = first + number * stride
            self.on_tree(STORE, pair, NEVER, at, at + (length - 1), 1 + number, 0)
        self.written(pair)

    def on_tree(self, op: int, pair: Pair, fail: int, a: int, b: int, c: int, d: int) -> None:
        tape, tree = self.tape, pair.tree
        tape.step(op, 0, pair.number, fail, a, b, c, d)
        if fail != NEVER:
            tape.ask()
            if tape.ret == -ENOMEM and not self.cannot_be_refused(op, fail):
                one_slot = (op in (STORE, INSERT)) and tree.fits_one_slot(a, b, c)
                if not one_slot:
                    if op == ERASE and tape.entry != entries.raw(tree.map.at(a)):
                        raise Differs
                    return
        ret, entry, index, last = 0, 0, 0, 0
        if op == STORE:
            ret = tree.store_range(a, b, c)
        elif op == LOAD:
            entry = entries.raw(tree.map.at(a))
        elif op in (FIND, FIND_AFTER):
            entry = entries.raw(tree.find(a, b) if op == FIND else tree.find_after(a, b))
            index = tree.follows if entry else 0
        elif op == NEXT:
            entry = entries.raw(tree.next(a, b))
        elif op == PREV:
            entry = entries.raw(tree.prev(a, b))
        elif op == INSERT:
            ret = tree.insert_range(a, b, c)
        elif op == ERASE:
            entry = entries.raw(tree.erase(a))
        elif op in (ALLOC, ALLOC_REV):
            ret = tree.alloc(a, b, c, d, op == ALLOC_REV)
            index = tree.map.first if ret == 0 else 0
        elif op == ALLOC_CYCLIC:
            ret = tree.alloc_cyclic(a, b, c, d)
            if ret >= 0:
                index, last = tree.map.first, tree.follows
        elif op in (DESTROY, MT_DESTROY):
            tree.destroy()
        if fail != NEVER:
            tape.agree(ret, 0, entry, index, last)
        else:
            tape.expect(ret, 0, entry, index, last)

    def cannot_be_refused(self, op: int, fail: int) -> bool:
        """Whether an operation asks again with leave to sleep, or its caller says that it may not fail."""
        asks_again = op in (STORE, INSERT, ALLOC, ALLOC_REV, ALLOC_CYCLIC, MAS_ALLOC_CYCLIC, STORE_GFP)
        if fail == NOFAIL:
            return asks_again or op in (PREALLOCATE, DUP, MT_DUP)
        passes = fail == NOWAIT or fail >> 30 == 1
        return passes and (asks_again or op in (ERASE, MAS_ERASE))

    def dup(self, op: int, pair: Pair, fail: int) -> bool:
        """Duplicate a tree; whether there was the memory for it."""
        self.done += 1
        tape, number = self.tape, self.numbers
        self.numbers += 1
        tape.step(op, 0, pair.number, fail, number)
        if fail != NEVER:
            tape.ask()
            if tape.ret == -ENOMEM and fail != NOFAIL:
                return False
            if tape.ret:
                raise Differs
        else:
            tape.expect(0)
        copy = Pair(number, Tree(self.alloc_range), pair.rcu)
        copy.tree.copy_of(pair.tree)
        self.pairs.append(copy)
        return True

    def rcu_mode(self, pair: Pair, on: bool) -> None:
        """Switch RCU mode."""
        pair.rcu = on
        self.look(IN_RCU if on else OUT_OF_RCU, pair, 0)

    def reader(self, pair: Pair) -> None:
        """A reader comes in, or leaves."""
        op = READ_UNLOCK if pair.read else READ_LOCK
        pair.read = not pair.read
        self.look(op, pair, 0)

    def reader_inside(self) -> bool:
        """Whether a reader is inside any tree."""
        return any(pair.read for pair in self.pairs)

    def barrier(self) -> None:
        """The grace period ends."""
        self.done += 1
        self.tape.step(BARRIER, 0, 0, NEVER)
        self.tape.expect(0)

    # Cursors

    def tell(self, op: int, place: Place, a: int = 0, b: int = 0) -> None:
        """Something that is not answered."""
        self.tape.step(op, place.number, place.pair.number, NEVER, a, b)
        self.tape.expect(0)

    def init(self, place: Place, pair: Pair, index: int) -> None:
        """Put a cursor on a tree anew."""
        self.done += 1
        new = Place(place.number, pair, index)
        self.places[place.number] = new
        self.tell(INIT, new, index)

    def settled(self, place: Place) -> None:
        self.done += 1
        place.standing = READY
        place.doubtful = False
        place.seen = place.pair.writes

    def set(self, place: Place, index: int) -> None:
        place.set_range(index, index)
        self.tell(SET, place, index)
        self.settled(place)

    def set_range(self, place: Place, first: int, last: int) -> None:
        place.set_range(first, last)
        self.tell(SET_RANGE, place, first, last)
        self.settled(place)

    def pause(self, place: Place) -> None:
        place.pause()
        self.tell(MAS_PAUSE, place)
        self.settled(place)

    def reset(self, place: Place) -> None:
        """After a refusal a reset cursor is good for another try only."""
        refused = place.standing == REFUSED or place.standing == AGAIN
        place.reset()
        self.tell(MAS_RESET, place)
        self.settled(place)
        if refused:
            place.standing = AGAIN

    def narrow(self, place: Place, first: int, last: int) -> None:
        """Another range for a cursor that stands, or is to stand, where that begins."""
        self.done += 1
        place.narrow(first, last)
        self.tell(NARROW, place, first, last)
        moved = place.standing == PREPARED or place.standing == MOVED
        place.standing = MOVED if moved else NARROWED

    def move(self, op: int, place: Place, limit: int) -> None:
        """Walk or step with a usable cursor, or with one that holds nodes for a store."""
        self.done += 1
        self.tape.step(op, place.number, place.pair.number, NEVER, limit)
        if op == WALK:
            entry = place.walk()
        elif op in (MAS_FIND, MAS_FIND_RANGE):
            entry = place.find(limit, op == MAS_FIND_RANGE)
        elif op in (MAS_FIND_REV, MAS_FIND_RANGE_REV):
            entry = place.find_rev(limit, op == MAS_FIND_RANGE_REV)
        elif op in (MAS_NEXT, MAS_NEXT_RANGE):
            entry = place.next(limit, op == MAS_NEXT_RANGE)
        else:
            entry = place.prev(limit, op == MAS_PREV_RANGE)
        self.tape.expect(0, place.status, entries.raw(entry), place.index, place.last)
        if place.standing == PREPARED:
            place.standing = MOVED
        if op == WALK:
            place.doubtful = False
        place.seen = place.pair.writes

    def loop(self, up: bool, place: Place, limit: int) -> None:
        """All entries from a usable cursor on, up or down to a limit."""
        self.done += 1
        self.tape.step(FOR_EACH if up else FOR_EACH_REV, place.number, place.pair.number, NEVER, limit)
        words: list[int] = []
        while True:
            entry = place.find(limit, False) if up else place.find_rev(limit, False)
            if entry == 0:
                break
            words += [place.index, place.last, entries.raw(entry)]
        self.tape.expect(0, len(words))
        for word in words:
            self.tape.expect_word(word)
        place.seen = place.pair.writes

    def search(self, op: int, place: Place, low: int, high: int, size: int) -> bool:
        """Search for room with a cursor that was just set; whether it stands there now."""
        self.done += 1
        self.tape.step(op, place.number, place.pair.number, NEVER, low, high, size)
        ret = place.empty_area(low, high, size, op == AREA_REV)
        if ret:
            self.tape.expect(ret)
        else:
            self.tape.expect(0, 0, 0, place.index, place.last)
        if ret != -22:
            place.standing = LOST if ret else READY
            place.seen = place.pair.writes
            place.pair.tree.map.at(place.index)
            place.doubtful = ret == 0 and place.pair.tree.map.first != place.index
        return ret == 0

    def store(self, place: Place, fail: int, entry: int, op: int) -> bool:
        """Store over the range of a cursor that may do so (mas_store_gfp, mas_store); whether that was
        refused."""
        self.done += 1
        had_node = place.pair.tree.has_node
        refused = self.put(op, place, fail, entry)
        self.stored(place, had_node, REFUSED if refused else READY)
        return refused

    def put(self, op: int, place: Place, fail: int, entry: int) -> bool:
        """What stores, or gets the nodes for that, through a cursor; whether it was refused."""
        tape = self.tape
        tape.step(op, place.number, place.pair.number, fail, entry)
        if fail != NEVER:
            tape.ask()
            if tape.ret == -ENOMEM and self.store_refused(op, place, fail, entry):
                return True
        if op == PREALLOCATE:
            place.preallocate()
        elif op != EXPECTED:
            place.store(entry)
        if fail != NEVER:
            tape.agree(0)
        else:
            tape.expect(0)
        return False

    def store_refused(self, op: int, place: Place, fail: int, entry: int) -> bool:
        """Whether it may have been refused memory; if so the model's cursor is as after a refusal."""
        if op == STORE_PREALLOC or place.loading or self.cannot_be_refused(op, fail):
            return False
        if op == EXPECTED:
            return True
        if place.pair.tree.fits_one_slot(place.index, place.last, entry):
            return False
        if op == PREALLOCATE:
            place.reset()
        else:
            place.refuse()
        return True

    def alloc(self, place: Place, fail: int, entry: int, low: int, high: int, follows: int) -> None:
        """Store at the first empty index, with a cursor that was just set, and stand there."""
        self.done += 1
        tape, had_node = self.tape, place.pair.tree.has_node
        tape.step(MAS_ALLOC_CYCLIC, place.number, place.pair.number, fail, entry, low, high, follows)
        if fail != NEVER:
            tape.ask()
            if tape.ret == -ENOMEM and not self.cannot_be_refused(MAS_ALLOC_CYCLIC, fail):
                place.refuse()
                self.stored(place, had_node, LOST)
                return
        ret, index, last = place.alloc_cyclic(entry, low, high, follows), 0, 0
        if ret >= 0:
            index, last = place.index, place.pair.tree.follows
        if fail != NEVER:
            tape.agree(ret, 0, 0, index, last)
        else:
            tape.expect(ret, 0, 0, index, last)
        self.stored(place, had_node, READY if ret >= 0 else LOST)

    def nomem(self, place: Place) -> None:
        """Get memory for a store that was refused, which can be made again then."""
        self.done += 1
        if place.refused:
            place.reset()
        self.tape.step(NOMEM, place.number, place.pair.number, NEVER)
        self.tape.ask()
        self.tape.agree(1)
        place.standing = AGAIN
        place.seen = place.pair.writes

    def nomem_nofail(self, place: Place, first: int, last: int) -> None:
        """The same where it cannot fail; the cursor is set to first..last."""
        self.done += 1
        if place.refused:
            place.set_range(first, last)
        self.tape.step(NOMEM_NOFAIL, place.number, place.pair.number, NEVER, first, last)
        self.tape.ask()
        self.tape.agree(1)
        place.standing = AGAIN
        place.seen = place.pair.writes

    def erase(self, place: Place, fail: int) -> None:
        """Empty the range around a usable cursor."""
        self.done += 1
        tape, had_node = self.tape, place.pair.tree.has_node
        tape.step(MAS_ERASE, place.number, place.pair.number, fail)
        if fail != NEVER:
            tape.ask()
            if tape.status == ERROR:
                if self.cannot_be_refused(MAS_ERASE, fail):
                    raise Differs
                if tape.entry != entries.raw(place.pair.tree.map.at(place.index)):
                    raise Differs
                place.refuse()
                self.stored(place, had_node, LOST)
                return
        entry = entries.raw(place.erase())
        if fail != NEVER:
            tape.agree(0, place.status, entry, place.index, place.last)
        else:
            tape.expect(0, place.status, entry, place.index, place.last)
        self.stored(place, had_node, READY)

    def stored(self, place: Place, had_node: bool, standing: int) -> None:
        """A write through a cursor was made, or was refused."""
        place.standing = standing
        place.doubtful = had_node != place.pair.tree.has_node
        self.written(place.pair)
        place.seen = place.pair.writes

    def preallocate(self, place: Place, fail: int, entry: int) -> bool:
        """Get the nodes for a store ahead; whether they were had. If so the store must follow."""
        self.done += 1
        refused = self.put(PREALLOCATE, place, fail, entry)
        place.standing = AGAIN if refused else PREPARED
        place.seen = place.pair.writes
        return not refused

    def store_prealloc(self, place: Place, entry: int) -> None:
        """Store with the nodes that were got ahead, and no others."""
        self.done += 1
        had_node = place.pair.tree.has_node
        self.put(STORE_PREALLOC, place, 0, entry)
        self.stored(place, had_node, READY)

    def expect(self, place: Place, count: int, fail: int) -> bool:
        """Get the nodes for storing so many ranges in order, into an empty tree outside RCU mode; whether
        that was refused."""
        self.done += 1
        refused = self.put(EXPECTED, place, fail, count)
        place.loading = not refused
        place.standing = LOST
        return refused

    def load(self, place: Place, first: int, last: int, entry: int) -> None:
        """Store one of the ranges in order."""
        self.done += 2
        place.set_range(first, last)
        self.tell(SET_RANGE, place, first, last)
        self.put(MAS_STORE, place, 0, entry)
        self.written(place.pair)

    def destroy(self, place: Place) -> None:
        """Give back what was got ahead."""
        self.done += 1
        self.tell(MAS_DESTROY, place)
        place.standing = LOST
        place.loading = False

    # Looking at all that a tree holds

    def written(self, pair: Pair) -> None:
        pair.writes += 1
        if pair.writes >= pair.look_at:
            pair.look_at = pair.writes + (1 if self.closely else RHYTHM + pair.tree.map.count // 2)
            self.verify(pair)

    def verify(self, pair: Pair) -> None:
        """A tree's invariants, and all that it holds."""
        tape, held = self.tape, pair.tree.map
        tape.step(CHECK, 0, pair.number, NEVER)
        tape.expect(0)
        tape.step(SNAPSHOT, 0, pair.number, NEVER)
        tape.expect(0, 3 * held.count)
        for i in range(held.count):
            tape.expect_word(held.firsts[i])
            tape.expect_word(held.lasts[i])
            tape.expect_word(entries.raw(held.entries[i]))

    def finish(self) -> None:
        """Look at all trees a last time, and see that no node is left behind."""
        tape = self.tape
        for pair in self.pairs:
            if pair.read:
                self.reader(pair)
        tape.step(GIVE_BACK, 0, 0, NEVER)
        tape.expect(0)
        for pair in self.pairs:
            self.verify(pair)
        for pair in self.pairs:
            self.on_tree(DESTROY, pair, NEVER, 0, 0, 0, 0)
        tape.step(BARRIER, 0, 0, NEVER)
        tape.expect(0)
        tape.step(LIVE, 0, 0, NEVER)
        tape.expect(0)
        tape.flush()
