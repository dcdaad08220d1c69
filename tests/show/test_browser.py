"""Pages in a real browser: what is open, keys, links, light and dark, nothing asked for, nothing run."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mapleproof.props.common.answers import Answer
from mapleproof.props.common.files import Case, Header
from mapleproof.props.common.step import Step
from mapleproof.props.job.subjects import read_case
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.subject import MAPLE_TREE
from mapleproof.props.mm import operations as space
from mapleproof.props.mm.subject import ADDRESS_SPACE
from mapleproof.show.carry_out import picture_of
from mapleproof.show.gallery import PAGES, Shown
from mapleproof.show.page import picture_page
from tests.show.snapshots import GALLERY

HOSTILE = '</script><script>window.ran=1</script><img src=x onerror="window.ran=1">\u2028"\'&<!--${style}'


@contextmanager
def opened(browser: Any, path: Path, fragment: str = "", **context: Any) -> Iterator[Any]:
    """A page that is open; when it is left, it must have said nothing and asked for nothing but itself."""
    settings = {"viewport": {"width": 1400, "height": 900}, "color_scheme": "light"} | context
    made = browser.new_context(**settings)
    page = made.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: said.append(request.url))
    address = path.resolve().as_uri()
    page.goto(address + fragment)
    yield page
    assert {line.partition("#")[0] for line in said} == {address}
    made.close()


def current(page: Any) -> str:
    """The step that is open, by its number in the list."""
    return str(page.inner_text("[aria-current=step] .no >> nth=0")).strip("✗• ")


@pytest.mark.parametrize("shown", PAGES, ids=lambda shown: shown.case)
def test_the_first_difference_is_open(browser: Any, shown: Shown) -> None:
    with opened(browser, GALLERY / f"{shown.case}.html") as page:
        assert "First difference" in page.inner_text(".words h2")
        assert "first difference" in page.inner_text("[aria-current=step]")
        assert page.locator("svg .title").count() >= 2
        if shown.case != "cursor-does-not-restart":
            assert page.locator("svg .wrong, svg .broken, svg .lost, svg .leaked, svg .marker").count() >= 1
            assert page.locator(".words li.bad").count() >= 1


def test_keys_step_and_the_address_follows(browser: Any) -> None:
    with opened(browser, GALLERY / "undo-v3-page-tables.html") as page:
        seen = []
        for key in ("k", "ArrowLeft", "k", "k", "k", "k", "j", "ArrowRight", "d"):
            page.keyboard.press(key)
            seen.append((current(page), page.evaluate("location.hash")))
        steps = ["4b", "4a", "3", "2", "1", "1", "2", "3", "4"]
        assert seen == [(step, f"#step={step}") for step in steps]


@pytest.mark.parametrize(
    ("fragment", "step"), [("#step=2", "2"), ("#step=4a", "4a"), ("#step=99", "4"), ("#x", "4")]
)
def test_links_open_a_step(browser: Any, fragment: str, step: str) -> None:
    with opened(browser, GALLERY / "undo-v3-page-tables.html", fragment) as page:
        assert current(page) == step
        page.evaluate("location.hash = 'step=1'")
        page.wait_for_function("document.querySelector('.words h2').textContent === 'Step 1'")


def test_stepping_back_and_forth_draws_the_same(browser: Any) -> None:
    with opened(browser, GALLERY / "exit-marker-v2.html") as page:
        before = page.inner_html(".figure"), page.inner_text(".words")
        for key in "kkkjkkjjjj":
            page.keyboard.press(key)
        assert (page.inner_html(".figure"), page.inner_text(".words")) == before


def test_the_words_say_what_is_drawn(browser: Any) -> None:
    with opened(browser, GALLERY / "undo-v3-page-tables.html") as page:
        words = page.inner_text(".words")
        assert "level 2 (PMD): freed with 1 table [0x0..0x3fffffff]" in words
        assert "level 1 (PTE): leaked [0x200000..0x3fffff]" in words
        assert page.get_attribute(".words", "aria-live") == "polite"
        drawn = page.locator("svg title").all_text_contents()
        assert all(any(line in one for one in drawn) for line in ("freed with 1 table", "leaked"))


def test_a_page_works_by_keyboard_alone(browser: Any) -> None:
    with opened(browser, GALLERY / "wrong-gap.html") as page:
        reached = []
        for _ in range(12):
            page.keyboard.press("Tab")
            reached.append(page.evaluate("document.activeElement.textContent.trim().slice(0, 12)"))
        assert {"To the words", "← before", "after →"} <= set(reached)
        page.focus("nav a >> nth=1")
        page.keyboard.press("ArrowUp")
        assert current(page) == "1"
        page.keyboard.press("Enter")
        assert current(page) == "1"


def test_zoom_and_move_keep_to_the_addresses(browser: Any) -> None:
    with opened(browser, GALLERY / "copy-leaks-nodes.html") as page:
        part = page.inner_html(".figure svg")
        assert "in view" in part
        page.keyboard.press("a")
        assert "in view" not in page.inner_html(".figure svg")
        for key in ("+", "+", "h", "h", "h", "l", "-", "f"):
            page.keyboard.press(key)
        assert page.inner_html(".figure svg") == part


@pytest.mark.parametrize("width", [360, 800, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark_narrow_and_wide(browser: Any, scheme: str, width: int) -> None:
    size = {"width": width, "height": 900}
    with opened(browser, GALLERY / "undo-v3-page-tables.html", color_scheme=scheme, viewport=size) as page:
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (colour == "rgb(255, 255, 255)") == (scheme == "light")
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("mapped", [0, 1])
def test_one_range_or_none_is_drawn_too(browser: Any, tmp_path: Path, mapped: int) -> None:
    """All that there is begins and ends at the same two addresses, or at none."""
    steps = [Step(space.Mmap(0, 0x5000, 0x1000, 0, None), Answer(ret=0))] * mapped
    steps.append(Step(space.Committed(), Answer(index=1)))
    flags = {"tiny": False, "five_levels": False, "hugepd": False}
    case = Case(Header("a-case", flags, "a test", ADDRESS_SPACE), steps)
    path = tmp_path / "page.html"
    path.write_text(picture_page(picture_of(case, "model")), encoding="utf-8")
    with opened(browser, path) as page:
        assert "First difference" in page.inner_text(".words h2")
        assert page.locator("svg .axis").count() >= 2
        for key in "+-ahlfkj":
            page.keyboard.press(key)
        assert "First difference" in page.inner_text(".words h2")


def test_text_in_a_case_does_not_run(browser: Any, tmp_path: Path) -> None:
    steps = [Step(ops.MtreeStoreRange(1, 2, 3), Answer(ret=0)), Step(ops.MtreeLoad(1), Answer(crash=HOSTILE))]
    picture = picture_of(
        Case(Header(HOSTILE, {"alloc_range": True, "rcu": False}, HOSTILE, MAPLE_TREE), steps)
    )
    picture.told = (HOSTILE,)
    picture.frames[-1].notes = (HOSTILE,)
    picture.frames[-1].text = HOSTILE
    item = picture.frames[0].changed["model0/1"]
    assert item is not None
    picture.frames[0].changed["model0/1"] = item._replace(label=HOSTILE, note=HOSTILE)
    path = tmp_path / "page.html"
    path.write_text(picture_page(picture), encoding="utf-8")
    with opened(browser, path) as page:
        assert page.evaluate("window.ran") is None
        assert page.locator("img").count() == 0
        assert page.locator("script").count() == 2
        assert HOSTILE.replace("\u2028", "") in page.text_content(".words pre").replace("\u2028", "")
        assert HOSTILE in page.title()


def test_a_script_that_got_in_would_not_run(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    text = picture_page(picture_of(read_case(GALLERY / "wrong-gap.jsonl")))
    path.write_text(text.replace("<noscript>", "<script>window.ran = 1</script><noscript>"), encoding="utf-8")
    made = browser.new_context()
    page = made.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(path.as_uri())
    assert page.evaluate("window.ran") is None
    assert any("Content Security Policy" in line for line in said)
    made.close()
