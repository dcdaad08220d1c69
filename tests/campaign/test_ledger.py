"""The ledger: whole or not at all, one writer, and what it refuses."""

import multiprocessing
import os
import signal
import sqlite3
import time
from pathlib import Path

import pytest

from mapleproof.campaign.folder import Folder
from mapleproof.campaign.ledger import NAME, Ledger, LedgerError


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger.create(tmp_path, {"seed": 7, "ports": ["impl"]})


def test_intervals_of_units_are_joined(ledger: Ledger) -> None:
    with ledger.transaction():
        for first, end in ((0, 3), (5, 9), (3, 5), (20, 21), (9, 10)):
            ledger.enter_done("bulk", first, end)
    assert ledger.done("bulk") == [(0, 10), (20, 21)]
    with ledger.transaction():
        ledger.compact()
    assert ledger.db.execute("SELECT count(*) FROM done").fetchone() == (2,)
    assert ledger.done("bulk") == [(0, 10), (20, 21)]
    assert ledger.done("machine") == []


def test_a_transaction_that_fails_leaves_nothing(ledger: Ledger) -> None:
    def fails() -> None:
        with ledger.transaction():
            ledger.enter_done("bulk", 0, 5)
            ledger.enter_figures("bulk", 5, 100, 1.0, 2, 0)
            ledger.enter_events("bulk", {"split": 3})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert ledger.done("bulk") == []
    assert ledger.figures() == {}
    assert ledger.events() == {}


def test_what_adds_up(ledger: Ledger) -> None:
    with ledger.transaction():
        ledger.enter_figures("bulk", 5, 100, 1.0, 2, 1)
        ledger.enter_figures("bulk", 1, 10, 0.5, 0, 0)
        assert ledger.enter_events("bulk", {"split": 3, "append": 1}) == ["split", "append"]
        assert ledger.enter_events("machine", {"split": 2, "dup": 1}) == ["dup"]
        assert ledger.enter_features(["a", "b"]) == 2
        assert ledger.enter_features(["b", "c"]) == 1
        ledger.enter_swept("undo_v3", 10, 9, 8)
        ledger.enter_swept("undo_v3", 1, 1, 1)
    assert ledger.figures()["bulk"] == {
        "units": 6,
        "operations": 110,
        "seconds": 1.5,
        "news": 2,
        "failures": 1,
        "ended": "",
    }
    assert ledger.events() == {"split": 5, "append": 1, "dup": 1}
    assert ledger.swept() == [("undo_v3", 11, 10, 9)]


def test_settings_stay(tmp_path: Path, ledger: Ledger) -> None:
    ledger.close()
    again = Ledger(tmp_path)
    assert (again.setting("seed"), again.setting("ports"), again.setting("none", 3)) == (7, ["impl"], 3)
    with pytest.raises(sqlite3.OperationalError):  # who only reads cannot write
        again.change("seed", 8)


def test_a_run_that_was_cut_short_counts_until_it_last_wrote(ledger: Ledger) -> None:
    with ledger.transaction():
        ledger.begin_run()
        ledger.db.execute("UPDATE runs SET began = 100, ended = 130")
    with ledger.transaction():
        ledger.begin_run()
    assert 30 <= ledger.elapsed() < 31
    assert [how for (how,) in ledger.db.execute("SELECT how FROM runs")] == ["cut short", "running"]


@pytest.mark.parametrize("content", [b"", b"this is no database at all, but text" * 40])
def test_a_file_that_is_no_ledger_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / NAME).write_bytes(content)
    with pytest.raises(LedgerError, match=NAME):
        Ledger(tmp_path)


def test_an_empty_folder_and_another_version_are_refused(tmp_path: Path, ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match="there is no campaign in it"):
        Ledger(tmp_path / "nothing")
    with ledger.transaction():
        ledger.change("version", 99)
    with pytest.raises(LedgerError, match="version 99"):
        Ledger(tmp_path)


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    assert not Folder.is_busy(tmp_path)
    one = Folder(tmp_path)
    assert Folder.is_busy(tmp_path)
    with pytest.raises(LedgerError, match="a campaign is running in it"):
        Folder(tmp_path)
    one.close()
    assert not Folder.is_busy(tmp_path)
    Folder(tmp_path).close()


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerError, match="file"):
        Folder(tmp_path / "file")


def _write_for_ever(folder: Path) -> None:
    ledger = Ledger(folder, write=True)
    for unit in range(1_000_000):
        with ledger.transaction():
            ledger.enter_done("bulk", unit, unit + 1)
            ledger.enter_figures("bulk", 1, 10, 0.1, 0, 0)
            ledger.enter_events("bulk", {"split": 1})


def test_a_writer_that_is_killed_leaves_a_sound_ledger(tmp_path: Path, ledger: Ledger) -> None:
    """At any moment: units, figures and events agree."""
    ledger.close()
    for _ in range(5):
        writer = multiprocessing.get_context("fork").Process(target=_write_for_ever, args=(tmp_path,))
        writer.start()
        time.sleep(0.15)
        assert writer.pid is not None
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
        assert Ledger(tmp_path).figures()["bulk"]["units"] > 0  # who only reads can do so at once
        found = Ledger(tmp_path, write=True)
        assert found.db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        figures = found.figures()
        assert figures
        assert found.events()["split"] == figures["bulk"]["units"]
        assert figures["bulk"]["operations"] == 10 * figures["bulk"]["units"]
        with found.transaction():
            found.db.execute("DELETE FROM done")
            found.db.execute("DELETE FROM figures")
            found.db.execute("DELETE FROM events")
        found.close()
