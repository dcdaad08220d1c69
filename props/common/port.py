"""Ports: whoever carries out operations, behind one face, for trees and for address spaces.

A port begins as a case's header says, with tree 0 or space 0, empty. A new one is a class of this kind, and
its name in `props/job/choose_port.py`.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from mapleproof.props.common.answers import Answer
from mapleproof.props.common.operation import Common


class PortError(Exception):
    """There is no such port, it cannot be had here, or it is not there for what is asked."""


class NotOffered(PortError):
    """A port is not asked to do this."""


class Lacking(Exception):
    """A port has no such operation: a kernel's tree may be older than a function, or newer."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What sets a port apart: a kernel may be older than a function, or newer, and know less of its cursors.

    `lacks`: the operations that it has not got. `coarse`: its cursors have no status of their own, as up to
    Linux 6.7, where a cursor that found nothing, or was paused, is good for less; see `maple/rules.py`.
    `has_locks`: its trees are written under a lock, their own or one outside.
    """

    lacks: frozenset[type[Common]] = frozenset()
    coarse: bool = False
    has_locks: bool = False


USUAL = Traits()
"""Those of model and implementation."""


class Port(ABC):
    """What carries out operations.

    `crash_place` says where in the port's source the last crash was, if that is known: what tells two crashes
    apart. `keeps_time`: it ends by itself what does not come back. `readers_look_within`: readers look in the
    middle of writes, so what they may see has more than one right answer.
    """

    crash_place: str = ""
    keeps_time: bool = False
    readers_look_within: bool = False

    out_of_memory: bool | None = None
    """Whether memory was refused to the last operation for good; None where the port does not tell."""

    traits: Traits = USUAL
    """What sets it apart."""

    @abstractmethod
    def apply(self, op: Common) -> Answer:
        """Carry out one operation. A crash or a broken promise is an answer too, after which the port is of
        no more use. Raises NotOffered and Lacking.

        An operation with `within` answers nothing yet, see `late_answers`.
        """

    def follow(self, op: Common, told: Answer) -> Answer:
        """Carry out an operation whose answer is known: `told`. Who cannot be refused memory, or does not
        model all of the answer, takes from there what it cannot know."""
        return self.apply(op)

    def late_answers(self) -> list[Answer]:
        """The answers, in order, of operations with `within` since the last call; their write is done."""
        return []

    @abstractmethod
    def check(self, number: int) -> None:
        """Raise an AssertionError that names the invariant that a tree or space breaks and shows where."""

    @abstractmethod
    def snapshot(self, number: int) -> list[tuple[int, int, int]]:
        """All that a tree or space holds, as (first, last, entry or flags) in order."""

    def borders(self, number: int) -> list[int]:
        """The last indices of nodes, the higher a node the more often; none where the port does not tell."""
        return []

    def events(self) -> Counter[str]:
        """What happened in this run, as `events.py` names it; nothing where the port does not count."""
        return Counter()

    def give_back(self, ending: Iterable[Common]) -> None:
        """End what holds something ahead by right, by these operations. Who can tell what is held without
        right leaves that."""
        for op in ending:
            self.apply(op)

    @abstractmethod
    def live_allocations(self) -> int:
        """How much is allocated, in whatever is there or leaked; 0 once all is destroyed."""

    @abstractmethod
    def close(self) -> None:
        """Give everything back. What was closed may be closed again."""


MakePort = Callable[..., Port]
"""Makes a port from the flags in a case's header."""
