"""Changes between 6.12 and 7.3 as patches, and what a review says of some: `docs/review-of-ten.md`."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from mapleproof.cli import status
from mapleproof.cli.cli import main
from mapleproof.impl.kernel import source
from mapleproof.impl.kernel.errors import KernelBuildError
from mapleproof.review import of_ten
from mapleproof.review.code import SOURCE, functions, span

PAGE = (Path(__file__).parents[2] / "docs/review-of-ten.md").read_text()


@pytest.fixture(scope="module")
def trees() -> tuple[Path, Path]:
    try:
        return source.resolve("6.12"), source.resolve("7.3")
    except KernelBuildError as error:
        pytest.skip(str(error))


def test_a_function_is_found_whole() -> None:
    text = (
        "/* int f(void) { } */\nint f(void)\n{\n\treturn 1; /* } */\n}\n\nint g(void)\n{\n\treturn f();\n}\n"
    )
    first, last = span(text, "f")
    assert text[first:last] == "int f(void)\n{\n\treturn 1; /* } */\n}"
    for name in ("h", "return"):
        with pytest.raises(ValueError, match="is defined 0 times"):
            span(text, name)


def test_each_change_is_of_its_functions_alone(trees: tuple[Path, Path], tmp_path: Path) -> None:
    old, new = ((tree / SOURCE).read_text() for tree in trees)
    for change in of_ten.CHANGES.values():
        before, after = functions(old), functions(change.made(old, new))
        touched = {name for name in after if before.get(name) != after[name]}
        assert touched == {*change.taken, *change.brought, *(function for function, _, _ in change.edits)}
        for name in (*change.taken, *change.brought):
            own = functions(new)[name]
            assert after[name] == (own.replace(f" {change.left_out}(mas);", "") if change.left_out else own)


def test_the_page_has_a_row_for_each() -> None:
    assert set(re.findall(r"^\| `([\w-]+)` \|", PAGE, re.MULTILINE)) == set(of_ten.CHANGES)
    for name, change in of_ten.CHANGES.items():
        row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{name}` |"))
        if change.title.startswith("maple_tree: "):
            assert change.title.removeprefix("maple_tree: ") in row


def test_what_is_no_series(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for words in ([], [str(tmp_path)] * 2):
        assert of_ten.main(words) == status.BAD_INPUT
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_a_name_that_there_is_not(trees: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert of_ten.main([*map(str, trees), "nothing"]) == status.BAD_INPUT
    assert "there is no change 'nothing'" in capsys.readouterr().err


@pytest.mark.late
def test_what_a_walk_breaks_and_the_next_change_mends(
    trees: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order that upstream has avoided: mas_walk() hid cursors that are active without a node."""
    monkeypatch.chdir(tmp_path)
    mailbox, figures = tmp_path / "ten.mbox", tmp_path / "f.json"
    mailbox.write_text("".join(of_ten.patches(*trees, ["dead-node", "walk", "activate"])))
    words = ["review", "--tree", trees[0], "--patch", mailbox, "--no-prove", "--for", 30, "--seed", 7]
    result = CliRunner().invoke(main, [*map(str, words), "--json", str(figures)], catch_exceptions=False)
    assert result.exit_code == status.DIFFERS, result.output
    same, walk, activate = json.loads(figures.read_text())["steps"]
    assert same["same_machine_code"]
    crashes = {sort for sort, _ in walk["broken"] if sort.startswith("SIGSEGV") and "mas_walk" in sort}
    assert crashes, walk["broken"]
    assert activate["broken"] == []
    assert crashes & {sort for sort, _ in activate["mended"]}
