"""`show --port live`: the running kernel's address spaces beside the model's, before and after a step."""

import os
import re
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mapleproof.cli.cli import main
from mapleproof.impl.kernel.live import REGION, why_not
from mapleproof.props.common.answers import Answer
from mapleproof.props.common.files import Case, Header, write_case
from mapleproof.props.common.operation import Common
from mapleproof.props.common.step import Step
from mapleproof.props.mm import operations as ops
from mapleproof.props.mm.live_port import LivePort
from mapleproof.props.mm.subject import ADDRESS_SPACE
from mapleproof.show.carry_out import picture_of
from mapleproof.show.picture import Item, Picture
from mapleproof.show.terminal import WIDTH, lines_of
from tests.mm.live.test_live import RECORDINGS
from tests.show.snapshots import GALLERY
from tests.show.test_browser import opened

PAGE = 4096
BASE = REGION.start
RW = 3
FLAGS = {"tiny": False, "five_levels": False, "hugepd": False}

needs_kernel = pytest.mark.skipif(bool(why_not()), reason=why_not() or "live spaces can be had")

STEPS = [
    Step(ops.Mmap(0, BASE, 4 * PAGE, RW, None), Answer(ret=0)),
    Step(ops.Touch(0, BASE, 4 * PAGE), Answer(ret=0)),
    Step(ops.Fork(0, 1, "unmap_in_place"), Answer(ret=0)),
    Step(ops.Munmap(1, BASE + PAGE, PAGE), Answer(ret=0)),
    Step(ops.TableBytes(1), Answer(index=3 * PAGE)),
    Step(ops.Vmas(1), Answer(entries=[(BASE, BASE + 4095, 0x100013), (BASE + 8192, BASE + 16383, 0x100013)])),
]


def case_of(steps: list[Step]) -> Case:
    return Case(Header("a-case", FLAGS, "a test", ADDRESS_SPACE), steps)


def lane(picture: Picture, key: str, at: int = -1) -> list[Item]:
    state = picture.state(at if at >= 0 else len(picture.frames) - 1)
    return [item for item in state.values() if item.lane == key]


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    return result.exit_code, result.output


@needs_kernel
def test_what_the_kernel_says_is_beside_what_the_model_holds() -> None:
    picture = picture_of(case_of(STEPS), "live")
    assert picture.headline == "6 steps, as expected"
    assert [one.key for one in picture.lanes] == ["step", "model0", "live0", "model1", "live1"]
    said = {(item.row, item.first, item.last, item.label) for item in lane(picture, "live1")}
    assert said == {
        ("VMAs", BASE, BASE + PAGE - 1, "rw-p ac"),
        ("VMAs", BASE + 2 * PAGE, BASE + 4 * PAGE - 1, "rw-p ac"),
        ("bytes", BASE, BASE + (1 << 39) - 1, "12288 bytes"),
    }
    rows = {item.row for item in lane(picture, "model1")}
    assert rows == {"VMAs", "pages", "level 1", "level 2", "level 3"}
    assert not any(item.faulty for item in picture.state(5).values())


@needs_kernel
@pytest.mark.parametrize("path", RECORDINGS[:3], ids=lambda path: path.name.partition(".")[0])
def test_recordings_show_no_fault(path: Path, tmp_path: Path) -> None:
    status, output = run("show", path, "--port", "live")
    assert status == 0
    assert " steps, as expected" in output
    assert "!" not in output


def _leaves(apply: Callable[..., Answer]) -> Callable[..., Answer]:
    """A kernel that leaves the VMA and a page table at every munmap."""

    def wrong(port: LivePort, op: Common) -> Answer:
        if isinstance(op, ops.Munmap):
            vars(port)["kept"] = PAGE
            return Answer(ret=0)
        answer = apply(port, op)
        if isinstance(answer.index, int) and answer.index:
            return replace(answer, index=answer.index + vars(port).get("kept", 0))
        return answer

    return wrong


def _dies(apply: Callable[..., Answer]) -> Callable[..., Answer]:
    """A kernel that kills who unmaps."""

    def wrong(port: LivePort, op: Common) -> Answer:
        if isinstance(op, ops.Munmap):
            os.kill(port.live.pid(op.space), signal.SIGKILL)
        return apply(port, op)

    return wrong


