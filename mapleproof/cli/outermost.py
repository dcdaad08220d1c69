"""The outermost of the command: whatever happens inside ends in one line and the right exit status.

An interrupt ends with 130, a mistake of the suite itself with 70 and a file that holds the traceback. Where
nobody reads standard output any more (`| head`), the command goes on in silence and its status is what it is.
"""

from __future__ import annotations

import errno
import os
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TextIO, cast

import click

from mapleproof.cli import status
from mapleproof.impl import compiled

BISECT = "--bisect"

LACKING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE})
"""Errors of a machine that lacks something: no mistake of anybody's code."""


class Outermost(click.Group):
    """The group of all commands; `main` is where the program begins and ends."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        _take_source(args)
        return super().resolve_command(ctx, args)

    def main(self, args: Sequence[str] | None = None, *rest: Any, **extra: Any) -> Any:
        """Run a command, and leave with its exit status."""
        words = list(sys.argv[1:] if args is None else args)
        extra["standalone_mode"] = False
        warnings.formatwarning = _one_line
        code = _run(lambda: super(Outermost, self).main(words, *rest, **extra))
        if BISECT in words:
            code = status.for_bisect(code)
        sys.exit(code)


def _take_source(words: Sequence[str]) -> None:
    """What executes the sources or changes them has them run, compiled or not: said before anything is
    imported."""
    seeded = any(word.startswith("--seeded") for word in words)
    kernel = any(word.startswith(("kernel:", "--port=kernel:")) for word in words)
    if words[:1] == ["prove"] or (seeded and not kernel):
        compiled.take_source()


def _run(command: Callable[[], Any]) -> int:
    try:
        with _unbroken_output():
            returned = command()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else status.HOLDS
    except click.ClickException as error:
        error.show()
        return status.BAD_INPUT
    except (KeyboardInterrupt, click.Abort):
        print("Interrupted.", file=sys.stderr)
        return status.INTERRUPTED
    except Exception as error:
        if isinstance(error, OSError) and error.errno in LACKING:
            print(f"mapleproof: {error.filename or 'writing'}: {error.strerror}", file=sys.stderr)
            return status.NO_ANSWER
        print(failed(error), file=sys.stderr)
        return status.SUITE_FAILED
    return returned if isinstance(returned, int) else status.HOLDS


def _one_line(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    """A warning as a person reads it, without the line of code that it comes from."""
    return f"mapleproof: {message}\n"


class _Unbroken:
    """Standard output, which is written to as long as somebody reads."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except BrokenPipeError:
            self._to_nowhere()
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except BrokenPipeError:
            self._to_nowhere()

    def _to_nowhere(self) -> None:
        """From here on nothing is written, also at the interpreter's end."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def _unbroken_output() -> Iterator[None]:
    before = sys.stdout
    sys.stdout = cast("TextIO", _Unbroken(before))
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stdout = before


def failed(error: BaseException) -> str:
    """One line about a mistake of the suite itself, and where its traceback is."""
    what = " ".join(f"{type(error).__name__}: {error}".split())[:200]
    where = keep_traceback("".join(traceback.format_exception(error)))
    return f"mapleproof itself went wrong: {what}; {where}"


def keep_traceback(text: str) -> str:
    """Write a traceback to a temporary file, and say where it is; or why it is nowhere."""
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="mapleproof-", suffix=".traceback", delete=False
        ) as file:
            file.write(text)
    except OSError as error:
        return f"its traceback could not be written: {error.strerror}\n{text}"
    return f"the traceback is in {file.name}"
