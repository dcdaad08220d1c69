"""What an operation answers, and how an expected answer is held against an actual one.

An answer has only the keys that its operation has: a key that was not answered is ABSENT, which is not the
same as None, the empty entry.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Literal

Level = Literal["documented", "exact"]


class Absent(Enum):
    """The type of ABSENT."""

    ABSENT = "absent"

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent.ABSENT


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. `crash` says how an operation ended that ended in no answer, on any port."""

    ret: int | Absent = ABSENT
    entry: int | Absent | None = ABSENT
    index: int | Absent = ABSENT
    last: int | Absent = ABSENT
    status: str | Absent = ABSENT
    start: int | Absent = ABSENT
    next: int | Absent = ABSENT
    entries: list[tuple[int, int, int]] | Absent = ABSENT
    crash: str | Absent = ABSENT

    def given(self) -> dict[str, Any]:
        """The keys that were answered, with their values."""
        return {key: value for key in KEYS if (value := getattr(self, key)) is not ABSENT}


KEYS = Answer.__match_args__
"""Every key that an answer can have."""

NOTHING = Answer()
"""The answer of an operation that has none."""


def differing(expected: Answer, actual: Answer, level: Level, moves: bool) -> tuple[str, ...]:
    """The keys in which an answer is not the one expected; only expected keys count, and a crash.

    Level `exact` compares every expected key. Level `documented` leaves out `status`, and `index` and `last`
    unless an entry was found, `ret` is 0, or the operation `moves` by ranges or walks.
    """
    if expected == actual:
        return ()
    compared = set(expected.given())
    if level == "documented":
        compared.discard("status")
        if not (moves or expected.ret == 0 or expected.entry not in (None, ABSENT)):
            compared -= {"index", "last"}
    if actual.crash is not ABSENT:
        compared.add("crash")
    return tuple(key for key in KEYS if key in compared and getattr(expected, key) != getattr(actual, key))
