"""Findings in a campaign's folder: the smallest of each sort, no more files than asked for, none
elsewhere."""

import json
import os
from pathlib import Path

import pytest

from mapleproof.campaign.arms import Arm
from mapleproof.campaign.findings import Findings
from mapleproof.campaign.folder import Folder
from mapleproof.campaign.ledger import Ledger
from mapleproof.campaign.lots import Finding, Lot
from mapleproof.props.common.answers import Answer
from mapleproof.props.common.files import Case, Header
from mapleproof.props.common.step import Step
from mapleproof.props.job.subjects import read_case
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.subject import MAPLE_TREE

ARM = Arm("bulk")
LOT = Lot(ARM, 0, 10)


def case_of(steps: int, name: str = "made") -> Case:
    store = Step(ops.MtreeStoreRange(1, 2, 3), Answer(ret=0))
    return Case(Header(name, {"alloc_range": True, "rcu": False}, "a test", MAPLE_TREE), [store] * steps)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Folder(tmp_path / "campaign").close()
    return tmp_path / "campaign"


@pytest.fixture
def ledger(folder: Path) -> Ledger:
    return Ledger.create(folder, {})


def findings_in(folder: Path, ledger: Ledger, keep: int = 1000) -> Findings:
    return Findings(folder, ledger, [ARM], keep=keep)


def met(unit: int, sort: str, steps: int = 9) -> Finding:
    return Finding(unit, sort, [f"{sort}: told"], case_of(steps), small=False)


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.jsonl*"))


def test_of_each_sort_the_smallest_stays(folder: Path, ledger: Ledger) -> None:
    findings = findings_in(folder, ledger)
    assert findings.take(LOT, met(0, "wrong answer in A", 9))
    assert not findings.take(LOT, met(1, "wrong answer in A", 8))
    assert findings.take(LOT, met(2, "crash in B", 30))
    assert files(folder) == ["found/bulk-0.jsonl.gz", "found/bulk-1.jsonl.gz", "found/bulk-2.jsonl.gz"]
    first, other, second = findings.next(0, 8, 9), findings.next(1, 8, 9), findings.next(0, 8, 9)
    assert first is not None
    assert other is not None
    assert second is not None
    # Sorts of which there is nothing small come first
    assert [first.sort, other.sort, second.sort] == ["wrong answer in A", "crash in B", "wrong answer in A"]
    assert findings.next(0, 8, 9) is None
    findings.made_small(first, Finding(0, first.sort, ["small"], case_of(3)))
    findings.made_small(second, Finding(1, first.sort, ["smaller"], case_of(2)))
    findings.made_small(other, Finding(2, other.sort, ["small"], case_of(5)))
    by_sort = {case["sort"]: case for case in ledger.cases()}
    assert {sort: (case["steps"], case["times"]) for sort, case in by_sort.items()} == {
        "wrong answer in A": (2, 2),
        "crash in B": (5, 1),
    }
    assert len(list((folder / "cases").iterdir())) == 2
    for case in by_sort.values():
        assert len(read_case(folder / case["file"]).steps) == case["steps"]
    findings.made_small(second, Finding(1, first.sort, ["not smaller"], case_of(4)))
    assert {case["steps"] for case in ledger.cases()} == {2, 5}


def test_what_becomes_another_sort_is_counted_there(folder: Path, ledger: Ledger) -> None:
    findings = findings_in(folder, ledger)
    for unit in range(4):
        findings.take(LOT, met(unit, "late consequence"))
    wanted = findings.next(0, 4, 9)
    assert wanted is not None
    assert findings.made_small(wanted, Finding(0, "first harm", ["small"], case_of(2)))
    findings.take(LOT, met(9, "late consequence"))
    assert [(case["sort"], case["times"], case["steps"]) for case in ledger.cases()] == [("first harm", 5, 2)]
    again = findings_in(folder, ledger)
    again.take(LOT, met(10, "late consequence"))
    assert [case["times"] for case in ledger.cases()] == [6]


def test_one_that_only_looked_like_a_sort_is_counted_where_it_belongs(folder: Path, ledger: Ledger) -> None:
    findings = findings_in(folder, ledger)
    for unit in range(3):
        findings.take(LOT, met(unit, "a"))
    one, other = findings.next(0, 4, 9), findings.next(0, 4, 9)
    assert one is not None
    assert other is not None
    findings.made_small(one, Finding(0, "a", ["small"], case_of(2)))
    assert findings.made_small(other, Finding(1, "b", ["small"], case_of(2)))
    assert {case["sort"]: case["times"] for case in ledger.cases()} == {"a": 2, "b": 1}


