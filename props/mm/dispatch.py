"""How an operation on address spaces becomes a call on each side, and what that returns an answer.

An operation says, where it is defined, what the reference, the implementation and the running kernel do for
it.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from mapleproof.props.common.answers import NOTHING, Answer
from mapleproof.props.common.forms import Form, Forms
from mapleproof.props.common.operation import Common

Op = TypeVar("Op", bound=Common)
CarryOut = Callable[[Any, Any], Answer]
"""Carries an operation out on a port, or on the running kernel's `LiveSpaces`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaceForm(Form):
    """What is known of an operation on address spaces: who carries it out how.

    `live` is None where the running kernel is not asked. `contents` says what becomes of what pages hold once
    it has succeeded; `unmaps` is whether what was there before is gone even where it failed. `drawn` is the
    group that histories draw it from: "range" (a space, a start, a size) or "mark" (a space, a start).
    """

    model: CarryOut
    impl: CarryOut
    live: CarryOut | None = None
    contents: Callable[[Any, Any], None] | None = None
    unmaps: bool = False
    drawn: str = ""


SPACE_FORMS: Forms[SpaceForm] = Forms()
"""The operations on address spaces."""


def drawn(group: str, live: bool = False) -> list[Callable[..., Common]]:
    """The operations of a group; with ``live`` those that the running kernel is asked."""
    forms = [form for form in SPACE_FORMS.values() if form.drawn == group]
    return [form.operation for form in forms if form.live is not None or not live]


def draw(rng: random.Random, group: str, live: bool = False) -> Callable[..., Common]:
    """One operation of a group."""
    those = drawn(group, live)
    return rng.choice(those) if len(those) > 1 else those[0]


def operation(*answers: str, **traits: Any) -> Callable[[type[Op]], type[Op]]:
    """Registers an operation that answers these keys."""

    def register(operation: type[Op]) -> type[Op]:
        SPACE_FORMS.add(SpaceForm(operation, answers, **traits))
        return operation

    return register


def _given(op: Any, names: tuple[str, ...]) -> tuple[Any, ...]:
    """The arguments of these names, or all but the space."""
    names = names or tuple(name for name in SPACE_FORMS.of(type(op)).arguments if name != "space")
    return tuple(getattr(op, name) for name in names)


def model_call(method: str, *names: str) -> CarryOut:
    """A call of the reference, which returns 0 or an errno."""

    def carry_out(port: Any, op: Any) -> Answer:
        return Answer(ret=getattr(port.world, method)(op.space, *_given(op, names)))

    return carry_out


def impl_call(function: Callable[..., int | None], *names: str) -> CarryOut:
    """A call of the implementation; one that returns nothing has no answer."""

    def carry_out(port: Any, op: Any) -> Answer:
        ret = function(port.spaces[op.space], *_given(op, names))
        return NOTHING if ret is None else Answer(ret=ret)

    return carry_out


def live_call(method: str, *names: str) -> CarryOut:
    """A call of the running kernel."""

    def carry_out(live: Any, op: Any) -> Answer:
        return Answer(ret=getattr(live, method)(op.space, *_given(op, names)))

    return carry_out
