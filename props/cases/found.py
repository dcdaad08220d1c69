"""What is done with a failure: its smallest run becomes a case file, and a user is told how to replay it."""

import re
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

from props.cases.files import Case, Header, Step, write_case
from props.difference import Difference
from props.ops.answers import NOTHING
from props.ops.subjects import MAPLE_TREE, Subject

OUT = Path("mapleproof-out")
"""Where cases go unless a user says otherwise."""

MOST_ENTRIES = 1_000
"""Entries of a snapshot, each up to 64 characters, that fit into one line."""

LONGEST_NAME = 180
"""Characters of a file's name, for which file systems have 255 bytes."""


def found_case(
    difference: Difference,
    name: str,
    flags: dict[str, bool],
    found: dict[str, Any],
    subject: Subject = MAPLE_TREE,
) -> Case:
    """The run that ended in a difference as the case `name`.

    `flags` are those that the subject began with; `found` is what it takes to find the failure again.
    """
    header = Header(name, flags, "found by mapleproof", subject, difference.kind, found)
    return Case(header, [_fitting(step) for step in difference.steps])


def _fitting(step: Step) -> Step:
    """A step that fits into a line of a case file: a snapshot of a large tree is taken without its contents
    being compared, so that only the invariants are looked at there."""
    entries = step.expect.entries
    return (
        replace(step, expect=NOTHING) if isinstance(entries, list) and len(entries) > MOST_ENTRIES else step
    )


def write_found(case: Case, out: Path = OUT) -> Path:
    """Write a case to the folder `out`, under its own name, and return where."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{safe_name(case.header.name)}.jsonl"
    write_case(path, case)
    return path


def safe_name(name: str) -> str:
    """A name that is a file's in whatever folder, and nothing else."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", name).lstrip(".")[:LONGEST_NAME] or "case"


def replay_command(path: Path, port: str = "impl") -> str:
    """The command that replays a case."""
    return f"mapleproof replay {path}" + ("" if port == "impl" else f" --port {shlex.quote(port)}")
