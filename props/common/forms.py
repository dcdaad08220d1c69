"""The form of operations: their names, their arguments' kinds, and what they answer.

Each operation is registered where it is defined, in its subject's `Forms`. Here is what all of them share.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Generic, TypeVar

from mapleproof.props.common.operation import Common

WORD_LIMIT = 2**64
ENTRY_LIMIT = 2**62

RANGES = {
    "index": range(WORD_LIMIT),
    "first": range(WORD_LIMIT),
    "last": range(WORD_LIMIT),
    "min": range(WORD_LIMIT),
    "max": range(WORD_LIMIT),
    "size": range(WORD_LIMIT),
    "next": range(WORD_LIMIT),
    "stride": range(WORD_LIMIT),
    "length": range(WORD_LIMIT),
    "count": range(2**20),
    "entry": range(1, ENTRY_LIMIT),
    "tree": range(2**16),
    "into": range(2**16),
    "cursor": range(2**8),
    "fail_after": range(2**32 - 1),
    "fail_count": range(1, 2**16),
    "fail_nowait": range(1, 4),
    "within": range(2**24),
    "access": range(2**24),
    "held_back": range(1, 2**24),
    "start": range(WORD_LIMIT),
    "to": range(WORD_LIMIT),
    "new_size": range(WORD_LIMIT),
    "pages": range(WORD_LIMIT),
    "space": range(2**16),
    "flags": range(2**32),
    "file": range(2**16),
    "level": range(1, 5),
}
"""The numbers that an argument may be, by its name. Those in NULLABLE may be None too."""

NULLABLE = frozenset({"entry", "file"})

CHOICES: dict[str, tuple[str, ...]] = {}
"""The words that an argument may be, by its name, where it is no number; a subject enters its own."""

WORDS = {name for name, numbers in RANGES.items() if numbers.stop == WORD_LIMIT}
"""The arguments that are written in hex."""


@dataclass(frozen=True, slots=True)
class Form:
    """What is known of one kind of operation.

    `answers` are the keys that it can answer. `writes` is whether it can change what its subject holds;
    `moves` whether it walks or moves a cursor by ranges, so that where the cursor stands is documented even
    if nothing was found; `loops` whether it is a reader's loop over many entries.
    """

    operation: type[Common]
    answers: tuple[str, ...] = ()
    writes: bool = False
    moves: bool = False
    loops: bool = False
    spelled: str = ""

    name: str = field(init=False)
    """Its name in case files: as it is `spelled`, or that of the class, in lower case, with underscores
    between the words."""

    arguments: tuple[str, ...] = field(init=False)
    """The names of the operation's own arguments, in order."""

    def __post_init__(self) -> None:
        shared = {one.name for one in fields(Common)}
        own = tuple(one.name for one in fields(self.operation) if one.name not in shared)
        object.__setattr__(self, "arguments", own)
        name = self.spelled or re.sub("(?<!^)(?=[A-Z])", "_", self.operation.__name__).lower()
        object.__setattr__(self, "name", name)

    @property
    def reads(self) -> bool:
        """Whether it looks for an entry and changes nothing, so that a reader may do it."""
        return ("entry" in self.answers or self.loops) and not self.writes

    @property
    def uses_cursor(self) -> bool:
        return self.name.lstrip("_").startswith("mas_")


F = TypeVar("F", bound="Form")

_BY_TYPE: dict[type[Common], Form] = {}
"""The forms of all subjects."""


class Forms(Mapping[str, F], Generic[F]):
    """The operations of one subject by their names, in the order in which they are defined. Each is added
    where it is defined, by its subject's decorators."""

    def __init__(self) -> None:
        self._by_name: dict[str, F] = {}
        self._by_type: dict[type[Common], F] = {}

    def add(self, form: F) -> None:
        """One more operation. Raises ValueError for a second one of that name."""
        if form.name in self._by_name:
            raise ValueError(f"there is an operation {form.name} already")
        self._by_name[form.name] = form
        self._by_type[form.operation] = form
        _BY_TYPE[form.operation] = form

    def of(self, operation: type[Common]) -> F:
        """The form of a kind of operation. Raises KeyError for one of another subject."""
        return self._by_type[operation]

    def __getitem__(self, name: str) -> F:
        return self._by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)


def shared_arguments(op: Common) -> Iterator[tuple[str, int]]:
    """The arguments that any operation can have, where they are not as they usually are."""
    for shared in fields(Common):
        value = getattr(op, shared.name)
        if value != shared.default:
            yield shared.name, value


def form_of(op: Common) -> Form:
    return _BY_TYPE[type(op)]


def hexadecimal(name: str, value: Any) -> Any:
    """An argument or answer as a case file holds it: words as hex strings, all else as it is."""
    return f"{value:#x}" if name in WORDS or name == "start" else value


def spell(op: Common) -> str:
    """An operation as the kernel would write it: `mtree_store_range(first=0x10, last=0x1f, entry=3)`."""
    form = form_of(op)
    arguments = [f"{name}={hexadecimal(name, getattr(op, name))}" for name in form.arguments]
    arguments += [f"{name}={value}" for name, value in shared_arguments(op)]
    return f"{form.name}({', '.join(arguments)})".replace("None", "NULL")
