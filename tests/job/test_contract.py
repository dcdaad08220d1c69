"""What every port of every subject must do, run on each that can be had here; and what useless ones get."""

from collections import Counter

import pytest

from mapleproof.impl.kernel import live
from mapleproof.impl.kernel.errors import KernelBuildError
from mapleproof.impl.kernel.source import find
from mapleproof.props.common.answers import Answer, differing
from mapleproof.props.common.operation import Common
from mapleproof.props.common.port import MakePort, Port, PortError
from mapleproof.props.common.step import Step
from mapleproof.props.common.subject import Subject
from mapleproof.props.job.choose_port import KINDS, choose_port
from mapleproof.props.job.subjects import SUBJECTS
from mapleproof.props.maple import operations as trees
from mapleproof.props.maple.ports import ImplPort
from mapleproof.props.maple.subject import MAPLE_TREE
from mapleproof.props.mm import operations as spaces
from mapleproof.props.mm.subject import ADDRESS_SPACE

START = live.REGION.start
PAGE = 4096
RW = 3

RUNS: dict[str, tuple[dict[str, bool], list[Step], list[tuple[int, int]]]] = {
    MAPLE_TREE.name: (
        {"alloc_range": True, "rcu": False},
        [
            Step(trees.MtreeStoreRange(16, 31, 1), Answer(ret=0)),
            Step(trees.MtreeInsertRange(20, 20, 2), Answer(ret=-17)),
            Step(trees.MasSet(17)),
            Step(trees.MasWalk(), Answer(entry=1, index=16, last=31, status="active")),
            Step(trees.MtreeStoreRange(20, 23, None), Answer(ret=0)),
            Step(trees.Snapshot(), Answer(entries=[(16, 19, 1), (24, 31, 1)])),
        ],
        [(16, 19), (24, 31)],
    ),
    ADDRESS_SPACE.name: (
        {"tiny": False, "five_levels": False, "hugepd": False},
        [
            Step(spaces.Mmap(0, START, 4 * PAGE, RW, None), Answer(ret=0)),
            Step(spaces.Munmap(0, START + PAGE, PAGE), Answer(ret=0)),
            Step(spaces.Touch(0, START + PAGE, PAGE), Answer(ret=-14)),
            Step(spaces.Fork(0, 1, "unmap_in_place"), Answer(ret=0)),
            Step(spaces.Munmap(1, START, PAGE), Answer(ret=0)),
            Step(spaces.Exit(1), Answer(ret=0)),
        ],
        [(START, START + PAGE - 1), (START + 2 * PAGE, START + 4 * PAGE - 1)],
    ),
}
"""For each subject: what its case begins with, some steps with the right answers, the ranges held then."""


def keeps_the_contract(make_port: MakePort, subject: Subject) -> None:
    """Raise AssertionError where a port does not."""
    flags, steps, held = RUNS[subject.name]
    port = make_port(**flags)
    assert isinstance(port, Port)
    try:
        for step in steps:
            assert not differing(step.expect, port.apply(step.op), "exact", True), step.op
        assert port.late_answers() == []
        assert [range_[:2] for range_ in port.snapshot(0)] == held
        port.check(0)
        assert isinstance(port.events(), Counter)
        assert all(isinstance(border, int) for border in port.borders(0))
        for op in subject.teardown([0]):
            assert "crash" not in port.apply(op).given()
        assert port.live_allocations() == 0
    finally:
        port.close()
        port.close()
    again = make_port(**flags)
    try:
        assert subject.replay(steps, again).difference is None
    finally:
        again.close()


def name_of(kind: str) -> str:
    """A port of that kind that can be had here; skips where there is none."""
    if kind == "booted:PATH":
        pytest.skip("a kernel takes minutes to build and boot: tests/booted has its ports")
    if kind != "kernel:PATH":
        return kind
    try:
        return f"kernel:{find()}"
    except KernelBuildError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize(
    ("kind", "subject"), [(kind, SUBJECTS[name]) for kind in KINDS for name in KINDS[kind].makes]
)
def test_a_port_keeps_the_contract(kind: str, subject: Subject) -> None:
    try:
        make_port = choose_port(name_of(kind), subject)
    except PortError as error:
        pytest.skip(str(error))
    keeps_the_contract(make_port, subject)


def test_every_subject_has_ports_and_a_run() -> None:
    assert set(RUNS) == set(SUBJECTS)
    for subject in SUBJECTS:
        assert sum(subject in kind.makes for kind in KINDS.values()) >= 2


class Refusing(ImplPort):
    """Whatever is written is refused."""

    def apply(self, op: Common) -> Answer:
        return Answer(ret=-12)


class Silent(ImplPort):
    """Answers nothing."""

    def apply(self, op: Common) -> Answer:
        return Answer()


class Leaking(ImplPort):
    """Frees nothing."""

    def live_allocations(self) -> int:
        return 1


class Forgetting(ImplPort):
    """Holds nothing."""

    def snapshot(self, number: int) -> list[tuple[int, int, int]]:
        return []


class NeverSound(ImplPort):
    """Breaks an invariant."""

    def check(self, number: int) -> None:
        raise AssertionError("Pivots rise strictly.")


USELESS = (Refusing, Silent, Leaking, Forgetting, NeverSound)


@pytest.mark.parametrize("port", USELESS, ids=lambda port: port.__name__)
def test_a_useless_port_does_not(port: type[ImplPort]) -> None:
    with pytest.raises(AssertionError):
        keeps_the_contract(port, MAPLE_TREE)


def test_a_port_without_a_subject_says_so_in_one_line() -> None:
    with pytest.raises(PortError, match="about address space, not about maple tree"):
        choose_port("live", MAPLE_TREE)
    with pytest.raises(PortError, match="there is no port 'imp'"):
        choose_port("imp", MAPLE_TREE)
