"""A review whose kernels are booted, with kernels of our own in the place of guests."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mapleproof.cli import status
from mapleproof.cli.cli import main
from mapleproof.impl.kernel.errors import KernelBuildError
from mapleproof.impl.mm.promises import ZAPPED
from mapleproof.review import review as reviewing
from mapleproof.review.code import Change
from mapleproof.review.forks import Kernels
from mapleproof.review.result import Step
from mapleproof.review.trees import Side
from tests.review.conftest import History, git
from tests.review.test_forks import FakeKernel, Shows, always

COUNTER = (ZAPPED, "Bad rss-counter: type:MM_ANONPAGES val:1")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Cases go to a folder of the test's own."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


@pytest.fixture
def forks(history: History, monkeypatch: pytest.MonkeyPatch) -> str:
    """A range of two commits that touch a file of fork that no claim is about. The maple tree, which they
    leave as it is, is not compiled."""

    def look(step: Step, *_: object) -> None:
        step.changes, step.same_machine = [Change("mm/mempolicy.c", ("number",))], True

    monkeypatch.setattr(reviewing, "_look", look)
    monkeypatch.setattr(reviewing, "build", lambda _: None)
    before = git(history.folder, "rev-parse", "HEAD")
    (history.folder / "mm").mkdir(exist_ok=True)
    for number in (1, 2):
        (history.folder / "mm/mempolicy.c").write_text(f"int number(void)\n{{\n\treturn {number};\n}}\n")
        history.commit(f"fork {number}")
    return f"{before}..HEAD"


def kernels(monkeypatch: pytest.MonkeyPatch, *shows: Shows | str) -> None:
    """What the kernel of each side shows, the base's first; or why it has none."""

    def make(self: Kernels, sides: Sequence[Side]) -> Iterator[tuple[Side, str]]:
        for number, (side, shown) in enumerate(zip(sides, shows, strict=True)):
            if isinstance(shown, str):
                yield side, shown
            else:
                self.made[side] = FakeKernel(str(number), shown)
                yield side, ""

    monkeypatch.setattr(Kernels, "make", make)


def review(history: History, what: str, *more: object) -> Result:
    words = ["review", "--tree", history.folder, what, "--no-prove", "--for", 0, "--seed", 7, *more]
    return CliRunner().invoke(main, list(map(str, words)), catch_exceptions=False)


def plain(result: Result) -> str:
    return " ".join(result.stdout.split())


def test_what_forks_break_and_mend_is_told(
    history: History, forks: str, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernels(monkeypatch, always(), always(COUNTER), always())
    figures, page = here / "f.json", here / "f.html"
    result = review(history, forks, "--json", figures, "--report", page)
    assert result.exit_code == status.DIFFERS, result.output
    assert result.stdout.splitlines()[-1].startswith(
        "Broken by the change: 1 sort of failure; mended by it: 1;"
    )
    assert "forks: 20 failed in the booted kernel, 20 failure points of 2 scenarios" in plain(result)
    first, second = json.loads(figures.read_text())["steps"]
    assert [sort for sort, _ in first["broken"]] == ["pages zapped: Bad rss-counter"]
    assert [sort for sort, _ in second["mended"]] == ["pages zapped: Bad rss-counter"]
    assert first["forks"] == {"scenarios": 2, "points": 20, "failed": 20, "same_kernel": False}
    case = first["broken"][0][1]
    assert f"mapleproof replay {case} --port 'booted:{history.folder}?seed=none'" in result.stdout
    assert Path(case).is_file()
    assert "Bad rss-counter" in page.read_text()


def test_forks_that_hold_are_an_answer(history: History, forks: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure on both sides is as before."""
    kernels(monkeypatch, *[always(COUNTER)] * 3)
    result = review(history, forks)
    assert "as before: pages zapped: Bad rss-counter" in plain(result)
    assert "fork:" not in plain(result)
    assert result.exit_code == status.HOLDS, result.output
    assert "Nothing is broken over 40 forks that fail" in plain(result)


def test_a_kernel_that_does_not_boot_is_broken(
    history: History, forks: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernels(monkeypatch, always(), "was built for um, and does not boot: panic", always())
    result = review(history, forks)
    assert result.exit_code == status.DIFFERS, result.output
    assert "its kernel does not build or boot" in result.stdout.splitlines()[-1]


def test_where_nothing_can_be_booted_there_is_no_answer(
    history: History, forks: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make(self: Kernels, sides: Sequence[Side]) -> Iterator[tuple[Side, str]]:
        raise KernelBuildError("missing flex")

    monkeypatch.setattr(Kernels, "make", make)
    for more, why in (((), "missing flex"), (("--no-boot",), "--no-boot")):
        result = review(history, forks, *more)
        assert result.exit_code == status.NO_ANSWER, result.output
        assert f"not run: fork: mm/mempolicy.c changed, and not booted: {why}" in plain(result)
