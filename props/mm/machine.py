"""A state machine over whole histories of address spaces: map, unmap, protect, advise, touch, fork and fail
at any point, exit; with others looking on between lock operations.

Not covered: recoveries of the past that break a promise; the sweep judges those.
"""

from collections.abc import Callable
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from mapleproof.impl.mm.geometry import PageGeometry
from mapleproof.props.common.difference import Difference
from mapleproof.props.common.found import OUT, replay_command
from mapleproof.props.common.operation import Common
from mapleproof.props.mm import operations as ops
from mapleproof.props.mm import strategies as some
from mapleproof.props.mm.case import write_space_case
from mapleproof.props.mm.dispatch import drawn
from mapleproof.props.mm.lockstep import SpacesLockstep

MOST_SPACES = 4
COUNTS = {"fork": 0, "failed fork": 0, "exit": 0}
"""What was done, over all runs."""


class AddressSpaceMachine(RuleBasedStateMachine):
    """One history. On a difference it is written as a case."""

    @initialize(geometry=some.geometries)
    def begin(self, geometry: PageGeometry) -> None:
        self.geometry = geometry
        self.lockstep = SpacesLockstep(geometry)
        self.next_space = 1
        self.failed = False

    def do(self, op: Common) -> int:
        """Carry out an operation; what it returned, 0 where it returns nothing."""
        try:
            answer = self.lockstep.apply(op)
        except Difference as difference:
            self.failed = True
            program = [step.op for step in self.lockstep.steps]
            path = Path(OUT) / "address-space-machine.jsonl"
            write_space_case(path, "address-space-machine", program, self.geometry, difference.kind)
            raise AssertionError(f"{difference}; {replay_command(path)}") from difference
        return answer.ret if isinstance(answer.ret, int) else 0

    def space(self, code: int) -> int:
        """One of the spaces."""
        return self.lockstep.spaces[code % len(self.lockstep.spaces)]

    @rule(code=st.integers(0, 9), data=st.data(), flags=some.flag_sets, file=some.files)
    def mmap(self, code: int, data: st.DataObject, flags: int, file: int | None) -> None:
        start, size = data.draw(some.ranges(self.geometry))
        if flags & 0x400:
            size = min(size, 8 * self.geometry.page)
        self.do(ops.Mmap(self.space(code), start, size, flags, file))

    @rule(code=st.integers(0, 9), data=st.data(), make=st.sampled_from(drawn("range")))
    def on_a_range(self, code: int, data: st.DataObject, make: Callable[..., Common]) -> None:
        self.do(make(self.space(code), *data.draw(some.ranges(self.geometry))))

    @rule(code=st.integers(0, 9), data=st.data(), prot=some.protections)
    def mprotect(self, code: int, data: st.DataObject, prot: int) -> None:
        self.do(ops.Mprotect(self.space(code), *data.draw(some.ranges(self.geometry)), prot))

    @rule(code=st.integers(0, 9), data=st.data(), advice=some.advices)
    def madvise(self, code: int, data: st.DataObject, advice: str) -> None:
        self.do(ops.Madvise(self.space(code), *data.draw(some.ranges(self.geometry)), advice))

    @rule(code=st.integers(0, 9), data=st.data(), in_place=st.booleans())
    def mremap(self, code: int, data: st.DataObject, in_place: bool) -> None:
        start, size = data.draw(some.ranges(self.geometry))
        to, new_size = data.draw(some.ranges(self.geometry))
        self.do(ops.Mremap(self.space(code), start, size, start if in_place else to, new_size))

    @rule(code=st.integers(0, 9), data=st.data())
    def touch(self, code: int, data: st.DataObject) -> None:
        start, size = data.draw(some.ranges(self.geometry))
        self.do(ops.Touch(self.space(code), start, min(size, 8 * self.geometry.page)))

    @rule(code=st.integers(0, 9), data=st.data(), make=st.sampled_from(drawn("mark")))
    def mark(self, code: int, data: st.DataObject, make: Callable[..., Common]) -> None:
        start, _ = data.draw(some.ranges(self.geometry))
        self.do(make(self.space(code), start))

    @rule(code=st.integers(0, 9), data=st.data(), flags=some.flag_sets, recovery=some.recoveries_that_hold)
    def map_and_fork(self, code: int, data: st.DataObject, flags: int, recovery: str) -> None:
        self.mmap(code, data, flags, None)
        self.touch(code, data)
        self.fork(code, recovery, data.draw(some.fail_points))

    @rule(code=st.integers(0, 9), recovery=some.recoveries_that_hold, fail=some.fail_points)
    def fork(self, code: int, recovery: str, fail: int | None) -> None:
        if len(self.lockstep.spaces) == MOST_SPACES:
            self.exit(code + 1)
        ret = self.do(ops.Fork(self.space(code), self.next_space, recovery, fail_after=fail))
        COUNTS["failed fork" if ret else "fork"] += 1
        if ret == 0:
            self.next_space += 1

    @rule(code=st.integers(0, 9))
    def exit(self, code: int) -> None:
        if len(self.lockstep.spaces) > 1:
            self.do(ops.Exit(self.space(code)))
            COUNTS["exit"] += 1

    @invariant()
    def there_is_a_space(self) -> None:
        """Somebody is always there to go on."""
        if hasattr(self, "lockstep"):
            assert self.lockstep.spaces

    def teardown(self) -> None:
        if hasattr(self, "lockstep") and not self.failed:
            self.lockstep.finish()
