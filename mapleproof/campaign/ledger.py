"""The ledger of a campaign: what was done, met and found, in one SQLite file in the campaign's folder.

What came of a lot goes in as a whole or not at all: its units count as done in the same transaction in which
what they found is entered. So a campaign can be ended at any time, by whatever it is, and nothing is lost or
done twice but what was under way. Only one process at a time may write (`Folder`); any number may read.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

VERSION = 1

NAME = "campaign.db"

SCHEMA = """
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE runs (began REAL NOT NULL, ended REAL, how TEXT NOT NULL);
CREATE TABLE done (arm TEXT NOT NULL, first INTEGER NOT NULL, end INTEGER NOT NULL);
CREATE INDEX done_by_end ON done (arm, end);
CREATE TABLE figures (
    arm TEXT PRIMARY KEY, units INTEGER NOT NULL, operations INTEGER NOT NULL, seconds REAL NOT NULL,
    news INTEGER NOT NULL, failures INTEGER NOT NULL, ended TEXT NOT NULL
);
CREATE TABLE events (name TEXT PRIMARY KEY, times INTEGER NOT NULL, arm TEXT NOT NULL, at REAL NOT NULL);
CREATE TABLE features (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE swept (
    recovery TEXT PRIMARY KEY, forks INTEGER NOT NULL, failed INTEGER NOT NULL, points INTEGER NOT NULL
);
CREATE TABLE findings (
    number INTEGER PRIMARY KEY, arm TEXT NOT NULL, port TEXT NOT NULL, unit INTEGER NOT NULL,
    sort TEXT NOT NULL, steps INTEGER NOT NULL, file TEXT NOT NULL, told TEXT NOT NULL,
    promise TEXT NOT NULL, at REAL NOT NULL, state TEXT NOT NULL
);
CREATE INDEX findings_by_sort ON findings (port, sort);
CREATE TABLE cases (
    port TEXT NOT NULL, sort TEXT NOT NULL, steps INTEGER NOT NULL, file TEXT NOT NULL, told TEXT NOT NULL,
    lane TEXT NOT NULL, at REAL NOT NULL, times INTEGER NOT NULL, PRIMARY KEY (port, sort)
);
CREATE TABLE aliases (
    port TEXT NOT NULL, sort TEXT NOT NULL, became TEXT NOT NULL, PRIMARY KEY (port, sort)
);
CREATE TABLE proofs (
    series TEXT NOT NULL, size INTEGER NOT NULL, verdict TEXT NOT NULL, paths INTEGER NOT NULL,
    queries INTEGER NOT NULL, seconds REAL NOT NULL, told TEXT NOT NULL, PRIMARY KEY (series, size)
);
CREATE TABLE states (
    world INTEGER NOT NULL, digest BLOB NOT NULL, path BLOB NOT NULL, expanded INTEGER NOT NULL,
    PRIMARY KEY (world, digest)
) WITHOUT ROWID;
CREATE TABLE examples (
    key BLOB NOT NULL, value BLOB NOT NULL, kept INTEGER NOT NULL, PRIMARY KEY (key, value)
) WITHOUT ROWID;
CREATE TABLE workers (process TEXT NOT NULL, at REAL NOT NULL, memory INTEGER NOT NULL);
"""
"""`done` has intervals of units. `findings` are all that was met: `state` is met (to be made small), small,
known (of a sort of which there are enough) or plain (there is nothing to make small). `cases` has the
smallest of each sort; `aliases` says of what was met that it is of another sort, made small. `states` are
those of tiny worlds. `at` is seconds since the epoch; `ended` of an arm says why it has no more units."""


class LedgerError(Exception):
    """A folder that cannot be a campaign's: which, and why, in one line."""


class Ledger:
    """An open ledger. `Ledger.create` makes a new one."""

    def __init__(self, folder: Path, *, write: bool = False) -> None:
        self.path = folder / NAME
        if not self.path.is_file():
            raise LedgerError(f"{folder}: there is no campaign in it")
        # Whoever opens it after a crash undoes what was half-written, and must be able to write for that
        mode = "rw" if os.access(self.path, os.W_OK) else "ro"
        self.db = sqlite3.connect(f"file:{_quoted(self.path)}?mode={mode}", uri=True, timeout=30)
        try:
            self.db.execute("PRAGMA synchronous = FULL")
            self.db.execute(f"PRAGMA query_only = {'OFF' if write else 'ON'}")
            version = self.setting("version")
        except sqlite3.DatabaseError as error:
            raise LedgerError(f"{self.path}: {error}") from None
        if version != VERSION:
            raise LedgerError(f"{self.path}: a ledger of version {version}, this program has {VERSION}")

    @staticmethod
    def create(folder: Path, settings: Mapping[str, Any]) -> Ledger:
        """Make the ledger of a new campaign, whole or not at all. Raises OSError."""
        partial = folder / f"{NAME}.{os.getpid()}.partial"
        partial.unlink(missing_ok=True)
        db = sqlite3.connect(partial)
        try:
            with db:
                db.executescript(f"BEGIN; {SCHEMA} COMMIT;")
                everything = {"version": VERSION, **settings}
                rows = [(name, json.dumps(value)) for name, value in everything.items()]
                db.executemany("INSERT INTO settings VALUES (?, ?)", rows)
            db.close()
            os.replace(partial, folder / NAME)
        finally:
            db.close()
            partial.unlink(missing_ok=True)
        return Ledger(folder, write=True)

    def close(self) -> None:
        self.db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written in it is written or none. Raises sqlite3.OperationalError where the disk is
        full."""
        with self.db:
            yield

    # What the campaign is

    def setting(self, name: str, default: Any = None) -> Any:
        """A setting by name."""
        row = self.db.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return default if row is None else json.loads(row[0])

    def change(self, name: str, value: Any) -> None:
        """Change a setting."""
        self.db.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, json.dumps(value)))

    def begin_run(self) -> None:
        """A run of the campaign begins; one that was cut short is ended when it last wrote."""
        self.db.execute("UPDATE runs SET how = 'cut short' WHERE how = 'running'")
        self.db.execute("INSERT INTO runs VALUES (?, ?, 'running')", (time.time(), time.time()))

    def goes_on(self, how: str = "running") -> None:
        """The run goes on until now at least, or ends."""
        self.db.execute("UPDATE runs SET ended = ?, how = ? WHERE how = 'running'", (time.time(), how))

    def elapsed(self) -> float:
        """Seconds of all runs together."""
        return float(self.db.execute("SELECT coalesce(sum(ended - began), 0) FROM runs").fetchone()[0])

    # What was done

    def done(self, arm: str) -> list[tuple[int, int]]:
        """The units that are done, as intervals in order, none touching the next."""
        merged: list[tuple[int, int]] = []
        rows = self.db.execute("SELECT first, end FROM done WHERE arm = ? ORDER BY first", (arm,))
        for first, end in rows:
            if merged and first <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            else:
                merged.append((first, end))
        return merged

    def compact(self) -> None:
        """Write down what is done in as few intervals as there can be."""
        arms = [arm for (arm,) in self.db.execute("SELECT DISTINCT arm FROM done")]
        for arm in arms:
            merged = self.done(arm)
            self.db.execute("DELETE FROM done WHERE arm = ?", (arm,))
            self.db.executemany("INSERT INTO done VALUES (?, ?, ?)", [(arm, *one) for one in merged])

    def enter_done(self, arm: str, first: int, end: int) -> None:
        """Units are done."""
        grown = self.db.execute("UPDATE done SET end = ? WHERE arm = ? AND end = ?", (end, arm, first))
        if not grown.rowcount:
            self.db.execute("INSERT INTO done VALUES (?, ?, ?)", (arm, first, end))

    def enter_figures(
        self, arm: str, units: int, operations: int, seconds: float, news: int, failures: int
    ) -> None:
        """Add to what an arm has done."""
        self.db.execute(
            "INSERT INTO figures VALUES (?, ?, ?, ?, ?, ?, '') ON CONFLICT (arm) DO UPDATE SET"
            " units = units + excluded.units, operations = operations + excluded.operations,"
            " seconds = seconds + excluded.seconds, news = news + excluded.news,"
            " failures = failures + excluded.failures",
            (arm, units, operations, seconds, news, failures),
        )

    def end_arm(self, arm: str, why: str) -> None:
        """An arm has no more units."""
        self.enter_figures(arm, 0, 0, 0.0, 0, 0)
        self.db.execute("UPDATE figures SET ended = ? WHERE arm = ?", (why, arm))

    def figures(self) -> dict[str, dict[str, Any]]:
        """What each arm has done, by its name."""
        names = ("units", "operations", "seconds", "news", "failures", "ended")
        rows = self.db.execute(f"SELECT arm, {', '.join(names)} FROM figures ORDER BY rowid")
        return {arm: dict(zip(names, values, strict=True)) for arm, *values in rows}

    def enter_events(self, arm: str, events: Mapping[str, int]) -> list[str]:
        """Count events; those that were never met before."""
        new = []
        for name, times in events.items():
            met = self.db.execute("UPDATE events SET times = times + ? WHERE name = ?", (times, name))
            if not met.rowcount:
                self.db.execute("INSERT INTO events VALUES (?, ?, ?, ?)", (name, times, arm, time.time()))
                new.append(name)
        return new

    def events(self) -> Counter[str]:
        """How often each event was met."""
        return Counter(dict(self.db.execute("SELECT name, times FROM events")))

    def first_events(self, most: int) -> list[tuple[str, str, float]]:
        """The events that were met for the first time lately: name, arm, when; the latest first."""
        rows = self.db.execute(
            "SELECT name, arm, at FROM events ORDER BY at DESC, rowid DESC LIMIT ?", (most,)
        )
        return [(name, arm, at) for name, arm, at in rows]

    def enter_features(self, features: Sequence[str]) -> int:
        """Features of runs; how many of them are new."""
        added = (self.db.execute("INSERT OR IGNORE INTO features VALUES (?)", (name,)) for name in features)
        return sum(one.rowcount for one in added)

    def enter_swept(self, recovery: str, forks: int, failed: int, points: int) -> None:
        """Add to what was swept of a recovery."""
        self.db.execute(
            "INSERT INTO swept VALUES (?, ?, ?, ?) ON CONFLICT (recovery) DO UPDATE SET"
            " forks = forks + excluded.forks, failed = failed + excluded.failed,"
            " points = points + excluded.points",
            (recovery, forks, failed, points),
        )

    def swept(self) -> list[tuple[str, int, int, int]]:
        """By recovery: forks, failed forks, failure points."""
        return list(self.db.execute("SELECT recovery, forks, failed, points FROM swept ORDER BY rowid"))

    def enter_worker(self, process: str, memory: int) -> None:
        """What a process of a worker holds now."""
        self.db.execute("INSERT INTO workers VALUES (?, ?, ?)", (process, time.time(), memory))

    def workers(self) -> list[tuple[str, float, int]]:
        """What the processes of workers held, and when."""
        return list(self.db.execute("SELECT process, at, memory FROM workers ORDER BY at"))

    # What was found

    def enter_finding(self, row: Mapping[str, Any]) -> int:
        """A finding; its number."""
        names = ("arm", "port", "unit", "sort", "steps", "file", "told", "promise", "at", "state")
        values = [row[name] for name in names]
        marks = ", ".join("?" for _ in names)
        made = self.db.execute(f"INSERT INTO findings ({', '.join(names)}) VALUES ({marks})", values)
        return int(made.lastrowid or 0)

    def set_finding(self, number: int, state: str) -> None:
        """What has become of a finding."""
        self.db.execute("UPDATE findings SET state = ? WHERE number = ?", (state, number))

    def findings(self, state: str | None = None) -> list[dict[str, Any]]:
        """The findings, or those of a state, in the order in which they were met."""
        names = ("number", "arm", "port", "unit", "sort", "steps", "file", "told", "promise", "at", "state")
        where, values = ("", ()) if state is None else (" WHERE state = ?", (state,))
        rows = self.db.execute(f"SELECT {', '.join(names)} FROM findings{where} ORDER BY number", values)
        return [dict(zip(names, row, strict=True)) for row in rows]

    def count_findings(self) -> dict[tuple[str, str], Counter[str]]:
        """By port and sort: how many findings there are in each state."""
        counts: dict[tuple[str, str], Counter[str]] = {}
        rows = self.db.execute("SELECT port, sort, state, count(*) FROM findings GROUP BY port, sort, state")
        for port, sort, state, count in rows:
            counts.setdefault((port, sort), Counter())[state] = count
        return counts

    def enter_case(
        self, port: str, sort: str, steps: int, file: str, told: str, lane: str, times: int = 0
    ) -> None:
        """The smallest case of a sort, that was met so many times more; when it was first met stays."""
        self.db.execute(
            "INSERT INTO cases VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (port, sort) DO UPDATE SET"
            " steps = excluded.steps, file = excluded.file, told = excluded.told,"
            " times = times + excluded.times",
            (port, sort, steps, file, told, lane, time.time(), times),
        )

    def met_again(self, port: str, sort: str, times: int = 1) -> bool:
        """A sort was met again; False where there is no case of it."""
        values = (times, port, sort)
        done = self.db.execute("UPDATE cases SET times = times + ? WHERE port = ? AND sort = ?", values)
        return done.rowcount > 0

    def drop_case(self, port: str, sort: str, became: str) -> None:
        """What was taken for a sort turned out to be another."""
        self.db.execute("DELETE FROM cases WHERE port = ? AND sort = ?", (port, sort))
        self.db.execute("INSERT OR REPLACE INTO aliases VALUES (?, ?, ?)", (port, sort, became))

    def aliases(self) -> dict[tuple[str, str], str]:
        """By port and sort as it was met: the sort that it is of, made small."""
        rows = self.db.execute("SELECT port, sort, became FROM aliases")
        return {(port, sort): became for port, sort, became in rows}

    def cases(self) -> list[dict[str, Any]]:
        """The smallest case of each sort, in the order in which the sorts were met."""
        names = ("port", "sort", "steps", "file", "told", "lane", "at", "times")
        rows = self.db.execute(f"SELECT {', '.join(names)} FROM cases ORDER BY at, rowid")
        return [dict(zip(names, row, strict=True)) for row in rows]

    def enter_proof(self, *row: Any) -> None:
        """What came of one size of a series of proofs."""
        self.db.execute("INSERT OR REPLACE INTO proofs VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def proofs(self) -> list[dict[str, Any]]:
        """What came of each size of each series."""
        names = ("series", "size", "verdict", "paths", "queries", "seconds", "told")
        rows = self.db.execute(f"SELECT {', '.join(names)} FROM proofs ORDER BY series, size")
        return [dict(zip(names, row, strict=True)) for row in rows]

    # Tiny worlds

    def enter_states(self, world: int, states: Sequence[tuple[bytes, bytes]]) -> None:
        """States that were met, as digest and path."""
        rows = [(world, digest, path) for digest, path in states]
        self.db.executemany("INSERT OR IGNORE INTO states VALUES (?, ?, ?, 0)", rows)

    def expanded(self, world: int, digests: Sequence[bytes]) -> None:
        """States whose successors are known."""
        rows = [(world, digest) for digest in digests]
        self.db.executemany("UPDATE states SET expanded = 1 WHERE world = ? AND digest = ?", rows)

    def states(self, world: int) -> Iterator[tuple[bytes, bytes, bool]]:
        """The states of a world: digest, path, whether it is expanded; those of short paths first."""
        rows = self.db.execute(
            "SELECT digest, path, expanded FROM states WHERE world = ? ORDER BY length(path), path", (world,)
        )
        return ((digest, path, bool(expanded)) for digest, path, expanded in rows)

    def worlds(self) -> list[tuple[int, int, int]]:
        """The worlds that were begun: number, states met, states expanded."""
        rows = self.db.execute(
            "SELECT world, count(*), sum(expanded) FROM states GROUP BY world ORDER BY world"
        )
        return [(world, met, expanded) for world, met, expanded in rows]

    # Hypothesis' examples

    def enter_examples(self, key: bytes, values: Sequence[bytes], kept: bool) -> None:
        """Examples that failed; ``kept`` says whether they are in Hypothesis' database by now."""
        rows = [(key, value, kept) for value in values]
        self.db.executemany("INSERT OR IGNORE INTO examples VALUES (?, ?, ?)", rows)

    def examples(self, key: bytes) -> set[bytes]:
        """The examples that this campaign has met or tried."""
        return {value for (value,) in self.db.execute("SELECT value FROM examples WHERE key = ?", (key,))}

    def count_examples(self) -> int:
        """How many examples were met or tried."""
        return int(self.db.execute("SELECT count(*) FROM examples").fetchone()[0])

    def unkept_examples(self) -> list[tuple[bytes, bytes]]:
        """Those that are still to be entered in Hypothesis' database."""
        return list(self.db.execute("SELECT key, value FROM examples WHERE kept = 0"))

    def keep_example(self, key: bytes, value: bytes) -> None:
        """It is in Hypothesis' database."""
        self.db.execute("UPDATE examples SET kept = 1 WHERE key = ? AND value = ?", (key, value))


def _quoted(path: Path) -> str:
    return quote(str(path.absolute()))
