"""What is done with a failure: its smallest run becomes a case file, and a user is told how to replay it."""

import hashlib
import re
import shlex
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mapleproof.props.common.answers import NOTHING
from mapleproof.props.common.difference import Difference
from mapleproof.props.common.files import Case, Header, case_bytes, write_whole
from mapleproof.props.common.step import Step
from mapleproof.props.common.subject import Subject

OUT = Path("mapleproof-out")
"""Where cases go unless a user says otherwise."""

MOST_ENTRIES = 1_000
"""Entries of a snapshot, each up to 64 characters, that fit into one line."""

NAME = 80
"""Characters of a case's name that say what it shows."""

LONGEST_NAME = 180
"""Characters of a file's name, for which file systems have 255 bytes."""


def found_case(
    difference: Difference,
    name: str,
    flags: dict[str, bool],
    found: dict[str, Any],
    subject: Subject,
) -> Case:
    """The run that ended in a difference as the case `name`.

    `flags` are those that the subject began with; `found` is what it takes to find the failure again.
    """
    header = Header(name, flags, "found by mapleproof", subject, difference.kind, found)
    return Case(header, [_fitting(step) for step in _at_rest(difference.steps)])


def _at_rest(steps: Sequence[Step]) -> list[Step]:
    """The steps, of which a reader at the end waits for no write: the run ended before one came, so the
    reader looked at a tree that nobody wrote to."""
    done = list(steps)
    for at in range(len(done) - 1, -1, -1):
        op = done[at].op
        if op.within is None:
            break
        done[at] = replace(done[at], op=replace(op, within=None, access=None, held_back=None))
    return done


def _fitting(step: Step) -> Step:
    """A step that fits into a line of a case file: a snapshot of a large tree is taken without its contents
    being compared, so that only the invariants are looked at there."""
    entries = step.expect.entries
    return (
        replace(step, expect=NOTHING) if isinstance(entries, list) and len(entries) > MOST_ENTRIES else step
    )


class Lost(Exception):
    """A case could be written nowhere; ``str()`` says why."""


def named(case: Case, shows: str) -> Case:
    """The case under a name that says what it shows, with a digest of all that is in it: two cases have the
    same name only if they are the same."""
    plain = Case(replace(case.header, name=""), case.steps)
    digest = hashlib.sha256(case_bytes(plain, "")).hexdigest()[:8]
    return Case(replace(case.header, name=f"{safe_name(shows)[:NAME]}-{digest}"), case.steps)


def keep(content: bytes, name: str, out: Path) -> Path:
    """Write a case of that name to the folder ``out``; where that cannot be written to, to a temporary one.
    Returns where it is. Raises Lost."""
    try:
        return _kept(content, name, out)
    except OSError as error:
        reason = f"{out}: {error.strerror}"
    try:
        return _kept(content, name, Path(tempfile.mkdtemp(prefix="mapleproof-")))
    except OSError as error:
        raise Lost(
            f"the case could not be kept: {reason}; {tempfile.gettempdir()}: {error.strerror}"
        ) from None


def write_found(case: Case, out: Path = OUT) -> Path:
    """Write a case to the folder `out`, under its own name, and return where. Raises OSError."""
    return _kept(case_bytes(case, ""), case.header.name, out)


def _kept(content: bytes, name: str, out: Path) -> Path:
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{safe_name(name)}.jsonl"
    write_whole(path, content)
    return path


def safe_name(name: str) -> str:
    """A name that is a file's in whatever folder, and nothing else."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", name).lstrip(".")[:LONGEST_NAME] or "case"


def replay_command(
    path: Path, port: str = "impl", seeded: str | None = None, options: Sequence[str] = ()
) -> str:
    """The command that replays a case on a port, with the mistake that was planted there and more options."""
    words = ["mapleproof", "replay", str(path)]
    words += [] if port == "impl" else ["--port", port]
    words += ["--seeded", seeded] if seeded else []
    return shlex.join([*words, *options])
