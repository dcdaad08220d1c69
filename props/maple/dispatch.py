"""How an operation becomes a call of the kernel's API on Python objects, and what that returns an answer.

The model and the implementation offer that API under the same names, so one registration serves both: an
operation says, where it is defined, which method of a tree or a cursor it is, or what else is done for it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from mapleproof.props.common.answers import NOTHING, Answer
from mapleproof.props.common.forms import Form, Forms
from mapleproof.props.common.operation import Common

NO_MEMORY = -12
"""-ENOMEM."""

Op = TypeVar("Op", bound=Common)
Method = Callable[[Any, Any], Answer]
"""Carries an operation out on a tree, a cursor or a seat."""


class Seat(Protocol):
    """Who holds the trees and cursors."""

    trees: dict[int, Any]
    cursors: dict[int, Any]

    def new_cursor(self, tree: Any, index: int) -> Any: ...

    def snapshot(self, tree: int) -> list[tuple[int, int, int]]: ...

    def end_grace_period(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Shape:
    """The keys of an answer, and how it is made of the tree or cursor and what its method returned."""

    keys: tuple[str, ...]
    answer: Callable[[Any, Any], Answer]


NONE = Shape((), lambda target, result: NOTHING)
RET = Shape(("ret",), lambda target, ret: Answer(ret=int(ret)))
ENTRY = Shape(("entry",), lambda target, entry: Answer(entry=entry))
FOUND = Shape(
    ("entry", "index"),
    lambda target, found: Answer(entry=None) if found[0] is None else Answer(entry=found[0], index=found[1]),
)
START = Shape(
    ("ret", "start"),
    lambda target, got: Answer(ret=got[0]) if got[0] < 0 else Answer(ret=got[0], start=got[1]),
)
CYCLIC = Shape(
    ("ret", "start", "next"),
    lambda target, got: Answer(ret=got[0]) if got[0] < 0 else Answer(ret=got[0], start=got[1], next=got[2]),
)
CURSOR = Shape(
    ("entry", "index", "last", "status"),
    lambda cursor, entry: Answer(entry=entry, index=cursor.index, last=cursor.last, status=cursor.status),
)
AREA = Shape(
    ("ret", "index", "last"),
    lambda cursor, ret: Answer(ret=ret) if ret < 0 else Answer(ret=ret, index=cursor.index, last=cursor.last),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeForm(Form):
    """What is known of an operation on maple trees.

    `carry_out` does it `on` a tree, a cursor, or the seat that holds them. `method` is what the model and the
    implementation call it, `fixed` what that is given instead of the operation's arguments. `for_readers`:
    it concerns readers or locks, which the model has not. `takes_memory`: it can be refused memory though it
    writes nothing. `drawn` is the group of a bulk run's mix that it is in, where it is drawn without anything
    before or after it.
    """

    on: str
    carry_out: Method
    method: str = ""
    fixed: tuple[Any, ...] = ()
    for_readers: bool = False
    takes_memory: bool = False
    drawn: str = ""

    @property
    def limit(self) -> str:
        """The argument at which a search ends: `max` upwards, `min` downwards, "" where there is none."""
        return self.arguments[-1] if self.arguments[-1:] in (("max",), ("min",)) else ""

    @property
    def steps(self) -> bool:
        """Whether it takes a cursor up or down, to a limit."""
        goes = not self.writes and not self.loops
        return self.on == "cursor" and goes and self.arguments in (("max",), ("min",))


TREE_FORMS: Forms[TreeForm] = Forms()
"""The operations on maple trees."""


def specially(
    on: str, keys: tuple[str, ...], carry_out: Method, **traits: Any
) -> Callable[[type[Op]], type[Op]]:
    """Registers an operation that is no one method: `carry_out` does it on a "tree", a "cursor", or the
    "seat"."""

    def register(operation: type[Op]) -> type[Op]:
        TREE_FORMS.add(TreeForm(operation, keys, on=on, carry_out=carry_out, **traits))
        return operation

    return register


def _method_of(
    on: str, method: str, shape: Shape, fixed: tuple[Any, ...], carry_out: Method | None, traits: Any
) -> Callable[[type[Op]], type[Op]]:
    def call(target: Any, op: Any) -> Answer:
        given = fixed or tuple(getattr(op, name) for name in TREE_FORMS.of(type(op)).arguments)
        return shape.answer(target, getattr(target, method)(*given))

    return specially(on, shape.keys, carry_out or call, method=method, fixed=fixed, **traits)


def on_tree(
    method: str, shape: Shape, *fixed: Any, carry_out: Method | None = None, **traits: Any
) -> Callable[[type[Op]], type[Op]]:
    """Registers an operation that is this method of a tree, given `fixed` or else the operation's arguments.
    A `carry_out` takes the place of the call, where the answer does not follow from what it returns."""
    return _method_of("tree", method, shape, fixed, carry_out, traits)


def on_cursor(
    method: str, shape: Shape, *fixed: Any, carry_out: Method | None = None, **traits: Any
) -> Callable[[type[Op]], type[Op]]:
    """The same, of a method of a cursor."""
    return _method_of("cursor", method, shape, fixed, carry_out, traits)
