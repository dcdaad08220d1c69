"""The page of a campaign, with names and texts in it that somebody wants to run."""

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from mapleproof.campaign.arms import Arm
from mapleproof.campaign.findings import Findings
from mapleproof.campaign.folder import REPORT, Folder
from mapleproof.campaign.ledger import Ledger
from mapleproof.campaign.lots import Finding, Lot
from mapleproof.campaign.page import write_report
from mapleproof.campaign.status import status_of
from mapleproof.campaign.view import tables
from mapleproof.props.common.answers import Answer
from mapleproof.props.common.files import Case, Header
from mapleproof.props.common.found import safe_name
from mapleproof.props.common.step import Step
from mapleproof.props.job.subjects import read_case
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.subject import MAPLE_TREE
from mapleproof.show.page import picture_page
from tests.show.test_browser import HOSTILE as HOSTILE_LINES
from tests.show.test_browser import current, opened

HOSTILE = HOSTILE_LINES.replace("\u2028", " ")
"""In one line, as a case must have its texts."""

RICH = "[bold red]not markup[/]"


def hostile_case() -> Case:
    """It fails at its second step on our tree, and its texts are hostile."""
    steps = [
        Step(ops.MtreeStoreRange(1, 2, 3), Answer(ret=0)),
        Step(ops.MtreeLoad(1), Answer(entry=4)),
    ]
    header = Header(
        HOSTILE, {"alloc_range": True, "rcu": False}, HOSTILE, MAPLE_TREE, HOSTILE, found={HOSTILE: HOSTILE}
    )
    return Case(header, steps)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A campaign that met something hostile, and was given a hostile case by somebody else."""
    folder = tmp_path / "night"
    Folder(folder).close()
    settings = {"seed": 0, "seeded": None, "ports": ["impl", HOSTILE], "lanes": ["bulk"], "recoveries": []}
    ledger = Ledger.create(folder, {**settings, "careful": False, "even": False, "fingerprint": HOSTILE})
    lot = Lot(Arm("bulk"), 0, 9)
    findings = Findings(folder, ledger, [lot.arm])
    with ledger.transaction():
        findings.take(lot, Finding(0, HOSTILE, [HOSTILE, RICH], hostile_case()))
        findings.take(lot, Finding(1, f"{RICH} {HOSTILE}", [HOSTILE]))
        findings.take(
            Lot(Arm("bulk", HOSTILE), 0, 1), Finding(1, "../../" + HOSTILE, ["told"], hostile_case())
        )
        ledger.enter_figures(f"bulk {HOSTILE}", 1, 1, 1.0, 1, 1)
        ledger.end_arm(f"bulk {HOSTILE}", HOSTILE)
        ledger.enter_events("bulk", {HOSTILE: 3, "split": 2})
        ledger.enter_swept(HOSTILE, 3, 2, 1)
        ledger.enter_proof(HOSTILE, 3, "refuted", 1, 1, 1.0, HOSTILE)
        ledger.enter_states(3, [(b"x" * 16, b"")])
    write_report(folder, ledger)
    ledger.close()
    return folder


def test_what_is_hostile_does_not_run_and_is_shown(folder: Path, browser: Any) -> None:
    with opened(browser, folder / REPORT) as page:
        assert page.evaluate("window.ran") is None
        assert page.locator("img").count() == 0
        shown = page.inner_text("main")
        assert HOSTILE in shown
        assert RICH in shown
        for summary in page.locator("summary").all():
            summary.click()
        page.wait_for_selector(".words h2")
        assert "First difference" in page.inner_text(".words h2 >> nth=0")
        assert page.evaluate("window.ran") is None


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_failure_is_linked_to_and_stepped_through(folder: Path, browser: Any, scheme: str) -> None:
    with opened(browser, folder / REPORT, "#failure1&step=1", color_scheme=scheme) as page:
        assert current(page) == "1"
        page.keyboard.press("j")
        assert page.evaluate("location.hash") == "#failure1&step=2"


def test_nothing_hostile_is_markup_in_the_terminal(folder: Path) -> None:
    console = Console(width=200, record=True, file=None, force_terminal=True, quiet=False)
    with console.capture() as got:
        for part in tables(status_of(folder, Ledger(folder))):
            console.print(part)
    text = got.get()
    assert RICH in text
    assert "sorts of failure: 3" in text


def test_no_file_is_outside_and_each_is_read_again(folder: Path, tmp_path: Path) -> None:
    assert [path.name for path in tmp_path.iterdir()] == ["night"]
    files = [path for path in folder.rglob("*") if path.suffix in (".gz", ".jsonl")]
    assert len(files) == 4
    for path in files:
        assert read_case(path).header.name == HOSTILE
        assert safe_name(path.name) == path.name
    assert "window.ran" in picture_page_of(files[0])


def picture_page_of(path: Path) -> str:
    """The page of a case of a campaign, as `mapleproof show` makes it; a browser test opens such pages."""
    from mapleproof.show.carry_out import picture_of_file

    return picture_page(picture_of_file(path))
