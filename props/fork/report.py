"""A case about address spaces, replayed for people: its steps, and what the last of them broke."""

from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from props.choose_port import LIVE, PortError
from props.difference import Difference
from props.fork.case import replay_space_case
from props.ops.answers import ABSENT
from props.ops.forms import spell

MOST_STEPS = 12

PORTS = ("impl", "model", LIVE)
"""The ports that have address spaces."""


def print_space_case(console: Console, path: Path, port: str) -> bool:
    """Replay one case file and print what came of it; whether it differs. Raises CaseError, and PortError
    for a port that has no address spaces."""
    if port not in PORTS:
        raise PortError(f"{path} is about address spaces, which only {', '.join(PORTS)} have")
    result = replay_space_case(path, port)
    if result.difference is None:
        console.print(f"{path}: {result.steps} steps, as expected")
        return False
    for line in explain_space(result.difference, str(path)):
        console.print(line)
    return True


def explain_space(difference: Difference, title: str) -> Iterator[str]:
    """The lines, the first of which says what failed where."""
    yield f"{title}: {difference.kind} at step {difference.number}"
    first = max(0, len(difference.steps) - MOST_STEPS)
    if first:
        yield f"         ... {first} steps before"
    for number, step in enumerate(difference.steps[first:], start=first + 1):
        yield f"  {number:>5}  {spell(step.op)}"
    for key in difference.keys:
        if "crash" not in difference.keys:
            yield f"  expected  {key}={getattr(difference.expected, key)}"
            yield f"  actual    {key}={getattr(difference.actual, key)}"
    if difference.expected.ret is not ABSENT and "crash" in difference.keys:
        yield f"  expected  ret={difference.expected.ret}"
    yield from (f"  {line}" for line in difference.detail.splitlines())
