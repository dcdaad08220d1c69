"""`mapleproof review` on a small history: what breaks, what is mended, what is harmless."""

import difflib
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mapleproof.cli import status
from mapleproof.cli.cli import main
from mapleproof.impl.kernel.booted import whole
from mapleproof.impl.kernel.errors import KernelBuildError
from mapleproof.proofs.kernel import compiler
from tests.review.conftest import SOURCE, History, git, in_function

BELOW = "if (mas->index <= min) {\n\t\t\tmas->status"
BROKEN = in_function("mas_prev_slot", BELOW, BELOW.replace("<= min", "< min"))
MENDED = in_function("mas_prev_slot", BELOW.replace("<= min", "< min"), BELOW)
"""A limit that the search goes past by one index, and the same put right."""

HARMLESS = in_function(
    "mas_prev_slot", "unsigned long pivot;", "/* The border that is looked at */\n\tunsigned long pivot;\n"
)


def with_name_and_order(text: str) -> str:
    """Two stores that do not depend on each other change places, and a variable has another name."""
    first, second = "\t\tmas->min = 0;\n", "\t\tmas->max = ULONG_MAX;\n"
    assert first + second in text
    text = text.replace(first + second, second + first, 1)
    start = text.index("static void *mas_prev_slot(")
    end = text.index("\n}", start)
    return text[:start] + re.sub(r"\bpivot\b", "border", text[start:end]) + text[end:]


def review(*words: object, seconds: float = 6) -> Result:
    options = ("--for", seconds, "--jobs", 2, "--seed", 7)
    return CliRunner().invoke(main, ["review", *map(str, words), *map(str, options)], catch_exceptions=False)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Cases go to a folder of the test's own."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def last_line(result: Result) -> str:
    return str(result.stdout.splitlines()[-1])


def test_a_harmless_change_is_no_difference(history: History) -> None:
    before = git(history.folder, "rev-parse", "HEAD")
    history.commit("words, a name, an order", lambda text: with_name_and_order(HARMLESS(text)))
    history.commit("a word elsewhere", lambda text: text + "\n", "Makefile")
    result = review("--tree", history.folder, f"{before}..HEAD")
    assert result.exit_code == status.HOLDS, result.output
    assert last_line(result) == "No difference to the maple tree: its machine code is the same."
    assert "1 more touch nothing of it" in " ".join(result.stdout.split())


@pytest.mark.late
def test_a_series_that_breaks_half_way_and_is_mended(history: History, here: Path) -> None:
    """Each commit is held against the one before; the repository stays as it is; the mail can be sent."""
    before = git(history.folder, "rev-parse", "HEAD")
    history.commit("go one index further", BROKEN)
    history.commit("and back", MENDED)
    state = [
        git(history.folder, *words.split())
        for words in ("status --porcelain", "count-objects", "worktree list")
    ]
    figures, junit, page = here / "f.json", here / "f.xml", here / "f.html"
    result = review(
        f"{before}..HEAD", "--tree", history.folder, "--json", figures, "--junit", junit, "--report", page
    )
    assert result.exit_code == status.DIFFERS, result.output
    assert [
        git(history.folder, *words.split())
        for words in ("status --porcelain", "count-objects", "worktree list")
    ] == state
    first, second = json.loads(figures.read_text())["steps"]
    assert any(re.search("prev|rev", sort) for sort, _ in first["broken"]), first["broken"]
    assert second["broken"] == []
    assert {sort for sort, _ in second["mended"]} & {sort for sort, _ in first["broken"]}
    assert second["mistakes"]
    assert re.fullmatch(
        r"Broken by the change: \d+ sorts? of failure; mended by it: \d+\.", last_line(result)
    )
    mail = result.stdout.split("\n\n", 1)[1].split("\nmapleproof replay ")[0].splitlines()
    assert len(mail) <= 61
    assert max(map(len, mail)) <= 72
    assert "<failure" in junit.read_text()
    assert "broken by the change" in page.read_text()
    case = Path(first["broken"][0][1])
    replayed = CliRunner().invoke(main, ["replay", str(case), "--port", f"kernel:{history.folder}"])
    assert replayed.exit_code == status.HOLDS, replayed.output


def test_patches_on_a_folder_that_is_no_repository(history: History, sources: Path, tmp_path: Path) -> None:
    """A mailbox, as `git format-patch --stdout` and b4 write it; the folder stays as it is."""
    before = git(history.folder, "rev-parse", "HEAD")
    history.commit("say what the border is", HARMLESS)
    history.commit("a word at the end", lambda text: text + "/* The end. */\n")
    mailbox = tmp_path / "series.mbox"
    mailbox.write_text(git(history.folder, "format-patch", "--stdout", "--cover-letter", before) + "\n")
    there = (sources / SOURCE).read_bytes()
    result = review("--tree", sources, "--patch", mailbox)
    assert result.exit_code == status.HOLDS, result.output
    assert "* patch 1 say what the border is" in result.stdout
    assert "* patch 2 a word at the end" in result.stdout
    assert (sources / SOURCE).read_bytes() == there
    again = review("--tree", history.folder, "--patch", mailbox)
    assert again.exit_code == status.BAD_INPUT
    assert re.match(r"patch 1 \(say what the border is\) does not fit: git apply: ", again.stderr)


