"""From the JSON of one line of a case file to operations and answers, or to the reason why not."""

import json
import re
from dataclasses import fields
from typing import Any

from mapleproof.props.common.answers import Answer
from mapleproof.props.common.forms import CHOICES, NULLABLE, RANGES, WORD_LIMIT, WORDS, Form
from mapleproof.props.common.operation import Common

STATUSES = ("start", "active", "root", "none", "pause", "overflow", "underflow", "error")
LONGEST_INTEGER = len(str(WORD_LIMIT)) + 1
LONGEST_TEXT = 1000
LOWEST_RET = -4095  # the kernel's MAX_ERRNO

_HEX = re.compile(r"0x[0-9a-fA-F]{1,16}")
_SHARED = tuple(field.name for field in fields(Common))


class Refused(Exception):
    """Why a line is not part of a case."""


def parse_line(text: str) -> dict[str, Any]:
    """One line's JSON object. Refused: other values, a key twice, floats, long integers, deep nesting."""
    try:
        data = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_no_float,
            parse_constant=_no_float,
        )
    except json.JSONDecodeError as error:
        raise Refused(f"not JSON ({error.msg} at character {error.pos + 1})") from None
    except RecursionError:
        raise Refused("nested too deeply") from None
    if not isinstance(data, dict):
        raise Refused("not a JSON object")
    return data


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        twice = next(key for key, _ in pairs if sum(key == other for other, _ in pairs) > 1)
        raise Refused(f"the key {twice[:40]!a} stands twice")
    return data


def _integer(digits: str) -> int:
    if len(digits) > LONGEST_INTEGER:
        raise Refused(f"the number {digits[:20]}... is out of range")
    return int(digits)


def _no_float(text: str) -> None:
    raise Refused(f"{text[:20]} is not an integer")


def read_operation(data: dict[str, Any], form: Form) -> Common:
    """The operation of a step, `expect` taken out of `data` before."""
    for key in data:
        if key != "op" and key not in form.arguments and key not in _SHARED:
            raise Refused(f"unknown key {key[:40]!a} for {form.name}")
    for key in form.arguments:
        if key not in data:
            raise Refused(f"`{key}` is missing for {form.name}")
    arguments: dict[str, Any] = {key: read_argument(key, value) for key, value in data.items() if key != "op"}
    op = form.operation(**arguments)
    if op.within is not None and not form.reads:
        raise Refused(f"{form.name} is nothing that a reader does within a write")
    if op.within is None and (op.access is not None or op.held_back is not None):
        raise Refused("`access` and `held_back` are for a step with `within`")
    return op


def read_argument(key: str, value: Any) -> int | str | None:
    """An argument: a number, or one of the words that it may be."""
    if key not in CHOICES:
        return read_number(key, value)
    if not isinstance(value, str) or value not in CHOICES[key]:
        raise Refused(f"`{key}` must be one of {', '.join(CHOICES[key])}")
    return value


def read_number(key: str, value: Any) -> int | None:
    """An argument or a word of an answer: an integer, for words also in hex; null for the empty entry."""
    if value is None and key in NULLABLE:
        return None
    if isinstance(value, str) and key in WORDS:
        if not _HEX.fullmatch(value):
            raise Refused(f"`{key}` is {value[:40]!a}, not a hex number of up to 64 bits")
        return int(value, 16)
    if not isinstance(value, int) or isinstance(value, bool):
        raise Refused(f"`{key}` is {ascii(value)[:40]}, not a number")
    if value not in RANGES[key]:
        numbers = RANGES[key]
        raise Refused(f"`{key}` is out of range: {value} is not within {numbers.start}..{numbers.stop - 1}")
    return value


def read_text(key: str, value: Any) -> str:
    """A short text in one line."""
    if not isinstance(value, str) or not value or len(value) > LONGEST_TEXT or not value.isprintable():
        raise Refused(f"`{key}` must be a text in one line")
    return value


def read_answer(data: Any, form: Form) -> Answer:
    """What a step expects."""
    if not isinstance(data, dict):
        raise Refused("an expected answer must be an object")
    for key in data:
        if key != "crash" and key not in form.answers:
            raise Refused(f"{form.name} does not answer {key[:40]!a}")
    return Answer(**{key: _answer_value(key, value) for key, value in data.items()})


def _answer_value(key: str, value: Any) -> Any:
    if key == "ret":
        if not isinstance(value, int) or isinstance(value, bool) or not LOWEST_RET <= value <= 1:
            raise Refused("`ret` must be 0, 1 or a negative errno")
        return value
    if key == "status":
        if value not in STATUSES:
            raise Refused(f"`status` must be one of {', '.join(STATUSES)}")
        return value
    if key == "entries":
        return _read_entries(value)
    if key == "crash":
        return read_text(key, value)
    return read_number("index" if key == "start" else key, value)


def _read_entries(value: Any) -> list[tuple[int, int, int]]:
    if not isinstance(value, list):
        raise Refused("`entries` must be a list")
    entries: list[tuple[int, int, int]] = []
    for item in value:
        if not isinstance(item, list) or len(item) != 3:
            raise Refused("`entries` must hold lists of first, last and entry")
        first, last, entry = (
            read_number(*pair) for pair in zip(("first", "last", "entry"), item, strict=True)
        )
        if first is None or last is None or entry is None:
            raise Refused("`entries` must not hold null")
        if first > last or (entries and entries[-1][1] >= first):
            raise Refused(f"`entries` are not in order at {first:#x}")
        entries.append((first, last, entry))
    return entries
