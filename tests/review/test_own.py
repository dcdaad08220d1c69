"""`mapleproof review` of this project's own tree and fork."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mapleproof.cli import status
from mapleproof.cli.cli import main
from mapleproof.props.job.subjects import read_case
from mapleproof.review.own import compared, concerned
from mapleproof.review.own_code import MODULE, change_of, functions
from mapleproof.review.own_sides import PARTS, Judged, Unfit
from mapleproof.review.trees import OWN, Side, linked, subject_of
from tests.cli.test_recipes import BLOCKS, run
from tests.review.conftest import Edit, History, git

ROOT = Path(__file__).parents[2]

TEXT = '''\
"""A module."""
LIMIT = 4

class Tree:
    """A tree."""

    def find(self, index: int) -> int:
        """Find it."""
        low = self.low  # where it begins
        return low + index

def outer():
    def inner():
        return 1
    return inner
'''


def test_names_words_and_places_make_no_difference() -> None:
    other = TEXT.replace("low", "bottom").replace("self.bottom", "self.low")
    other = "# A word.\n" + other.replace("Find it.", "Look.").replace("index: int", "index: object")
    assert functions(other) == functions(TEXT)


@pytest.mark.parametrize(
    ("old", "new", "touched"),
    [
        ("low + index", "low - index", "Tree.find"),
        ("self.low", "self.high", "Tree.find"),
        ("index", "place", "Tree.find"),
        ("return 1", "return 2", "outer"),
        ("LIMIT = 4", "LIMIT = 5", MODULE),
        ("class Tree", "class Tree(dict)", MODULE),
    ],
)
def test_what_differs_is_named(old: str, new: str, touched: str) -> None:
    """A parameter's name is no local one: callers may use it."""
    one, other = functions(TEXT), functions(TEXT.replace(old, new))
    assert [name for name in one if one[name] != other.get(name)] == [touched]


def test_a_file_that_is_no_python_is_changed(tmp_path: Path) -> None:
    for name, text in (("old", TEXT), ("new", TEXT + "def (\n")):
        (tmp_path / name / "impl/maple").mkdir(parents=True)
        (tmp_path / name / "impl/maple/tree.py").write_text(text)
    assert change_of(tmp_path / "old", tmp_path / "new", "impl/maple/tree.py").text == ("maple.tree",)


def test_claims_that_execute_a_function() -> None:
    executes = ["write.store", "recovery.undo_v3.UndoV3.unmap"]
    assert concerned({"maple.write.store"}, executes)
    assert concerned({"mm.recovery.undo_v3.UndoV3.unmap"}, executes)
    assert not concerned({"maple.rewrite.store", "maple.write.store_root"}, executes)


def said(answer: str, nodes: int, shape: int, charge: int) -> dict[str, object]:
    run = {"answers": [["load(index=1)", [{"entry": answer}]]], "nodes": nodes, "lines": 10, "shape": [shape]}
    fork = {"refused": {"charge": charge}, "lines": 7}
    return {"runs": [run], "histories": [{"done": {"mmap": 2}, "lines": 5}], "forks": {"in_place 0": fork}}


def test_what_both_sides_say() -> None:
    same = compared(said("1", 4, 3, 1), said("1", 4, 3, 1))
    assert (same.behaviours, same.shapes, same.nodes) == ({}, 0, [(4, 4)])
    assert same.instructions == [(10, 10), (5, 5), (7, 7)]
    other = compared(said("1", 4, 3, 1), said("2", 8, 2, 2))
    assert [one.operation for one in other.behaviours.values()] == [
        "load(index=1)",
        "requests of forks under in_place 0",
    ]
    assert (other.shapes, other.nodes) == (1, [(4, 8)])


@pytest.fixture
def checkout(tmp_path: Path) -> History:
    """A checkout of this project with a history of one commit."""
    folder = tmp_path / "checkout"
    for part in PARTS:
        if (ROOT / part).is_dir():
            left_out = shutil.ignore_patterns("*.so", "__pycache__")
            shutil.copytree(ROOT / part, folder / part, symlinks=True, ignore=left_out)
        else:
            shutil.copy(ROOT / part, folder / part)
    (folder / ".gitignore").write_text("__pycache__\n*.so\n")
    git(folder, "init", "-q", "-b", "main")
    made = History(folder)
    made.commit("the sources")
    return made


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def review(folder: Path, what: str, *more: object) -> Result:
    words = ["review", "--tree", folder, what, "--for", 0, "--jobs", 2, "--seed", 7, *more]
    return CliRunner().invoke(main, list(map(str, words)), catch_exceptions=False)


def test_a_checkout_is_told_from_a_kernel(sources: Path) -> None:
    assert subject_of(ROOT) is OWN
    assert subject_of(sources) is not OWN


