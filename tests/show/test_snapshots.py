"""The terminal's text and the data behind the page are what they were, and fit."""

import pytest

from mapleproof.show.terminal import WIDTH
from tests.show import snapshots


@pytest.mark.parametrize("case", snapshots.TEXTS)
def test_the_text_in_a_terminal(case: str) -> None:
    text = snapshots.text(case)
    assert text == (snapshots.FOLDER / f"{case}.txt").read_text(encoding="utf-8")
    assert max(map(len, text.splitlines())) <= WIDTH


@pytest.mark.parametrize("case", snapshots.DATA)
def test_the_data_behind_a_page(case: str) -> None:
    assert snapshots.data(case) == (snapshots.FOLDER / f"{case}.json").read_text(encoding="utf-8")
