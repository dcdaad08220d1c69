"""The loop of a campaign beside workers that answer as a test wants: lots that fail, and what is told of
them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis.database import InMemoryExampleDatabase

from mapleproof.campaign.arms import Wanted
from mapleproof.campaign.campaign import Campaign, Options
from mapleproof.campaign.farm import Farm, Finished, Lost
from mapleproof.campaign.folder import Folder
from mapleproof.campaign.ledger import Ledger
from mapleproof.campaign.lots import Lot, Report

Answer = Callable[[Lot], Report | Exception]


class Workers:
    """Stands for a farm: each lot is answered at once."""

    scheduler = None

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.asked: list[Lot] = []
        self.waiting: list[Lot] = []

    def threads(self) -> int:
        return 2

    def connected(self) -> bool:
        return True

    def submit(self, lot: Lot) -> None:
        self.asked.append(lot)
        self.waiting.append(lot)

    def finished(self) -> Iterator[Finished]:
        done, self.waiting = self.waiting, []
        return (Finished(lot, self.answer(lot)) for lot in done)

    def lots(self) -> int:
        return len(self.waiting)

    def __len__(self) -> int:
        return len(self.waiting)


def campaign_of(folder: Path, answer: Answer, *lanes: str) -> Campaign:
    Folder(folder).close()
    options = Options(folder, Wanted(lanes=lanes, recoveries=("unmap_in_place",)), seconds=30.0)
    farm: Any = Workers(answer)
    return Campaign(options, Ledger.create(folder, {}), cast(Farm, farm), InMemoryExampleDatabase())


def done(lot: Lot) -> Report:
    return Report(units=lot.count, operations=1, seconds=1.0)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mapleproof.campaign.campaign.TICK", 0.0)


def test_an_arm_that_no_worker_can_do_is_given_up_and_told_of(tmp_path: Path) -> None:
    def answer(lot: Lot) -> Report | Exception:
        return RuntimeError("no such library") if lot.arm.lane == "bulk" else done(lot)

    campaign = campaign_of(tmp_path, answer, "bulk", "layouts")

    def tell(now: Campaign) -> None:
        now.stop = bool(now.plan.rows["bulk"].ended) and now.now.lots > 20

    campaign.run(tell)
    assert campaign.plan.rows["bulk"].ended == "no worker can do it"
    (case,) = campaign.ledger.cases()
    assert case["sort"] == "RuntimeError on a worker: no such library"
    assert (tmp_path / case["file"]).read_text().startswith("RuntimeError on a worker: no such library\n")
    assert "bulk: no worker can do it: RuntimeError: no such library" in campaign.new_cases
    assert campaign.ledger.done("bulk") == []
    assert campaign.ledger.done("layouts unmap_in_place")[0][1] >= 20


@pytest.mark.parametrize("why", [RuntimeError("now and then"), Lost("its worker is gone")])
def test_what_fails_now_and_then_is_done_again(tmp_path: Path, why: Exception) -> None:
    """Every third lot fails: never three in a row, so its arm is not given up, and no unit is left out."""
    count = 0

    def answer(lot: Lot) -> Report | Exception:
        nonlocal count
        count += 1
        return why if count % 3 == 0 else done(lot)

    campaign = campaign_of(tmp_path, answer, "layouts")

    def tell(now: Campaign) -> None:
        now.stop = now.now.lots > 60

    campaign.run(tell)
    row = campaign.plan.rows["layouts unmap_in_place"]
    assert not row.ended
    assert campaign.ledger.cases() == []
    assert campaign.now.lost >= 20
    given = [lot.first for lot in campaign.farm.asked]  # type: ignore[attr-defined]
    assert len(given) > len(set(given))  # some twice
    ((first, end), *_) = campaign.ledger.done("layouts unmap_in_place")
    assert first == 0
    assert end >= 55


def test_a_worker_that_never_answers_for_its_cluster_is_not_a_finding(tmp_path: Path) -> None:
    campaign = campaign_of(tmp_path, lambda lot: Lost("gone"), "layouts")

    def tell(now: Campaign) -> None:
        now.stop = now.now.lost > 50

    campaign.run(tell)
    assert campaign.ledger.cases() == []
    assert not campaign.plan.rows["layouts unmap_in_place"].ended


def test_it_ends_by_itself_when_all_is_done(tmp_path: Path) -> None:
    campaign = campaign_of(tmp_path, done, "spaces")
    campaign.run()
    assert not campaign.stop
    assert campaign.plan.exhausted()