def test_names_and_words_alone_are_no_difference(checkout: History) -> None:
    checkout.commit(
        "words",
        lambda text: text.replace("limit", "border").replace("The lowest", "The very lowest"),
        "impl/maple/search.py",
    )
    checkout.commit("elsewhere", lambda text: text + "\n", "props/__init__.py")
    result = review(checkout.folder, "HEAD~2..HEAD")
    assert result.exit_code == status.HOLDS, result.output
    assert result.stdout.splitlines()[-1] == "No difference: its code is the same."
    assert "1 more touch nothing of it" in " ".join(result.stdout.split())


def test_the_recipe(checkout: History, tmp_path: Path) -> None:
    checkout.commit("words", lambda text: text.replace("limit", "border"), "impl/maple/search.py")
    about = {"CHECKOUT": str(checkout.folder), "BASE": "HEAD~1", "TIME": "1"}
    done = run(BLOCKS["own"], tmp_path, tmp_path / "bin", **about)
    assert done.returncode == status.HOLDS, done.stdout + done.stderr
    assert "No difference: its code is the same." in done.stdout


def edit(old: str, new: str) -> Edit:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return change


@pytest.mark.deep
def test_mistakes_in_tree_and_fork_are_broken(checkout: History, here: Path) -> None:
    """A limit of a search, which the next commit puts right, and a floor that is no longer strict. The judge
    that is changed with it, to be blind, is not asked."""
    search, limits = "impl/maple/search.py", "impl/mm/limits.py"
    room = ("least if upwards else most - size + 1", "least if upwards else most - size")
    floor = ("if addr < floor:", "if addr <= floor:")
    (checkout.folder / "props/common/answers.py").write_text("blind = True\n")
    checkout.commit("room one lower", edit(*room), search)
    checkout.commit("back", edit(*reversed(room)), search)
    checkout.commit("a floor", edit(*floor), limits)
    figures = here / "f.json"
    result = review(checkout.folder, "HEAD~3..HEAD", "--json", figures)
    assert result.exit_code == status.DIFFERS, result.output
    lower, back, strict = json.loads(figures.read_text())["steps"]
    sorts = [sort for sort, _ in lower["broken"]]
    assert any("empty_area_rev" in sort or "rrange" in sort for sort in sorts), sorts
    assert back["broken"] == []
    assert {sort for sort, _ in back["mended"]} == set(sorts)
    assert any("page tables freed exactly" in sort for sort, _ in strict["broken"]), strict["broken"]
    assert ["free_pgd_range_exact", "proved", "refuted"] in [claim[:3] for claim in strict["claims"]]
    for step in (lower, strict):
        case = next(Path(case) for _, case in step["broken"] if case)
        replayed = CliRunner().invoke(main, ["replay", str(case)])  # it fails there, not on what runs here
        assert replayed.exit_code == status.HOLDS, replayed.output
        assert len(read_case(case).steps) <= 8


@pytest.mark.late
def test_a_function_with_another_name_is_run_and_no_difference(checkout: History, here: Path) -> None:
    for path in (checkout.folder / "impl/maple").glob("*.p*"):
        path.write_text(path.read_text().replace("classify_span", "classify_reach"))
    checkout.commit("another name")
    figures = here / "f.json"
    result = review(checkout.folder, "HEAD~1..HEAD", "--json", figures, "--no-prove")
    assert result.exit_code == status.HOLDS, result.output
    (step,) = json.loads(figures.read_text())["steps"]
    assert not step["same_machine_code"]
    assert step["ratios"] == {"nodes": "1.000", "lines executed": "1.000"}
    assert result.stdout.splitlines()[-1].startswith("No difference in answers and nodes over ")


@pytest.mark.late
def test_a_tree_that_does_nothing_is_broken(checkout: History) -> None:
    """Every method of the tree answers nothing."""

    def emptied(text: str) -> str:
        lines, kept = text.splitlines(), []
        skipping = False
        for line in lines:
            if line.startswith("    def ") and "__init__" not in line:
                skipping = True
                kept += [
                    "    def " + line.split("def ")[1].split("(")[0] + "(self, *_, **__):",
                    "        return 0",
                ]
            elif skipping and (line.startswith(("        ", "    )")) or not line.strip()):
                continue
            else:
                skipping = False
                kept.append(line)
        return "\n".join(kept) + "\n"

    checkout.commit("nothing", emptied, "impl/maple/tree.py")
    result = review(checkout.folder, "HEAD~1..HEAD", "--no-prove")
    assert result.exit_code == status.DIFFERS, result.output


def test_what_cannot_be_loaded(checkout: History, tmp_path: Path) -> None:
    base = Side("base", "", checkout.folder)
    broken = tmp_path / "broken"
    linked(checkout.folder, broken, ["impl"])
    (broken / "impl/mm/limits.py").unlink()
    (broken / "impl/mm/limits.py").write_text("def narrow(:\n")
    judged = Judged.made(Side("new", "", broken), base, tmp_path / "judged", tmp_path)
    with pytest.raises(Unfit, match="SyntaxError"):
        judged.load()
    whole = Judged.made(base, base, tmp_path / "whole", tmp_path)
    whole.load()
