"""A case as a report to a maintainer: plain text of 72 columns.

What a user sees, which of the kernels at hand do it and since which, the steps, what is expected and what
comes instead, and the case as a test where the kernel's own harness can make it.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path

from mapleproof.impl.kernel.source import at_hand, find
from mapleproof.props.common.difference import Difference
from mapleproof.props.common.forms import form_of, spell
from mapleproof.props.common.lines import CaseError
from mapleproof.props.common.port import Lacking, PortError
from mapleproof.props.job.choose_port import KERNEL
from mapleproof.props.job.replay import replay_file
from mapleproof.props.job.subjects import read_case
from mapleproof.props.maple.subject import MAPLE_TREE
from mapleproof.show.c_test import c_test

COLUMNS = 72
MOST_STEPS = 20

Seen = Mapping[str, Difference | str | None]
"""By the kernel's version: how it differs, which function it lacks, or None where it does as promised."""


def report(path: Path) -> tuple[str, bool]:
    """The report, and whether any kernel at hand fails. Raises CaseError, PortError and KernelBuildError."""
    case = read_case(path)
    if case.header.subject is not MAPLE_TREE:
        raise PortError(f"{path}: a report is made of a case about trees, on the kernels at hand")
    trees = at_hand() or {"": find()}
    seen = {version: _outcome(path, tree) for version, tree in trees.items()}
    return "\n".join(_lines(path, seen)) + "\n", any(isinstance(one, Difference) for one in seen.values())


def _outcome(path: Path, tree: Path) -> Difference | str | None:
    try:
        return replay_file(path, f"{KERNEL}{tree}", "documented").difference
    except Lacking as lacking:
        return f"has no {str(lacking).rpartition(' ')[2]}"


def _lines(path: Path, seen: Seen) -> Iterator[str]:
    case = read_case(path)
    failing = {version: one for version, one in seen.items() if isinstance(one, Difference)}
    newest = list(failing.values())[-1] if failing else None
    yield from _wrapped(f"Subject: maple_tree: {_what(newest) if newest else case.header.name}")
    yield ""
    if newest is None:
        yield from _wrapped("No kernel at hand does otherwise than the case says.")
    else:
        yield from _wrapped(_told(newest))
    yield ""
    yield "Kernels (built in userspace from their sources):"
    for version, one in seen.items():
        yield from _wrapped(f"Linux {version}: {_word(one)}", "  ", "    ")
    if since := _since(seen):
        yield from _wrapped(since)
    flags = [name for name, on in case.header.flags.items() if on]
    yield ""
    yield f"Steps, on a tree {'with ' + ' and '.join(map(_flag, flags)) if flags else 'without flags'}:"
    last = newest.number if newest is not None and newest.number else len(case.steps)
    shown = list(enumerate(case.steps[:last], start=1))
    if len(shown) > MOST_STEPS:
        yield f"  ({len(shown) - MOST_STEPS} steps before these are in the case)"
    for number, step in shown[-MOST_STEPS:]:
        yield from _wrapped(f"{number:4}  {spell(step.op)}", "", "        ")
    if newest is not None:
        yield f"  expected  {_answer(newest.expected, newest.keys)}"
        yield f"  actual    {_answer(newest.actual, newest.keys)}"
    yield ""
    try:
        test = c_test(path)
    except CaseError as why:
        yield from _wrapped(f"No test for lib/test_maple_tree.c: {why.reason}.")
    else:
        yield "As a test for lib/test_maple_tree.c:"
        yield ""
        yield from test.splitlines()
    yield ""
    yield from _wrapped(
        f"Found by mapleproof; to see it: mapleproof replay {path.name} --port kernel:PATH", "", "  "
    )


def _what(difference: Difference) -> str:
    """What goes wrong, in a few words."""
    name = form_of(difference.op).name
    return difference.sort if f" {name}" in f" {difference.sort}" else f"{difference.sort} in {name}()"


def _told(difference: Difference) -> str:
    """What a user sees, in a sentence."""
    call = spell(difference.op)
    if crash := difference.actual.given().get("crash"):
        return f"{call} ends in {crash}."
    if difference.keys:
        return (
            f"{call} answers {_answer(difference.actual, difference.keys)},"
            f" where {_answer(difference.expected, difference.keys)} is right."
        )
    return f"After {call}: {difference.sort}. {difference.detail}".strip()


def _answer(answer: object, keys: tuple[str, ...]) -> str:
    given = answer.given() if hasattr(answer, "given") else {}
    shown = {key: given[key] for key in keys if key in given} or given
    return ", ".join(f"{key}={_value(key, value)}" for key, value in shown.items()) or "nothing"


def _value(key: str, value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, int) and key not in ("ret", "entry"):
        return f"{value:#x}"
    return str(value)[:200]


def _word(one: Difference | str | None) -> str:
    return "as promised" if one is None else one if isinstance(one, str) else _what(one)


def _since(seen: Seen) -> str:
    """Since when and until when, as far as the kernels at hand say."""
    versions = list(seen)
    bad = [isinstance(one, Difference) for one in seen.values()]
    if len(versions) < 2 or not any(bad):
        return ""
    first = bad.index(True)
    words = "In all of them." if all(bad) else ""
    if first and all(bad[first:]):
        words = f"It came between Linux {versions[first - 1]} and {versions[first]}."
    elif not words and not bad[-1]:
        last = len(bad) - 1 - bad[::-1].index(True)
        words = f"It went between Linux {versions[last]} and {versions[last + 1]}."
    return words


def _flag(name: str) -> str:
    return {"alloc_range": "MT_FLAGS_ALLOC_RANGE", "rcu": "MT_FLAGS_USE_RCU"}.get(name, name)


def _wrapped(text: str, first: str = "", later: str = "") -> list[str]:
    return textwrap.wrap(
        text,
        COLUMNS,
        initial_indent=first,
        subsequent_indent=later,
        break_long_words=False,
        break_on_hyphens=False,
    )
