"""The parts of a review: functions, lines, mistakes, both sides beside each other."""

import re
from pathlib import Path

import pytest

from mapleproof.impl.kernel.build import Variant, build
from mapleproof.review.beside import beside, ratio
from mapleproof.review.code import Line, added_lines, change_of, functions, reaching
from mapleproof.review.power import mistakes, power
from mapleproof.review.sides import fails_on, made_small
from mapleproof.review.trees import Side, linked
from tests.review.conftest import SOURCE, in_function

TEXT = """\
#define CALL(x) f(x)
struct node {
\tint slots;
};

/* Add one. */
static int add(int a)
{
\treturn a + 1; // here
}

int twice(struct node *node,
\t  int a)
{
\tif (a <= 2 && !node)
\t\treturn add(a);
\tnode->slots = 0;
\treturn 2 * a;
}
"""


def test_functions_are_told_without_comments() -> None:
    found = functions(TEXT)
    assert list(found) == ["add", "twice"]
    assert found["add"] == "static int add(int a) { return a + 1; }"


def test_a_function_with_two_definitions_is_both() -> None:
    """As dup_mmap, which a kernel without an MMU has too."""
    text = "#ifdef A\nint f(void)\n{\n\treturn 1;\n}\n#else\nint f(void)\n{\n\treturn 2;\n}\n#endif\n"
    assert functions(text) == {"f": "int f(void) { return 1; } int f(void) { return 2; }"}


def test_added_lines_know_their_function() -> None:
    old = TEXT.replace("\tnode->slots = 0;\n", "")
    assert list(added_lines(old, TEXT)) == [Line(17, "\tnode->slots = 0;", "twice")]
    assert list(added_lines(TEXT, old)) == []


def test_mistakes_of_a_line() -> None:
    lines = [
        Line(15, "\tif (a <= 2 && !node)", "twice"),
        Line(16, "\t\treturn add(a);", "twice"),
        Line(17, "\tnode->slots = 0;", "twice"),
        Line(18, "\treturn a + 1; /* a < b */", "twice"),
        Line(1, "#if 1 < 2", ""),
    ]
    assert [one.instead.strip() for one in mistakes(lines)] == [
        "if (a < 2 && !node)",
        "if (a <= 2 || !node)",
        "if (a <= 3 && !node)",
        "if (a <= 2 && node)",
        "node->slots = 1;",
        ";",
        "return a;",
    ]


def test_ratios() -> None:
    assert str(ratio([(2, 2), (4, 8), (10, 10)])) == "1.000 (1.000 to 2.000)"
    assert ratio([(0, 1)]) is None


@pytest.fixture
def copy(sources: Path, tmp_path: Path) -> Path:
    linked(sources, tmp_path / "copy")
    (tmp_path / "copy" / SOURCE).unlink()
    return tmp_path / "copy"


def test_a_variable_with_another_name_is_the_same_to_the_machine(sources: Path, copy: Path) -> None:
    text = (sources / SOURCE).read_text()
    start = text.index("static void *mas_prev_slot(")
    end = text.index("\n}", start)
    renamed = re.sub(r"\bpivot\b", "border", text[start:end])
    (copy / SOURCE).write_text(text[:start] + renamed + text[end:])
    change = change_of(sources, copy, SOURCE)
    assert change.text == ("mas_prev_slot",)
    assert change.machine == ()
    assert "mas_find_rev" in change.reached_by
    assert "mas_find" not in change.reached_by
    assert reaching(sources, ["mtree_load"]) == ["mtree_load"]


@pytest.mark.late
def test_right_answers_with_other_nodes(sources: Path, copy: Path) -> None:
    """Leaves that are cut elsewhere: only where a range without an entry ends may differ, as nodes cut it."""
    text = (sources / SOURCE).read_text()
    cut = "int split = b_end / 2;"
    assert cut in text
    (copy / SOURCE).write_text(text.replace(cut, "int split = b_end / 2 + (b_end < 24);"))
    found = beside(build(sources), build(copy), 3, 0, least=24)
    assert found.operations
    assert all("_range" in name and "entry" not in keys for name, keys in found.behaviours), found.behaviours
    assert found.shapes
    nodes = ratio(found.nodes)
    assert nodes is not None
    assert nodes.least < nodes.most
    same = beside(build(sources), build(sources), 3, 0, least=3)
    assert not same.shapes
    assert str(ratio(same.nodes)) == "1.000"
    if not found.why_no_instructions:
        assert all(before > 1000 for before, _ in found.instructions)
        assert all(before == after for before, after in same.instructions)


@pytest.mark.late
def test_an_answer_that_is_wrong_is_no_behaviour(sources: Path, tmp_path: Path) -> None:
    """Beside a tree whose search finds an entry twice: a run that is made small, and fails there alone."""
    seeded = Side("new", "", Path(f"{sources}?seed=find-repeats"))
    found = beside(build(sources), build(sources, Variant(seed="find-repeats")), 3, 0, least=24)
    assert not found.behaviours
    assert found.wrong
    assert all(is_after for is_after, _ in found.wrong.values())
    shown = made_small(seeded, next(iter(found.wrong.values()))[1], 3, tmp_path)
    assert shown.steps <= 8
    assert fails_on(seeded, shown)
    assert not fails_on(Side("old", "", sources), shown)


@pytest.mark.late
def test_a_line_that_is_defended_and_one_that_is_not(sources: Path, copy: Path, tmp_path: Path) -> None:
    """The limit of a search is looked at by every run; a counter that nobody reads by none."""
    edit = in_function(
        "mas_prev_slot",
        "if (!empty) {",
        "{\n\t\tstatic volatile int seen;\n\n\t\tseen = 1;\n\t}\n\tif (!empty) {",
    )
    text = edit((sources / SOURCE).read_text())
    (copy / SOURCE).write_text(text)
    added = list(added_lines((sources / SOURCE).read_text(), text))
    assert [line.function for line in added] == ["mas_prev_slot"] * len(added)
    limit = next(
        Line(number, line, "mas_prev_slot")
        for number, line in enumerate(text.splitlines(), 1)
        if "if (mas->index <= min) {" in line
    )
    counter = next(line for line in added if "seen = 1" in line.text)
    tried, count = power(copy, [counter, limit], 1, 60, tmp_path / "mistakes")
    assert count == len(tried) == 3
    assert {one.noticed for one in tried if one.line is limit} == {True}
    assert {one.noticed for one in tried if one.line is counter} == {False}
