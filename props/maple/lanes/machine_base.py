"""What the rules of a state machine for trees stand on: the run in lockstep, and what there is to aim at."""

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize

from mapleproof.props.common.difference import Difference
from mapleproof.props.common.guard import limited_steps
from mapleproof.props.common.operation import Common
from mapleproof.props.common.port import Port
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.dispatch import TREE_FORMS
from mapleproof.props.maple.lanes import strategies
from mapleproof.props.maple.lockstep import Lockstep
from mapleproof.props.maple.ports import ImplPort
from mapleproof.props.maple.rules import Rules

CURSORS = 3
"""Cursors in a run; each is on one of its trees."""


MOVES = tuple(form for form in TREE_FORMS.values() if form.steps)
"""The operations that take a cursor up or down."""


def move(kind: int, limit: int | None, name: dict[str, Any]) -> Common:
    """The move of that number among `MOVES`, as far as `limit`, or None for as far as it goes."""
    form = MOVES[kind]
    make: Callable[..., Common] = form.operation
    furthest = strategies.TOP if form.limit == "max" else 0
    return make(furthest if limit is None else limit, **name)


class MachineBase(RuleBasedStateMachine):
    """One run in lockstep. `events` and `operations` count over all runs of a machine's class.

    `careful` keeps away from what is known to be wrong in the 6.12 kernel, for a port on that.
    """

    make_port: ClassVar[Callable[..., Port]] = ImplPort
    careful: ClassVar[bool] = False
    events: ClassVar[Counter[str]] = Counter()
    operations: ClassVar[int] = 0

    @initialize(alloc_range=st.booleans(), rcu=st.booleans())
    def begin(self, alloc_range: bool, rcu: bool) -> None:
        alloc_range = alloc_range or (rcu and self.careful)
        port = type(self).make_port(alloc_range=alloc_range, rcu=rcu)
        self.lockstep = Lockstep(port, alloc_range=alloc_range, rcu=rcu)
        self.rules_of_use = Rules(alloc_range, rcu, self.careful, port.traits)
        self.next_tree = 1
        self.failed = False
        self.guard = ExitStack()
        self.guard.enter_context(limited_steps())
        for cursor in range(1, CURSORS):
            self.do(ops.MasInit(0, cursor=cursor))

    def teardown(self) -> None:
        if not hasattr(self, "lockstep"):
            return
        try:
            if not self.failed:
                self.lockstep.finish()
        finally:
            self.guard.close()
            type(self).events.update(self.lockstep.port.events())
            self.lockstep.port.close()

    # What all rules use

    def do(self, op: Common) -> Any:
        """Carry out one operation, if it is allowed; its answer."""
        model = self.lockstep.model
        if self.rules_of_use.refusal(op, model) is not None:
            return None
        before = self.rules_of_use.before(op, model)
        try:
            answer = self.lockstep.apply(op)
        except Difference:
            self.failed = True
            raise
        self.rules_of_use.note(op, answer, model, before)
        type(self).operations += 1
        return answer

    def tree(self, code: int) -> int:
        """One of the trees."""
        trees = list(self.lockstep.model.trees)
        return trees[code % len(trees)]

    def aims(self, tree: int) -> tuple[list[tuple[int, int, int]], list[int]]:
        """What a tree holds and where its leaves end."""
        ranges = self.lockstep.model.trees[tree].map.ranges
        self.lockstep.rhythm = 16 + len(ranges) // 4
        return ranges, self.lockstep.port.borders(tree) if len(ranges) < 400 else []

    def span(self, where: int, to: int, tree: int) -> tuple[int, int]:
        return strategies.span(where, to, *self.aims(tree))

    def place(self, where: int, tree: int) -> int:
        return strategies.place(where, *self.aims(tree))

    def cursor(self, code: int) -> tuple[int, int]:
        """One of the cursors, and the tree that it is on."""
        cursor = code % CURSORS
        return cursor, self.rules_of_use.places[cursor].tree
