"""The sweep: one scenario, one recovery, and a fork that fails at the first request, the second, and so on,
until none is left and it succeeds.

A scenario is a list of operations that make a parent; space 0 is there at first, and the last space made is
the one that forks. A fork that failed and was recovered from leaves the world as it was, so the next one
goes on from there; after a broken promise the scenario is made anew.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from impl.mm.geometry import PageGeometry
from impl.mm.promises import COUNT, Alarm
from props.fork import operations as ops
from props.fork.ports import ImplSpaces, ModelSpaces
from props.ops.answers import Answer
from props.ops.common_operations import Common

WORLDS_LOST = 12
"""After so many broken forks of one scenario little more is learned from it: failure points are skipped."""

WORLDS_LOST_AT_MOST = 40


@dataclass(frozen=True, slots=True)
class Broken:
    """A promise that a fork broke: `program` ends with that fork."""

    promise: str
    what: str
    program: tuple[Common, ...]
    geometry: PageGeometry


@dataclass(slots=True)
class Swept:
    """What a sweep has seen. `points` counts failure points, `forks` all forks, `failed` those that failed.

    `refused` counts by what was asked for when a fork was made to fail. `broken` holds the first break of
    each promise.
    """

    forks: int = 0
    failed: int = 0
    points: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    broken: dict[str, Broken] = field(default_factory=dict)

    def add(self, other: "Swept") -> None:
        """Take another sweep's figures in; of breaks the shorter program stays."""
        self.forks += other.forks
        self.failed += other.failed
        self.points += other.points
        self.refused += other.refused
        for promise, broken in other.broken.items():
            known = self.broken.get(promise)
            if known is None or len(broken.program) < len(known.program):
                self.broken[promise] = broken


class BadScenario(Exception):
    """A scenario that does not even come to its fork as it should."""


def build(program: Sequence[Common], geometry: PageGeometry, *, observed: bool = True) -> ImplSpaces:
    """A world in which the scenario has been done. Raises BadScenario where an alarm goes off already."""
    port = ImplSpaces(geometry, observed=observed)
    for op in program:
        port.apply(op)
        if port.alarms:
            raise BadScenario(f"{op}: {port.alarms[0]}")
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
    """Fail at every request, or at those numbered `points` (0 is the first); at the end let one succeed,
    unless `succeeds` is False.

    With `only` it ends at the first break of that promise, or of "any". `port` is a world in which the
    program was done already.
    """
    swept = Swept()
    port = port or build(program, geometry, observed=observed)
    space, into = forker(program)
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
            if only == "any" or only in swept.broken or lost >= WORLDS_LOST_AT_MOST:
                return swept
            skip = max(0, lost - WORLDS_LOST)
            port = build(program, geometry, observed=observed)
        elif answer.ret == 0:
            port.apply(ops.Exit(into))
        if not refused:
            break
    if succeeds:
        _succeed(swept, port, program, geometry, ops.Fork(space, into, recovery))
    return swept


def _count(
    swept: Swept, port: ImplSpaces, answer: Answer, program: tuple[Common, ...], geometry: PageGeometry
) -> None:
    swept.forks += 1
    if answer.ret != 0:
        swept.failed += 1
    for promise, what in port.alarms:
        swept.broken.setdefault(promise, Broken(promise, what, program, geometry))


def _succeed(
    swept: Swept, port: ImplSpaces, program: Sequence[Common], geometry: PageGeometry, fork: ops.Fork
) -> None:
    """A fork without a failure, held against the reference; then the child's exit."""
    answer = port.apply(fork)
    _count(swept, port, answer, (*program, fork), geometry)
    if port.alarms:
        return
    model = ModelSpaces(geometry)
    for op in program:
        model.apply(op)
    model.apply(fork)
    alarm = difference(port, model, (fork.space, fork.into), geometry)
    if alarm is None and answer.ret == 0:
        port.apply(ops.Exit(fork.into))
        alarm = port.alarms[0] if port.alarms else None
    if alarm is not None:
        whole = (*program, fork)
        swept.broken.setdefault(alarm.promise, Broken(alarm.promise, alarm.what, whole, geometry))


def difference(
    port: ImplSpaces, model: ModelSpaces, spaces: Iterable[int], geometry: PageGeometry
) -> Alarm | None:
    """The first thing in which the spaces are not as the reference has them, as a broken promise."""
    for space in spaces:
        if space not in model.world.spaces:
            if space in port.spaces:
                return Alarm(COUNT, f"there is a space {space}")
            continue
        for query in queries(space, geometry):
            expected, actual = model.apply(query), port.apply(query)
            if expected != actual:
                return Alarm(PROMISE_OF.get(type(query), COUNT), f"{query}: {actual}, expected {expected}")
    return None


def queries(space: int, geometry: PageGeometry) -> list[Common]:
    """All that can be asked about a space."""
    tables = [ops.PageTables(space, level) for level in range(1, geometry.levels)]
    return [ops.Areas(space), ops.Pages(space), *tables, ops.Committed()]


PROMISE_OF = {
    ops.Pages: "pages zapped",
    ops.PageTables: "page tables freed exactly",
    ops.Committed: "charge zero",
}
"""Which promise is broken where an answer to a query is not the expected one."""
