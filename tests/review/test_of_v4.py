"""The mail that the project began with, answered by `mapleproof review` alone: `docs/review-of-v4.md`."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from mapleproof.cli import status
from mapleproof.cli.cli import main
from mapleproof.impl.kernel.booted import whole
from mapleproof.impl.kernel.booted.build import built_before
from mapleproof.impl.kernel.booted.config import Variant
from mapleproof.impl.kernel.booted.recoveries import RECOVERIES, sources
from mapleproof.impl.kernel.errors import KernelBuildError
from mapleproof.review import of_v4

NOT_ZAPPED = "pages zapped: Bad rss-counter"
NULL = "no crash: panic in mapleproof_undo"
TWICE = "no crash: panic in __rb_"
"""Nothing is zapped where no VMA is left; `vma_end` is NULL there; a VMA is removed from its file's tree of
mappings twice, and the next to walk that tree falls."""


@pytest.fixture(scope="module")
def tree() -> Path:
    try:
        return whole.resolve("6.12", unpacks=False)
    except KernelBuildError as error:
        pytest.skip(str(error))


def test_nothing_is_chosen_any_more(tree: Path) -> None:
    """Each recovery alone, for good; each patch fits on top of the one before."""
    for one in RECOVERIES:
        files = sources(tree, one.name)
        assert sorted(files) == ["kernel/fork.c", "mm/memory.c", "mm/mmap.c"]
        assert f"mapleproof_undo(mm, mpnt, {one.number});" in files["kernel/fork.c"]
        assert not any("mapleproof_seed" in text or "how ==" in text for text in files.values())
    made = list(of_v4.patches(tree))
    assert [made[number].count("diff --git") for number in range(4)] == [3, 2, 2, 2]


def test_a_tree_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert of_v4.main([str(tmp_path)]) == status.BAD_INPUT
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.late
def test_the_review_of_the_mail(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not built_before(tree, Variant("um")):
        pytest.skip(f"no kernel for um was built: mapleproof kernel boot {tree}")
    monkeypatch.chdir(tmp_path)
    mailbox, figures = tmp_path / "of-v4.mbox", tmp_path / "f.json"
    mailbox.write_text("".join(of_v4.patches(tree)))
    words = (
        "review",
        "--tree",
        tree,
        "--patch",
        mailbox,
        "--no-prove",
        "--for",
        0,
        "--seed",
        7,
        "--json",
        figures,
    )
    result = CliRunner().invoke(main, list(map(str, words)), catch_exceptions=False)
    assert result.exit_code == status.DIFFERS, result.output
    steps = json.loads(figures.read_text())["steps"]
    broken, mended, both = (
        ["; ".join(sort for sort, _ in step[kind]) for step in steps] for kind in ("broken", "mended", "both")
    )
    v3, v4, open_coded, in_place = range(4)
    assert TWICE in broken[v3]
    assert NOT_ZAPPED in broken[v3]
    assert broken[v4] == ""
    assert TWICE in mended[v4]
    assert NOT_ZAPPED in both[v4]
    assert NULL in broken[open_coded]
    assert NOT_ZAPPED in mended[open_coded]
    assert broken[in_place] == ""
    assert NULL in mended[in_place]
    assert "dup_mmap" in steps[v3]["touched"]
    assert all(step["forks"]["failed"] for step in steps)