def test_what_does_not_build_is_broken(history: History) -> None:
    before = git(history.folder, "rev-parse", "HEAD")
    history.commit("a slip", lambda text: text + "\nint slip(void) { return slipped; }\n")
    result = review("--tree", history.folder, f"{before}..HEAD", "--bisect")
    assert result.exit_code == status.DIFFERS
    assert re.search(r"^Broken: [0-9a-f]+ does not build", last_line(result))
    assert "slipped" in result.stdout


def test_files_of_fork_are_named_as_not_judged(history: History) -> None:
    """A change that only other parts of the suite can judge is no green."""
    before = git(history.folder, "rev-parse", "HEAD")
    history.commit("a fork", lambda text: text + "\n", "include/linux/mm.h")
    result = review("--tree", history.folder, f"{before}..HEAD")
    assert result.exit_code == status.NO_ANSWER, result.output
    assert "not booted: " in " ".join(result.stdout.split())
    assert "not a whole kernel source tree: Kconfig is missing" in " ".join(result.stdout.split())
    assert last_line(result).startswith("No answer: fork, proofs; ")


def test_a_branch_is_held_against_its_upstream(history: History, tmp_path: Path) -> None:
    git(history.folder, "clone", "-q", ".", str(tmp_path / "clone"))
    clone = History(tmp_path / "clone")
    clone.commit("say what the border is", HARMLESS)
    result = review("--tree", clone.folder)
    assert result.exit_code == status.HOLDS, result.output
    assert "say what the border is" in result.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("HEAD~9..HEAD",), "there is no commit HEAD~9"),
        (("HEAD",), "HEAD: a range is BASE..HEAD"),
        (("HEAD..HEAD",), "HEAD..HEAD: no commits in"),
        ((), "this branch has no upstream: name a range, BASE..HEAD"),
        (("--patch", "nowhere.mbox"), "nowhere.mbox: no such file"),
        (("a", "b"), "a: no such folder"),
        (("a", "b", "c"), "a range BASE..HEAD, or two folders"),
        (("HEAD~1..HEAD", "--patch", "x"), "--patch stands instead of a range"),
    ],
)
def test_what_is_not_to_be_had(words: tuple[str, ...], told: str, history: History) -> None:
    result = review("--tree", history.folder, *words)
    assert result.exit_code == status.BAD_INPUT
    assert told in result.stderr


def test_a_folder_without_git(tmp_path: Path) -> None:
    result = review("--tree", tmp_path, "HEAD~1..HEAD")
    assert result.exit_code == status.BAD_INPUT
    assert result.stderr == f"{tmp_path}: no git repository\n"


def test_a_mailbox_without_a_patch(history: History, tmp_path: Path) -> None:
    (tmp_path / "empty.mbox").write_text("From nobody\nSubject: no patch\n\nHello.\n")
    result = review("--tree", history.folder, "--patch", tmp_path / "empty.mbox")
    assert result.exit_code == status.BAD_INPUT
    assert "no patch in it" in result.stderr


@pytest.mark.late
def test_a_claim_that_a_patch_refutes_is_broken_by_it(tmp_path: Path) -> None:
    """A floor that is no longer strict, as a patch on a whole tree; and a second one that puts it right."""
    try:
        compiler.clang()
        tree = whole.resolve("6.12", unpacks=False)
    except KernelBuildError as error:
        pytest.skip(str(error))
    path = "mm/memory.c"
    before = (tree / path).read_text()
    start = before.index("void free_pgd_range(")
    at = before.index("if (addr < floor)", start)
    after = before[:at] + "if (addr <= floor)" + before[at + len("if (addr < floor)") :]
    mailbox = tmp_path / "series.mbox"
    mailbox.write_text(mail("floor", path, before, after) + mail("back", path, after, before))
    figures = tmp_path / "f.json"
    result = review("--tree", tree, "--patch", mailbox, "--json", figures, "--no-boot", seconds=1)
    assert result.exit_code == status.DIFFERS, result.output
    steps = json.loads(figures.read_text())["steps"]
    claims = [{name: (one, other) for name, one, other, _ in step["claims"]} for step in steps]
    assert claims[0]["free_pgd_range_exact"] == ("proved", "refuted")
    assert claims[1]["free_pgd_range_exact"] == ("refuted", "proved")
    assert "broken: free_pgd_range_exact: proved before, refuted now" in result.stdout
    assert "addr=0x" in result.stdout
    assert last_line(result).startswith("Broken by the change: 1 sort of failure; mended by it: 1;")
    assert (tree / path).read_text() == before


def mail(subject: str, path: str, before: str, after: str) -> str:
    """A patch as a mail."""
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), f"a/{path}", f"b/{path}"
    )
    head = "From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\nFrom: A <a@example.org>\n"
    body = f"diff --git a/{path} b/{path}\n{''.join(lines)}"
    return f"{head}Subject: [PATCH] {subject}\n\n---\n{body}\n--\n2.39\n\n"
