"""Edits by function and statement: they fit exactly once, or not at all."""

from pathlib import Path

import pytest

from mapleproof.impl.kernel.booted.edits import PARAMETER, Edit, Planted, apply_all, definition
from mapleproof.impl.kernel.booted.planted import PLANTED
from mapleproof.impl.kernel.booted.recoveries import RECOVERIES

SOURCE = """int other(void)
{
	return 1;
}

static int
work(int a,
     int b)
{
	if (a)
		free(b);
	return 0;
}

static inline int stub(void)
{
}
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "kernel").mkdir()
    (tmp_path / "kernel/fork.c").write_text(SOURCE)
    return tmp_path


def planted(find: str, function: str = "work") -> Planted:
    edits = (Edit(("mm/none.c", "kernel/fork.c"), function, find, "if (!SEEDED({number})) free(b);"),)
    return Planted("one", 7, "what", edits)


def test_a_statement_is_replaced_and_the_parameter_is_there(tree: Path) -> None:
    edited = apply_all(tree, [planted("if (a) free(b);")])
    text = edited.files["kernel/fork.c"]
    assert edited.fits == {"one"}
    assert "if (!SEEDED(7)) free(b);\n\treturn 0;" in text
    assert text.count(f"core_param({PARAMETER}") == 1
    assert (tree / "kernel/fork.c").read_text() == SOURCE


@pytest.mark.parametrize(
    ("find", "function", "why"),
    [
        ("free(c);", "work", "0 places in work()"),
        ("return", "work", ""),
        ("(", "work", "2 places in work()"),
        ("free(b);", "absent", "absent() is not defined"),
    ],
)
def test_what_does_not_fit_is_left_out_and_told(tree: Path, find: str, function: str, why: str) -> None:
    edited = apply_all(tree, [planted(find, function)])
    assert edited.misfits.get("one", "") == why
    assert ("if (!SEEDED(7))" in edited.files["kernel/fork.c"]) == (not why)


def test_the_longest_of_several_definitions_is_meant() -> None:
    text = "int f(void)\n{\n\twork();\n\twork();\n}\n\nint f(void)\n{\n}\n"
    start, end = definition(text, "f")
    assert "work" in text[start:end]


def test_numbers_and_names_are_different_ones() -> None:
    everything = (*PLANTED, *RECOVERIES)
    assert len({one.number for one in everything}) == len({one.name for one in everything}) == len(everything)
    assert len(PLANTED) >= 16
