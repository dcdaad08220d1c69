"""Hypothesis' example database of a campaign: a folder, or Redis, shared with whoever else uses it.

Workers never speak to it: what failed comes back with their reports, waits in the ledger until the database
has it, and what others have entered there is fetched now and then, to be tried once. So a database that is
away for a while costs nothing that was found.
"""

from __future__ import annotations

import time
from pathlib import Path

from hypothesis.database import DirectoryBasedExampleDatabase, ExampleDatabase

from mapleproof.campaign.ledger import Ledger

EVERY = 5.0
"""Seconds between two exchanges with the database."""

REDIS_SECONDS = 2.0
"""How long Redis may take to answer."""


class ExamplesError(Exception):
    """There is no such database: which, and why, in one line."""


def open_database(folder: Path, redis_url: str | None) -> ExampleDatabase:
    """The database in a folder, or at the address of a Redis server. Raises ExamplesError."""
    if redis_url is None:
        return DirectoryBasedExampleDatabase(folder)
    try:
        import redis
        from hypothesis.extra.redis import RedisExampleDatabase
    except ImportError:
        raise ExamplesError("redis is not installed: pip install 'mapleproof[redis]'") from None
    try:
        server = redis.Redis.from_url(
            redis_url, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS
        )
        server.ping()
    except (redis.RedisError, ValueError) as error:
        raise ExamplesError(f"{redis_url}: {error}") from None
    return RedisExampleDatabase(server)


class Exchange:
    """Takes examples between the ledger and a database, as often as is due."""

    def __init__(self, database: ExampleDatabase, ledger: Ledger) -> None:
        self.database, self.ledger = database, ledger
        self.keys: dict[bytes, str] = {}
        """The keys that machines have, and the arm of each."""
        self.away = ""
        """Why the database could not be reached the last time; empty where it was."""
        self._next = 0.0
        self._offered: set[tuple[bytes, bytes]] = set()

    def due(self) -> bool:
        """Whether it is time for another exchange."""
        return time.monotonic() >= self._next

    def exchange(self) -> dict[str, list[bytes]]:
        """Enter what is new in the database, and say by arm what is there that was not tried. Raises
        sqlite3.OperationalError where the ledger cannot be written."""
        self._next = time.monotonic() + EVERY
        untried: dict[str, list[bytes]] = {}
        try:
            for key, value in self.ledger.unkept_examples():
                self.database.save(key, value)
                self.ledger.keep_example(key, value)
            for key, arm in self.keys.items():
                known = self.ledger.examples(key)
                for value in self.database.fetch(key):
                    if value not in known and (key, value) not in self._offered:
                        self._offered.add((key, value))
                        untried.setdefault(arm, []).append(value)
            self.away = ""
        except Exception as error:  # whatever a server or a file system does, the campaign goes on
            self.away = f"{type(error).__name__}: {error}"
        return untried