def test_a_small_case_stays_when_its_sort_is_met_as_it_is(folder: Path, ledger: Ledger) -> None:
    """b is known from what looked like a; met as b for the first time, it is neither new nor any larger."""
    findings = findings_in(folder, ledger)
    findings.take(LOT, met(0, "a"))
    wanted = findings.next(0, 4, 9)
    assert wanted is not None
    findings.made_small(wanted, Finding(0, "b", ["small"], case_of(2)))
    assert not findings.take(LOT, met(1, "b", 50))
    (case,) = ledger.cases()
    assert (case["sort"], case["times"], case["steps"]) == ("b", 2, 2)
    assert case["file"].startswith("cases/")


def test_no_more_files_of_a_sort_than_asked_for(folder: Path, ledger: Ledger) -> None:
    findings = findings_in(folder, ledger, keep=3)
    for unit in range(50):
        findings.take(LOT, met(unit, "crash in A"))
    assert len(list((folder / "found").iterdir())) == 3
    assert [case["times"] for case in ledger.cases()] == [50]


def test_what_waits_to_be_made_small_is_there_after_a_restart(folder: Path, ledger: Ledger) -> None:
    findings = findings_in(folder, ledger)
    for unit, sort in enumerate(("a", "b", "b", "b", "b")):
        findings.take(LOT, met(unit, sort))
    assert len(findings.waiting) == 1 + 3  # SHRINKS of b, no more
    done = findings.next(0, 8, 9)
    assert done is not None
    with ledger.transaction():
        findings.made_small(done, Finding(0, "a", ["small"], case_of(1)))
    again = findings_in(folder, ledger)
    assert [wanted.sort for wanted in again.waiting] == ["b", "b", "b"]
    assert [wanted.case for wanted in again.waiting] == [case_of(9)] * 3
    (folder / "found" / "bulk-1.jsonl.gz").write_bytes(b"spoilt")
    assert len(findings_in(folder, ledger).waiting) == 2


HOSTILE = (
    "../../../outside",
    "/etc/outside",
    "..",
    "",
    "a\0b\nc",
    "x" * 5000,
    "<script>alert(1)</script>",
    "$(touch outside); `id`",
    "\N{RIGHT-TO-LEFT OVERRIDE}gnp.exe",
    ".hidden",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_no_name_leaves_the_folder(folder: Path, ledger: Ledger, tmp_path: Path, text: str) -> None:
    """Sorts, promises and subjects come from what was tested: a crash of a C port says what it likes."""
    findings = findings_in(folder, ledger)
    lot = Lot(Arm("bulk", f"kernel:{text}", text), 0, 1)
    findings.arms[lot.arm.name] = lot.arm
    with ledger.transaction():
        findings.take(lot, Finding(0, text, [text], case_of(2), promise=text))
        findings.take(lot, Finding(1, text + "2", [text]))
        findings.take(lot, Finding(0, text + "3", [text], case_of(1)))
    before = {"campaign.db", "lock", "found", "cases"}
    assert set(os.listdir(folder)) == before
    assert os.listdir(tmp_path) == ["campaign"]
    for case in ledger.cases():
        path = (folder / case["file"]).resolve()
        assert path.is_relative_to(folder.resolve())
        assert path.exists()
        assert not path.name.startswith(".")
        assert json.loads(case["told"])


def test_a_failure_that_no_case_can_hold_is_told_in_words(folder: Path, ledger: Ledger) -> None:
    entries = [(k, k, 1) for k in range(20_000)]
    step = Step(ops.Snapshot(), Answer(entries=entries))
    case = Case(case_of(1).header, [step])
    findings = findings_in(folder, ledger)
    findings.take(LOT, Finding(4, "too large", ["what was met"], case))
    (row,) = ledger.findings()
    assert (folder / row["file"]).read_text() == "too large\nwhat was met\n"


def test_a_full_disk_leaves_no_half_a_file(
    folder: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    findings = findings_in(folder, ledger)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"), ledger.transaction():
        findings.take(LOT, met(0, "crash"))
    monkeypatch.undo()
    findings.reload()
    assert files(folder) == []
    assert list((folder / "found").iterdir()) == []
    assert findings.counts == {}
    assert not findings.waiting
    assert findings.take(LOT, met(0, "crash"))


def test_making_small_has_its_share_of_the_time(folder: Path, ledger: Ledger) -> None:
    """Half for sorts without a small case, an eighth for a second look; the first 20 seconds are free."""
    findings = findings_in(folder, ledger)
    for unit, sort in enumerate(("a", "b", "c", "c")):
        findings.take(LOT, met(unit, sort))
    first = findings.next(0, 2, seconds=0)
    assert first is not None
    assert findings.next(1, 2, seconds=1000) is None  # one of two threads already
    assert findings.next(1, 4, seconds=0) is not None
    findings.made_small(first, Finding(0, "a", ["small"], case_of(1), seconds=100))
    assert findings.next(0, 2, seconds=99) is None  # 100 of 199 seconds are more than half
    second = findings.next(0, 2, seconds=101)
    assert second is not None
    assert second.sort == "c"
    assert findings.next(0, 2, seconds=699) is None  # a second look at c: 100 of 799 are more than an eighth
    assert findings.next(0, 2, seconds=701) is not None
