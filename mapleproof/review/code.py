"""What a change touches: functions as text and as machine code, and what reaches them."""

from __future__ import annotations

import difflib
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from mapleproof.impl.kernel.build import Variant, compile_flags, compiler
from mapleproof.impl.kernel.errors import KernelBuildError
from mapleproof.impl.kernel.probe import probe

SOURCE = "lib/maple_tree.c"

_FUNCTION = re.compile(r"^(?![\s#/*}])[^;{}=]*?\b(\w+)\([^;{}]*\)[^;{}]*\n\{.*?^\}", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_ADDRESS = re.compile(r"^\s*[0-9a-f]+:\s*", re.MULTILINE)
_TARGET = re.compile(r"\b[0-9a-f]+ <")
_STRING = re.compile(r"\.rodata(\.\w+)*\.str1\.\d+[+-]?(0x[0-9a-f]+)?|\.LC\d+")
_CALL = re.compile(r"(?:R_\w+\s+|<)(?:\.text\.)?(\w+)")


def functions(text: str) -> dict[str, str]:
    """The functions of a C source, each as its words alone: without comments, and with single spaces. What
    has several definitions, for kernels that lack something, is all of them."""
    plain = _COMMENT.sub(" ", text)
    found: dict[str, str] = {}
    for match in _FUNCTION.finditer(plain):
        found[match[1]] = f"{found.get(match[1], '')} {' '.join(match[0].split())}".strip()
    return found


@dataclass(frozen=True, slots=True)
class Line:
    """A line that was added: its number in the file, its text, and the function that it is in."""

    number: int
    text: str
    function: str


@dataclass(frozen=True, slots=True)
class Change:
    """What differs in one source. `text` are functions whose words differ, `machine` such whose machine code
    does, None where that was not to be had; `reached_by` are functions that the kernel exports and that reach
    them; `added` are the lines that were added."""

    path: str
    text: tuple[str, ...] = ()
    machine: tuple[str, ...] | None = None
    reached_by: tuple[str, ...] = ()
    added: tuple[Line, ...] = field(default=(), repr=False)


def change_of(before: Path, after: Path, path: str) -> Change:
    """What differs in a source between two trees."""
    old, new = (_text(folder / path) for folder in (before, after))
    text = tuple(sorted(differing(functions(old), functions(new))))
    added = tuple(added_lines(old, new))
    if path != SOURCE:
        return Change(path, text, added=added)
    try:
        machine = tuple(sorted(differing(machine_code(before), machine_code(after))))
        reached = tuple(reaching(after, {*text, *machine}))
    except KernelBuildError:
        return Change(path, text, added=added)
    return Change(path, text, machine, reached, added)


def differing(old: Mapping[str, object], new: Mapping[str, object]) -> Iterator[str]:
    """The keys whose values differ, or that one of the two does not have."""
    return (name for name in {**old, **new} if old.get(name) != new.get(name))


def added_lines(old: str, new: str) -> Iterator[Line]:
    """The lines of the new text that the old one does not have there."""
    lines = new.splitlines()
    owner = _owners(new, len(lines))
    matcher = difflib.SequenceMatcher(None, old.splitlines(), lines, autojunk=False)
    for kind, _, _, start, end in matcher.get_opcodes():
        if kind in ("insert", "replace"):
            yield from (Line(at + 1, lines[at], owner[at]) for at in range(start, end))


def span(text: str, function: str) -> tuple[int, int]:
    """From where to where the definition of a function stands in a C source. ValueError where it has not
    one definition."""
    blank = _COMMENT.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
    found = [match.span() for match in _FUNCTION.finditer(blank) if match[1] == function]
    if len(found) != 1:
        raise ValueError(f"{function}() is defined {len(found)} times")
    return found[0]


def _owners(text: str, count: int) -> list[str]:
    owner = [""] * count
    blank = _COMMENT.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
    for match in _FUNCTION.finditer(blank):
        first, last = blank.count("\n", 0, match.start()), blank.count("\n", 0, match.end())
        owner[first : last + 1] = [match[1]] * (last + 1 - first)
    return owner


@lru_cache(maxsize=64)
def machine_code(tree: Path) -> dict[str, str]:
    """The machine code of each function of the tree's source, as it is compiled for a kernel: the same for
    the same code, wherever it stands and whatever its variables are called. Raises KernelBuildError."""
    listing = _disassembled(tree, ("-O2", "-D__LINE__=0", "-Wno-builtin-macro-redefined"))
    code = {}
    for name, body in _sections(listing):
        code[name] = _STRING.sub("STRING", _TARGET.sub("<", _ADDRESS.sub("", body)))
    return code


def reaching(tree: Path, touched: Iterable[str]) -> list[str]:
    """The functions that the kernel exports and that call one of these, over whatever others."""
    calls = {
        name: set(_CALL.findall(body))
        for name, body in _sections(_disassembled(tree, ("-O1", "-fno-inline", "-fno-ipa-sra")))
    }
    found, waiting = set(), set(touched)
    while waiting:
        found |= waiting
        waiting = {name for name, called in calls.items() if called & waiting} - found
    exported = set(re.findall(r"EXPORT_SYMBOL\w*\((\w+)\)", _text(tree / SOURCE)))
    return sorted(found & exported)


def _disassembled(tree: Path, options: tuple[str, ...]) -> str:
    flags = compile_flags(tree, Variant(), probe(tree))
    with tempfile.TemporaryDirectory() as name:
        target = Path(name) / "maple_tree.o"
        flags = [flag for flag in flags if not flag.startswith(("-O", "-g"))]
        command = [compiler(), *flags, *options, "-g0", "-ffunction-sections", "-c"]
        done = subprocess.run(
            [*command, str(tree / SOURCE), "-o", str(target)], capture_output=True, check=False
        )
        if done.returncode:
            raise KernelBuildError(f"{tree}: {SOURCE} does not compile")
        said = subprocess.run(
            ["objdump", "-dr", "--no-show-raw-insn", str(target)], capture_output=True, text=True, check=False
        )
    return said.stdout


def _sections(listing: str) -> Iterator[tuple[str, str]]:
    parts = re.split(r"^[0-9a-f]+ <([\w.]+)>:\n", listing, flags=re.MULTILINE)[1:]
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        yield name, body.partition("\nDisassembly")[0].strip()


def _text(path: Path) -> str:
    return path.read_text(errors="replace") if path.is_file() else ""
