"""`--report`: a whole run as one page, each failure with its picture."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mapleproof.cli.cli import main
from tests.show.test_browser import current, opened

SEED = "D04_height_not_taken_over"


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run with a planted mistake, and with a benchmark's figures and plot."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "figures.json").write_text(json.dumps({"load": {"<b>": [1.5, 2]}}))
    (folder / "plot.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')
    report = folder / "report.html"
    arguments = [
        "check",
        "--seed",
        "0",
        "--seconds",
        "60",
        "--jobs",
        "1",
        "--lane",
        "bulk",
        "--seeded",
        SEED,
        "--failures",
        "1",
    ]
    arguments += ["--out", str(folder), "--report", str(report)]
    arguments += ["--bench", str(folder / "figures.json"), "--bench", str(folder / "plot.svg")]
    assert CliRunner().invoke(main, arguments).exit_code == 1
    return report


def test_a_check_with_a_failure(checked: Path) -> None:
    text = checked.read_text()
    assert re.search(r'<h1 class="bad">check: \d+ failures</h1>', text)
    assert SEED in text
    assert "split_three" in text
    assert "<td>load &lt;b&gt; 0</td>" in text
    assert "data:image/svg+xml;base64," in text
    assert 'id="failure1"' in text


def test_a_failure_opens_with_its_picture(browser: Any, checked: Path) -> None:
    with opened(browser, checked, "#failure1&step=1") as page:
        assert current(page) == "1"
        page.keyboard.press("j")
        assert page.evaluate("location.hash") == "#failure1&step=2"
    with opened(browser, checked) as page:
        assert page.locator("nav.steps").count() == 0
        page.click("summary >> nth=0")
        page.wait_for_selector(".words h2")
        assert "First difference" in page.inner_text(".words h2")
        assert page.evaluate("document.images[0].naturalWidth") == 9


def test_recoveries_by_promise(tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    arguments = ["check", "--seconds", "0", "--jobs", "1", "--recovery", "undo_v4", "--out", str(tmp_path)]
    assert CliRunner().invoke(main, [*arguments, "--report", str(report)]).exit_code == 0
    text = report.read_text()
    assert "<td>broken, as is known</td>" in text
    assert "Flaws that are known: 2" in text
    assert "undo_v4: pages zapped: " in text
    assert text.count('class="viewer"') == text.count("<details>") > 0


def test_proofs_with_their_twins(tmp_path: Path, browser: Any) -> None:
    report = tmp_path / "report.html"
    arguments = ["prove", "munmap_exact", "--twins", "--out", str(tmp_path), "--report", str(report)]
    assert CliRunner().invoke(main, arguments).exit_code == 0
    with opened(browser, report, "#failure1") as page:
        assert "4 of 4 twins refuted" in page.inner_text("h1")
        assert "First difference" in page.inner_text(".words h2")
