"""The folder of a campaign: what is in it, and the right to write there.

campaign.db   the ledger
found         each failure as it was met, up to a number of each sort
cases         the smallest of each sort
examples      Hypothesis' database, unless that is elsewhere
spaces        the real address spaces that this campaign sweeps
report.html   what came of it, as a page
"""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import IO

from mapleproof.campaign.ledger import NAME, LedgerError

REPORT = "report.html"

OWN = frozenset({"found", "cases", "examples", "spaces", "lock", REPORT})
"""What a campaign has in its folder, beside the ledger."""


class Folder:
    """The folder of a campaign, and the right to write in it: nobody else has it while this is open. Raises
    LedgerError where somebody has, or where it cannot be had."""

    def __init__(self, path: Path) -> None:
        self.path = path
        _refuse_foreign(path)
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._lock: IO[str] = (path / "lock").open("w")
        except OSError as error:
            raise LedgerError(f"{path}: {error.strerror}") from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise LedgerError(f"{path}: a campaign is running in it") from None
        for name in ("found", "cases"):
            (path / name).mkdir(exist_ok=True)
        for half in path.rglob("*.partial"):
            half.unlink()  # its writer was ended; whatever it had to say is told again

    def close(self) -> None:
        self._lock.close()

    @staticmethod
    def is_busy(path: Path) -> bool:
        """Whether a campaign is running in a folder."""
        try:
            with (path / "lock").open("r") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False


def _refuse_foreign(path: Path) -> None:
    """Raise LedgerError for a folder that has no campaign and is not empty: what is in it is not ours, and a
    campaign writes and removes files. What a campaign left that ended before its ledger was made is ours."""
    if (path / NAME).exists() or not path.is_dir():
        return
    try:
        foreign = sorted(one.name for one in path.iterdir() if one.name not in OWN and NAME not in one.name)
    except OSError as error:
        raise LedgerError(f"{path}: {error.strerror}") from None
    if foreign:
        raise LedgerError(f"{path}: not empty, and there is no campaign in it ({foreign[0]} is)")
