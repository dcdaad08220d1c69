"""Case files: one run written down, what was done step by step and what each step must answer.

The format is told in docs/case-format.md. Reading is strict, takes one line at a time and evaluates nothing:
what is not known is refused with the file, the line and the reason (CaseError).
"""

import gzip
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mapleproof.props.common.answers import NOTHING
from mapleproof.props.common.forms import form_of, hexadecimal, shared_arguments
from mapleproof.props.common.lines import LINE_LIMIT, CaseError, case_lines
from mapleproof.props.common.step import Step
from mapleproof.props.common.subject import Subject
from mapleproof.props.common.values import Refused, parse_line, read_answer, read_operation, read_text

FORMAT = "mapleproof-case"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Header:
    """A case's first line. `flags` are what the subject begins with; `verdict` names what the case shows."""

    name: str
    flags: dict[str, bool]
    origin: str
    subject: Subject
    verdict: str | None = None
    found: dict[str, Any] | None = None


@dataclass(slots=True)
class Case:
    """A whole case."""

    header: Header
    steps: list[Step] = field(default_factory=list)


class CaseReader:
    """A case file about one of these subjects that is read step by step: `header` at once, the steps by
    iterating, once."""

    def __init__(self, path: str | Path, subjects: Mapping[str, Subject]) -> None:
        self.path = Path(path)
        self.line = 1
        self._lines = case_lines(self.path)
        for number, text in self._lines:
            self.header = self._checked(number, text, lambda text: read_header(parse_line(text), subjects))
            return
        raise CaseError(self.path, 1, "the file is empty")

    def __iter__(self) -> Iterator[Step]:
        there = self.header.subject.admission()
        for number, text in self._lines:
            self.line = number
            step = self._checked(number, text, self._read_step)
            self._checked(number, step, lambda step: there.admit(step.op, step.expect))
            yield step
        self._checked(self.line, None, lambda _: there.end())

    def _read_step(self, text: str) -> Step:
        return read_step(parse_line(text), self.header.subject)

    def _checked(self, number: int, what: Any, read: Callable[[Any], Any]) -> Any:
        try:
            return read(what)
        except Refused as refused:
            raise CaseError(self.path, number, str(refused)) from None


def read_header(data: dict[str, Any], subjects: Mapping[str, Subject]) -> Header:
    if data.get("format") != FORMAT:
        raise Refused(f"not a case file: `format` is not {FORMAT!r}")
    if data.get("version") != VERSION or isinstance(data["version"], bool):
        raise Refused(f"`version` is {data.get('version')!a}, this program reads version {VERSION}")
    subject = subjects.get(data["subject"]) if isinstance(data.get("subject"), str) else None
    if subject is None:
        raise Refused(f"`subject` is {data.get('subject')!a}, known are: {', '.join(subjects)}")
    known = {"format", "version", "subject", "name", "origin", "verdict", "found", subject.setup}
    refuse_unknown(data, known)
    flags = data.get(subject.setup)
    if not isinstance(flags, dict) or set(flags) != set(subject.flags):
        raise Refused(f"`{subject.setup}` must be an object with the keys {', '.join(subject.flags)}")
    if not all(isinstance(flag, bool) for flag in flags.values()):
        raise Refused(f"the flags in `{subject.setup}` must be true or false")
    found = data.get("found")
    if found is not None and not isinstance(found, dict):
        raise Refused("`found` must be an object")
    verdict = read_text("verdict", data["verdict"]) if "verdict" in data else None
    name, origin = (read_text(key, data.get(key)) for key in ("name", "origin"))
    return Header(name, flags, origin, subject, verdict, found)


def refuse_unknown(data: dict[str, Any], known: set[str]) -> None:
    for key in data:
        if key not in known:
            raise Refused(f"unknown key {key!a}")


def read_step(data: dict[str, Any], subject: Subject) -> Step:
    name = data.get("op")
    form = subject.forms.get(name) if isinstance(name, str) else None
    if form is None:
        raise Refused("`op` is missing" if "op" not in data else f"unknown op {name!a}")
    answers = [data.pop(key, None) for key in ("expect", "also")]
    op = read_operation(data, form)
    expect, also = (None if answer is None else read_answer(answer, form) for answer in answers)
    return Step(op, expect or NOTHING, also)


def step_data(step: Step) -> dict[str, Any]:
    """A step as JSON holds it."""
    form = form_of(step.op)
    data: dict[str, Any] = {"op": form.name}
    for name in form.arguments:
        data[name] = hexadecimal(name, getattr(step.op, name))
    data.update(shared_arguments(step.op))
    for key, answer in (("expect", step.expect), ("also", step.also)):
        if answer is not None and (given := answer.given()):
            data[key] = {name: _answer_data(name, value) for name, value in given.items()}
    return data


def _answer_data(name: str, value: Any) -> Any:
    if name == "entries":
        return [[f"{first:#x}", f"{last:#x}", entry] for first, last, entry in value]
    return hexadecimal(name, value)


def header_data(header: Header) -> dict[str, Any]:
    """A header as JSON holds it."""
    data: dict[str, Any] = {"format": FORMAT, "version": VERSION, "subject": header.subject.name}
    data |= {"name": header.name, header.subject.setup: header.flags, "origin": header.origin}
    if header.verdict is not None:
        data["verdict"] = header.verdict
    if header.found is not None:
        data["found"] = header.found
    return data


def write_case(path: str | Path, case: Case) -> None:
    """Write a case file, whole or not at all; the same case gives the same bytes. `.gz` compresses it. Raises
    CaseError for a case that no reader would take, and OSError."""
    write_whole(Path(path), case_bytes(case, path))


def case_bytes(case: Case, path: str | Path) -> bytes:
    """What the file of a case holds; its name says whether it is compressed. Raises CaseError."""
    path = Path(path)
    lines = [json.dumps(header_data(case.header)), *(json.dumps(step_data(step)) for step in case.steps)]
    for number, line in enumerate(lines, start=1):
        if len(line) > LINE_LIMIT:
            raise CaseError(path, number, "the line would be over 64 KiB")
    content = "".join(line + "\n" for line in lines).encode()
    return gzip.compress(content, mtime=0) if path.suffix == ".gz" else content


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that is there whole or not at all, whatever ends this process or the machine.

    Raises OSError."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
