"""A whole fork on the shipped machine, with every request granted and refused in turn, for claims that speak
of all its failure points at once.

VMAs lie on neighbouring pages of small page tables and are of every kind that a fork treats in its own way;
their places are not symbolic, what is granted is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from impl.failure import FailurePlan
from impl.mm.fork import fork
from impl.mm.geometry import TINY
from impl.mm.mm import Mm
from impl.mm.promises import Oops
from impl.mm.recovery import RECOVERIES
from proofs.cases import space_case
from proofs.words import choose
from props.cases.files import Case
from props.fork import operations as ops
from props.fork.ports import ImplSpaces
from props.fork.tiny import KINDS, program_of
from props.ops.common_operations import Common


class Chosen(FailurePlan):
    """Requests are granted up to one that is refused, and after that none; which one, is an input."""

    def __init__(self) -> None:
        super().__init__()
        self.granted = 0

    def grants(self, kind: str, count: int, atomic: bool) -> bool:
        if self.refused or not choose(f"grant {self.asked}"):
            return False
        self.granted += 1
        return True


def scenarios(most: int) -> Iterator[tuple[str, ...]]:
    """The kinds of VMAs of every scenario with up to so many."""
    for count in range(1, most + 1):
        yield from product(KINDS, repeat=count)


def scenario_program(kinds: Sequence[str]) -> list[Common]:
    """What makes the parent: a policy and a userfaultfd context on the first VMA that can have them."""
    page = TINY.page
    program = program_of([(at, at + 1, kind) for at, kind in enumerate(kinds)], TINY)
    return [*program, ops.Mbind(0, 0), ops.Userfaultfd(0, 0)] if page else program


def parent_of(kinds: Sequence[str]) -> ImplSpaces:
    """The parent, in a world of its own."""
    port = ImplSpaces(TINY)
    for op in scenario_program(kinds):
        port.apply(op)
    return port


def forked(port: ImplSpaces, name: str) -> tuple[int, Mm | None]:
    """Fork with what was chosen. Where the recovery crashes, as some do, nothing is left to be said."""
    machine = port.machine
    if machine.plan is None:
        machine.plan = Chosen()
    try:
        return fork(machine, port.spaces[0], RECOVERIES[name])
    except Oops:
        return 0, None
    finally:
        machine.plan = None


def case_of(name: str, kinds: Sequence[str], inputs: dict[str, int]) -> Case:
    """The fork that fails where the inputs say."""
    granted = sum(inputs[name] for name in inputs if name.startswith("grant "))
    refused = any(inputs[name] == 0 for name in inputs if name.startswith("grant "))
    last = ops.Fork(0, 1, name, fail_after=granted) if refused else ops.Fork(0, 1, name)
    return space_case(name, [*scenario_program(kinds), last], TINY, "failed fork")