@needs_kernel
def test_the_first_difference(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, browser: Any) -> None:
    monkeypatch.setattr(LivePort, "apply", _leaves(LivePort.apply))
    picture = picture_of(case_of(STEPS), "live")
    assert picture.headline == "wrong answer at step 5: index is 0x4000, not 0x3000"
    assert {(item.row, item.kind) for item in lane(picture, "live1")} == {
        ("VMAs", "wrong"),
        ("bytes", "wrong"),
    }
    assert [item.kind for item in lane(picture, "model1") if item.row == "VMAs"] == ["lost", "lost"]
    assert not any(item.faulty for item in picture.state(2).values())
    path = tmp_path / "case.jsonl"
    write_case(path, case_of(STEPS))
    status, output = run("show", path, "--port", "live")
    assert status == 1
    assert re.search(r"! page tables +16384 bytes, not 12288 as in the model \[0x8000000000\.\.", output)
    assert max(len(line.plain) for line in lines_of(picture)) <= WIDTH
    page = tmp_path / "case.html"
    assert run("show", path, "--port", "live", "--html", page)[0] == 1
    with opened(browser, page) as opened_page:
        assert "First difference" in opened_page.inner_text(".words h2")
        assert "16384 bytes, not 12288" in opened_page.inner_text(".words")
        assert "what the running kernel says" in opened_page.inner_html(".figure svg")


@needs_kernel
def test_flags_of_an_answer_are_words(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = [*STEPS[:3], Step(ops.Vmas(1), Answer(entries=[(BASE, BASE + 4 * PAGE - 1, 0x100011)]))]
    frame = picture_of(case_of(wrong), "live").frames[-1]
    assert frame.expected[0].text == "[0x8000000000..0x8000003fff]→r--p ac"
    assert frame.actual[0].text == "[0x8000000000..0x8000003fff]→rw-p ac"


@needs_kernel
def test_a_process_that_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LivePort, "apply", _dies(LivePort.apply))
    picture = picture_of(case_of(STEPS), "live")
    assert picture.headline == "crash at step 4: the process of space 1 died"
    assert lane(picture, "live1") == lane(picture, "live1", 2) != []


@needs_kernel
@pytest.mark.parametrize(
    ("op", "reason"),
    [
        (ops.Mmap(0, 0, PAGE, RW, None), "has addresses from"),
        (ops.Mmap(0, BASE, PAGE, RW, 9), "has files 0 to 3 only"),
        (ops.Pages(0), "is not asked this"),
        (ops.Fork(0, 1, "undo_v4", fail_after=3), "is not asked this"),
    ],
)
@pytest.mark.parametrize("command", ["show", "replay"])
def test_what_is_not_offered_is_one_line(op: Common, reason: str, command: str, tmp_path: Path) -> None:
    answer = Answer(entries=[]) if isinstance(op, ops.Pages) else Answer(ret=0)
    write_case(tmp_path / "case.jsonl", case_of([Step(op, answer)]))
    status, output = run(command, tmp_path / "case.jsonl", "--port", "live")
    assert status == 2
    assert len(output.splitlines()) == 1
    assert reason in output


@needs_kernel
def test_more_spaces_than_there_are_seats_is_one_line(tmp_path: Path) -> None:
    forks = [Step(ops.Fork(0, number, "unmap_in_place"), Answer(ret=0)) for number in range(1, 9)]
    assert picture_of(case_of(forks[:-1]), "live").failing is None
    write_case(tmp_path / "case.jsonl", case_of(forks))
    status, output = run("show", tmp_path / "case.jsonl", "--port", "live")
    assert status == 2
    assert "no more than 8 live spaces" in output


@needs_kernel
@pytest.mark.parametrize("case", ["wrong-gap", "undo-v3-page-tables"])
def test_trees_and_other_page_tables_are_one_line(case: str) -> None:
    status, output = run("show", GALLERY / f"{case}.jsonl", "--port", "live")
    assert status == 2
    assert len(output.splitlines()) == 1


def test_where_there_is_no_live_kernel_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mapleproof.impl.kernel.live.why_not", lambda: "live address spaces need Linux")
    status, output = run("show", RECORDINGS[0], "--port", "live")
    assert (status, output) == (2, "live address spaces need Linux\n")


@needs_kernel
def test_the_page_of_a_run_shows_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, browser: Any) -> None:
    monkeypatch.setattr(LivePort, "apply", _leaves(LivePort.apply))
    report = tmp_path / "report.html"
    arguments = ["check", "--port", "live", "--seconds", "0", "--jobs", "1", "--out", tmp_path]
    assert run(*arguments, "--failures", "1", "--report", report)[0] == 1
    assert "No picture" not in report.read_text()
    with opened(browser, report, "#failure1") as page:
        assert "First difference" in page.inner_text(".words h2")
        assert "what the running kernel says" in page.inner_html(".figure svg")
