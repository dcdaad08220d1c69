"""Whatever code and documents say of files is true: a file that is named is there."""

import ast
import io
import re
import subprocess
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"(?<![\w/.-])(?:[\w-]+/)*[\w-]+\.py\b")
MADE = {"docs/tutorial.md"}
"""Where files are named that the reader is to make."""


def tracked() -> list[str]:
    """What belongs to the repository."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return [name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def words_of(source: str) -> Iterator[str]:
    """The docstrings, the texts that stand by themselves, and the comments of a module."""
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            yield node.value.value
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string


def gone(words: str, there: list[str]) -> list[str]:
    """The files that a text names and that are not among these."""
    named = (found.removeprefix("mapleproof/") for found in NAMED.findall(words))
    return [name for name in named if not any(path == name or path.endswith("/" + name) for path in there)]


@pytest.fixture(scope="module")
def there() -> list[str]:
    names = tracked()
    if not names:
        pytest.skip("not in a clone")
    return names


def test_files_that_code_names_are_there(there: list[str]) -> None:
    found = {
        path: missing
        for path in there
        if path.endswith(".py")
        for missing in [gone("\n".join(words_of((ROOT / path).read_text(encoding="utf-8"))), there)]
        if missing
    }
    assert found == {}


def test_files_that_documents_name_are_there(there: list[str]) -> None:
    documents = [path for path in there if path.endswith(".md") and path not in MADE]
    assert len(documents) > 10
    found = {path: gone((ROOT / path).read_text(encoding="utf-8"), there) for path in documents}
    assert {path: missing for path, missing in found.items() if missing} == {}


def test_a_file_that_is_gone_is_seen() -> None:
    source = '"""See `common/gone.py`, and here.py."""\nx = "no/words.py"  # nor there.py\n'
    assert gone("\n".join(words_of(source)), ["a/here.py"]) == ["common/gone.py", "there.py"]
