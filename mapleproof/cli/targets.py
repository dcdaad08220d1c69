"""The files and folders that a command is to write: tried before the work begins, so that nothing is lost at
its end, and never written over what this program did not make.

A file that this program made is known by its content: JSON has `made_by` as its first key, JUnit's XML names
the suite, a page has the link to its words.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from mapleproof.props.common.files import write_whole

STANDARD_OUTPUT = Path("-")

MADE_BY = "made_by"

MARKS = (f'"{MADE_BY}": "mapleproof', '<testsuite name="mapleproof', '<a class="skip" href="#words">')
"""What a file has that this program made, somewhere in its first HEAD characters."""

HEAD = 1 << 18


class TargetError(Exception):
    """A file or folder cannot be written, or is not ours: which, and why, in one line."""


def try_file(path: Path | None) -> None:
    """See that a file can be written, and that what is there now was made by this program. Raises
    TargetError."""
    if path is None or path == STANDARD_OUTPUT:
        return
    try:
        there = _head(path) if path.exists() else b""
        if there and not any(mark.encode() in there for mark in MARKS):
            raise TargetError(f"{path}: there is a file that mapleproof did not write; it is left as it is")
        _try_folder(path.parent)
        if path.exists() and not os.access(path, os.W_OK):
            raise TargetError(f"{path}: Permission denied")
    except OSError as error:
        raise TargetError(f"{path}: {error.strerror}") from None


def try_folder(path: Path) -> str:
    """Why cases cannot be written to a folder, which is made if need be; empty where they can. They go to a
    temporary folder then."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        _try_folder(path)
    except OSError as error:
        return f"{path}: {error.strerror}"
    return ""


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD)


def _try_folder(path: Path) -> None:
    trial = path / f".mapleproof-{os.getpid()}"
    trial.touch()
    trial.unlink()


def write_json(path: Path | None, command: str, figures: dict[str, Any]) -> None:
    """Write figures as JSON, on standard output where the path is `-`; nothing where it is None. Raises
    TargetError."""
    if path is None:
        return
    text = json.dumps({MADE_BY: f"mapleproof {command}", **figures}, indent=1) + "\n"
    if path == STANDARD_OUTPUT:
        sys.stdout.write(text)
        sys.stdout.flush()
    else:
        write_file(path, text.encode())


def write_file(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all. Raises TargetError."""
    try:
        write_whole(path, content)
    except OSError as error:
        raise TargetError(f"{path}: {error.strerror}") from None
