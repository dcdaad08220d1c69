"""The sweep: one scenario, one recovery, and a fork that fails at the first request, the second, and so on,
until none is left and it succeeds.

A scenario is a list of operations that make a parent; space 0 is there at first, and the last space made is
the one that forks. A fork that failed and was recovered from leaves the world as it was, so the next one
goes on from there; after a broken promise the scenario is made anew.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from mapleproof.impl.mm.geometry import PageGeometry
from mapleproof.impl.mm.promises import ANSWERED, COUNT, Alarm
from mapleproof.props.common.answers import Answer
from mapleproof.props.common.forms import spell
from mapleproof.props.common.guard import is_hang
from mapleproof.props.common.operation import Common
from mapleproof.props.mm import operations as ops
from mapleproof.props.mm.ports import ImplSpaces, ModelSpaces

WORLDS_LOST = 12
"""After so many broken forks of one scenario little more is learned from it: failure points are skipped."""

WORLDS_LOST_AT_MOST = 40


@dataclass(frozen=True, slots=True)
class Broken:
    """A promise that a fork broke: `program` ends with that fork. `query` is what has to be asked then for it
    to show, None where the fork itself tells; `unfinished` says why there may be a smaller program."""

    promise: str
    what: str
    program: tuple[Common, ...]
    geometry: PageGeometry
    query: Common | None = None
    unfinished: str = ""

    @property
    def shown(self) -> tuple[Common, ...]:
        """The program, with what shows that the promise is broken at its end."""
        return self.program if self.query is None else (*self.program, self.query)


@dataclass(slots=True)
class Swept:
    """What a sweep has seen. `points` counts failure points, `forks` all forks, `failed` those that failed.

    `refused` counts by what was asked for when a fork was made to fail. `broken` holds the first break of
    each promise; ``hangs`` is whether a step came to no end, after which little more is learned, each such
    step costing its limit.
    """

    forks: int = 0
    failed: int = 0
    points: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    broken: dict[str, Broken] = field(default_factory=dict)
    hangs: bool = False

    def add(self, other: "Swept") -> None:
        """Take another sweep's figures in; of breaks the shorter program stays."""
        self.forks += other.forks
        self.failed += other.failed
        self.points += other.points
        self.refused += other.refused
        self.hangs = self.hangs or other.hangs
        for broken in other.broken.values():
            self.note(broken)

    def note(self, broken: Broken) -> None:
        """Take a break in: of a promise that is broken already the shorter program stays, but a hang comes
        before any other crash."""
        known = self.broken.get(broken.promise)
        if known is None or _order(broken) < _order(known):
            self.broken[broken.promise] = broken


def _order(broken: Broken) -> tuple[bool, int]:
    return not is_hang(broken.what), len(broken.program)


class BadScenario(Exception):
    """A scenario that does not even come to its fork as it should: `program` ends with the operation that
    broke a promise, `alarm` says which."""

    def __init__(self, program: Sequence[Common], geometry: PageGeometry, alarm: Alarm) -> None:
        super().__init__(f"{program[-1]}: {alarm.promise}: {alarm.what}")
        self.program = program
        self.geometry = geometry
        self.alarm = alarm


def build(program: Sequence[Common], geometry: PageGeometry, *, observed: bool = True) -> ImplSpaces:
    """A world in which the scenario has been done. Raises BadScenario where an alarm goes off already."""
    port = ImplSpaces(geometry, observed=observed)
    for number, op in enumerate(program, start=1):
        port.apply(op)
        if port.alarms:
            raise BadScenario(program[:number], geometry, port.alarms[0])
    return port


def forker(program: Sequence[Common]) -> tuple[int, int]:
    """Which space forks, and the number for its child: the last space that was made and is still there."""
    alive, highest = [0], 0
    for op in program:
        if isinstance(op, ops.Fork):
            alive.append(op.into)
            highest = max(highest, op.into)
        elif isinstance(op, ops.Exit) and op.space in alive:
            alive.remove(op.space)
    return (alive[-1] if alive else 0), highest + 1


