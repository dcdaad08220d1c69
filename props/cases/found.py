"""What is done with a failure: its smallest run becomes a case file, and a user is told how to replay it."""

import re
import shlex
from pathlib import Path
from typing import Any

from props.cases.files import Case, Header, write_case
from props.difference import Difference

OUT = Path("mapleproof-out")
"""Where cases go unless a user says otherwise."""


def write_found(
    difference: Difference,
    name: str,
    flags: dict[str, bool],
    *,
    found: dict[str, Any],
    out: Path = OUT,
) -> Path:
    """Write the run that ended in a difference as the case `name`, and return where.

    `flags` are those that tree 0 was made with; `found` is what it takes to find the failure again.
    """
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{re.sub(r'[^A-Za-z0-9_.-]+', '-', name)}.jsonl"
    header = Header(name, flags, "found by mapleproof", verdict=difference.kind, found=found)
    write_case(path, Case(header, difference.steps))
    return path


def replay_command(path: Path, port: str = "impl") -> str:
    """The command that replays a case."""
    return f"mapleproof replay {path}" + ("" if port == "impl" else f" --port {shlex.quote(port)}")
