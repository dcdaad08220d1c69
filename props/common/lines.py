"""The lines of a case file, plain or compressed, one at a time and within limits.

Not covered: what the lines say. That is `values.py`.
"""

import gzip
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

LINE_LIMIT = 64 * 1024
"""The most bytes in one line, its end not counted."""

FILE_LIMIT = 256 * 1024 * 1024
"""The most bytes in one file, on disk and once decompressed."""


class CaseError(Exception):
    """A case file that cannot be read: which file, which line (None for the file as a whole), and why."""

    def __init__(self, path: str | Path, line: int | None, reason: str) -> None:
        super().__init__(f"{path}: {reason}" if line is None else f"{path}:{line}: {reason}")
        self.path = str(path)
        self.line = line
        self.reason = reason


def case_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Each line with its number, from 1. Raises CaseError at the first that breaks a limit or is no UTF-8."""
    number = 1
    try:
        with _opened(path) as file:
            size = 0
            while data := file.readline(LINE_LIMIT + 2):
                size += len(data)
                if size > FILE_LIMIT:
                    raise CaseError(path, number, "the file is over 256 MiB")
                line = data.removesuffix(b"\n")
                if len(line) > LINE_LIMIT:
                    raise CaseError(path, number, "the line is over 64 KiB")
                yield number, line.decode("utf-8")
                number += 1
    except UnicodeDecodeError as error:
        raise CaseError(path, number, f"not UTF-8 ({error.reason} at byte {error.start})") from None
    except EOFError:
        raise CaseError(path, number, "the compressed file ends early") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise CaseError(path, number, f"not a sound gzip file ({error})") from None
    except OSError as error:
        raise CaseError(path, None, error.strerror or str(error)) from None


def _opened(path: Path) -> BinaryIO:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise CaseError(path, None, "not a regular file")
    if status.st_size > FILE_LIMIT:
        raise CaseError(path, None, "the file is over 256 MiB")
    if path.suffix == ".gz":
        return cast(BinaryIO, gzip.open(path, "rb"))
    return path.open("rb")
