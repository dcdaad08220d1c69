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

from props.campaign.ledger import LedgerError

REPORT = "report.html"


class Folder:
    """The folder of a campaign, and the right to write in it: nobody else has it while this is open. Raises
    LedgerError where somebody has, or where it cannot be had."""

    def __init__(self, path: Path) -> None:
        self.path = path
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