def sweep(
    program: Sequence[Common],
    geometry: PageGeometry,
    recovery: str,
    *,
    points: Iterable[int] | None = None,
    observed: bool = True,
    only: str | None = None,
    port: ImplSpaces | None = None,
    succeeds: bool = True,
) -> Swept:
    """Let one fork succeed, unless `succeeds` is False; then fail at every request, or at those numbered
    `points` (0 is the first). A fork that is refused nothing comes first since one that does not end is met
    there at once, while one that is refused ends, if later with each request.

    With `only` it ends at the first break of that promise, or of "any"; at the first "hang" it ends in any
    case. `port` is a world in which the program was done already.
    """
    swept = Swept()
    port = port or build(program, geometry, observed=observed)
    space, into = forker(program)
    if succeeds:
        clean = _succeed(swept, port, program, geometry, ops.Fork(space, into, recovery))
        if swept.hangs or (swept.broken and only == "any") or only in swept.broken:
            return swept
        if not clean:
            port = build(program, geometry, observed=observed)
    lost = skip = 0
    for n in range(1 << 30) if points is None else points:
        if skip:
            skip -= 1
            continue
        fork = ops.Fork(space, into, recovery, fail_after=n)
        answer = port.apply(fork)
        if port.refused:
            swept.points += 1
            swept.refused[port.refused] += 1
        _count(swept, port, answer, (*program, fork), geometry)
        refused = port.refused
        if port.alarms:
            lost += 1
            if swept.hangs:
                return swept
            if only == "any" or only in swept.broken or lost >= WORLDS_LOST_AT_MOST:
                return swept
            skip = max(0, lost - WORLDS_LOST)
            port = build(program, geometry, observed=observed)
        elif answer.ret == 0:
            port.apply(ops.Exit(into))
        if not refused:
            break
    return swept


def _count(
    swept: Swept, port: ImplSpaces, answer: Answer, program: tuple[Common, ...], geometry: PageGeometry
) -> None:
    swept.forks += 1
    if answer.ret != 0:
        swept.failed += 1
    for promise, what in port.alarms:
        swept.hangs = swept.hangs or is_hang(what)
        if promise not in swept.broken or is_hang(what):
            swept.note(Broken(promise, what, program, geometry))


def _succeed(
    swept: Swept, port: ImplSpaces, program: Sequence[Common], geometry: PageGeometry, fork: ops.Fork
) -> bool:
    """A fork without a failure, held against the reference; then the child's exit. Whether the world is then
    as it was."""
    answer = port.apply(fork)
    _count(swept, port, answer, (*program, fork), geometry)
    if port.alarms:
        return False
    model = ModelSpaces(geometry)
    for op in program:
        model.apply(op)
    expected = model.apply(fork)
    if expected.ret != answer.ret:
        what = f"the fork answers {answer.ret}, not {expected.ret}"
        swept.note(Broken(ANSWERED, what, (*program, fork), geometry))
        return False
    whole, exit_child = (*program, fork), ops.Exit(fork.into)
    unlike = difference(port, model, (fork.space, fork.into), geometry)
    if unlike is not None:
        query, wanted, actual = unlike
        promise = PROMISE_OF.get(type(query), COUNT)
        what = f"{spell(query)}: {actual.entries}, expected {wanted.entries}"
        swept.note(Broken(promise, what[:LONGEST], whole, geometry, query))
        return False
    if answer.ret == 0:
        port.apply(exit_child)
        for alarm in port.alarms:
            swept.note(Broken(alarm.promise, alarm.what, whole, geometry, exit_child))
    return not port.alarms


LONGEST = 300
"""Characters of what is told of contents that differ."""


class Unlike(NamedTuple):
    """A question that two sides do not answer alike."""

    query: Common
    expected: Answer
    actual: Answer


def difference(
    port: ImplSpaces, model: ModelSpaces, spaces: Iterable[int], geometry: PageGeometry
) -> Unlike | None:
    """The first question about the spaces that the implementation answers otherwise than the reference."""
    for space in spaces:
        if space not in model.world.spaces:
            continue
        for query in queries(space, geometry):
            expected, actual = model.apply(query), port.apply(query)
            if expected != actual:
                return Unlike(query, expected, actual)
    return None


def queries(space: int, geometry: PageGeometry) -> list[Common]:
    """All that can be asked about a space."""
    tables = [ops.PageTables(space, level) for level in range(1, geometry.levels)]
    return [ops.Areas(space), ops.Pages(space), *tables, ops.Committed()]


QUERIES = (ops.Areas, ops.Pages, ops.PageTables, ops.Committed)
"""What can be asked about a space."""

PROMISE_OF = {
    ops.Pages: "pages zapped",
    ops.PageTables: "page tables freed exactly",
    ops.Committed: "charge zero",
}
"""Which promise is broken where an answer to a query is not the expected one."""
