"""A case about address spaces as a program for the kernel's tools/testing/selftests/mm.

What user space can do and see there: the calls, their errors, what pages hold, and the mappings. A process
of its own stands for each space; the program tells them one by one what to do, so steps of several
spaces keep their order. A case in which requests are refused is no such program: which one is the N-th
belongs to the port that the case is of.
"""

from __future__ import annotations

from collections.abc import Iterator
from errno import errorcode
from importlib import resources

from mapleproof.props.common.answers import ABSENT
from mapleproof.props.common.files import Case
from mapleproof.props.common.forms import form_of, spell
from mapleproof.props.common.lines import CaseError
from mapleproof.props.common.operation import Common
from mapleproof.props.common.step import Step

PROTECTIONS = ((0x1, "PROT_READ"), (0x2, "PROT_WRITE"), (0x4, "PROT_EXEC"))
SHARED = 0x8
ADVICE = {
    "dontfork": "MADV_DONTFORK",
    "dofork": "MADV_DOFORK",
    "wipeonfork": "MADV_WIPEONFORK",
    "keeponfork": "MADV_KEEPONFORK",
}
SEEN = ("fork", "exit", "vmas")
"""Steps with code of their own, beside the calls."""


def program(case: Case, path: object = "") -> str:
    """The program. Raises CaseError for a case that user space cannot make."""
    steps = list(case.steps)
    for number, step in enumerate(steps, start=1):
        if why := _why_not(step.op):
            raise CaseError(str(path), number + 1, f"{spell(step.op)} is no self-test: {why}")
    spaces = 1 + max(
        [0, *(step.op.into for step in steps if form_of(step.op).name == "fork")]  # type: ignore[attr-defined]
    )
    low, high = _window(steps)
    lines = [*_steps(steps, low, high), ""]
    lines.append(f"#define SPACES\t{spaces}")
    lines.append(f"#define STEPS\t{len(steps)}")
    numbers = ", ".join(str(getattr(step.op, "space", 0)) for step in steps)
    lines.append(f"static const int space_of[] = {{ {numbers} }};")
    lines.append("static const char *const told[] = {")
    lines += [f'\t"{spell(step.op)}",' for step in steps]
    lines.append("};")
    name = case.header.name.replace("\\", "").replace('"', "").replace("%", "")
    frame = resources.files(__package__).joinpath("self_test.c").read_text()
    return frame.replace("/* STEPS */", "\n".join(lines)).replace("NAME", name)


def _window(steps: list[Step]) -> tuple[int, int]:
    """From where to where the case has mappings."""
    starts = [getattr(step.op, "start", None) for step in steps]
    ends = [
        start + getattr(step.op, "size", 0)
        for step, start in zip(steps, starts, strict=True)
        if start is not None
    ]
    ends += [
        step.op.to + step.op.new_size  # type: ignore[attr-defined]
        for step in steps
        if form_of(step.op).name == "mremap"
    ]
    known = [start for start in starts if start is not None]
    return min(known, default=0), max(ends, default=1) - 1


def _steps(steps: list[Step], low: int, high: int) -> Iterator[str]:
    yield "/* Do one step of the case: whether it came to what was expected. */"
    yield "static int do_step(int step, int *space)"
    yield "{"
    yield "\tstruct vma found[64];"
    yield ""
    yield "\tswitch (step) {"
    for number, step in enumerate(steps):
        yield f"\tcase {number}:\t/* {spell(step.op)} */"
        for line in _body(step, low, high):
            yield f"\t\t{line}"
    yield "\t}"
    yield "\t(void)found;"
    yield "\treturn 1;"
    yield "}"


def _body(step: Step, low: int, high: int) -> Iterator[str]:
    op, answer = step.op, step.expect
    name = form_of(op).name
    ret = _ret(answer.ret)
    words = {key: getattr(op, key) for key in form_of(op).arguments}
    start = f"{words.get('start', 0):#x}UL"
    size = f"{words.get('size', 0):#x}UL"
    at = f"(void *){start}, {size}"
    if name == "fork":
        yield "switch (fork()) {"
        yield "case 0:"
        yield f"\t*space = {words['into']};"
        yield "\treturn 1;"
        yield "case -1:"
        yield f"\treturn is(-1, {ret});"
        yield "}"
        yield f"return {int(ret == '0')};"
    elif name == "exit":
        yield "*space = -1;"
        yield "return 1;"
    elif name == "vmas":
        wanted = [(first, last, flags & 0xF) for first, last, flags in answer.entries or ()]  # type: ignore[union-attr]
        yield f"if (vmas({low:#x}UL, {high:#x}UL, found, 64) != {len(wanted)})"
        yield "\treturn 0;"
        for i, (first, last, flags) in enumerate(wanted):
            yield f"if (found[{i}].first != {first:#x}UL || found[{i}].last != {last:#x}UL ||"
            yield f"    found[{i}].flags != {flags:#x})"
            yield "\treturn 0;"
        yield "return 1;"
    elif name == "mmap":
        flags = words["flags"]
        kind = "MAP_SHARED" if flags & SHARED else "MAP_PRIVATE"
        yield f"return mapped(mmap({at}, {_protection(flags)},"
        yield f"\t\t   MAP_FIXED | MAP_ANONYMOUS | {kind}, -1, 0), {start}, {ret});"
    elif name == "munmap":
        yield f"return is(munmap({at}), {ret});"
    elif name == "mprotect":
        yield f"return is(mprotect({at}, {_protection(words['flags'])}), {ret});"
    elif name == "madvise":
        yield f"return is(madvise({at}, {ADVICE[words['advice']]}), {ret});"
    elif name == "mremap":
        to = f"{words['to']:#x}UL"
        moving = "MREMAP_MAYMOVE | MREMAP_FIXED" if words["to"] != words["start"] else "0"
        target = f", (void *){to}" if words["to"] != words["start"] else ""
        yield f"return mapped(mremap({at}, {words['new_size']:#x}UL, {moving}{target}), {to}, {ret});"
    elif name == "touch":
        yield f"return touch({start}, {size}) == 0;"
    elif name == "write":
        yield f"*(volatile unsigned long *){start} = {words['entry']}UL;"
        yield "return 1;"
    elif name == "read":
        entry = 0 if answer.entry in (None, ABSENT) else answer.entry
        yield f"return *(volatile unsigned long *){start} == {entry}UL;"


def _protection(flags: int) -> str:
    return " | ".join(word for bit, word in PROTECTIONS if flags & bit) or "PROT_NONE"


def _ret(ret: object) -> str:
    return f"-{errorcode[-ret]}" if isinstance(ret, int) and ret < 0 else "0"


CAN = {"mmap", "munmap", "mprotect", "mremap", "madvise", "touch", "write", "read", *SEEN}


def _why_not(op: Common) -> str:
    """Why user space cannot do this; "" where it can."""
    name = form_of(op).name
    if op.fail_after is not None:
        return (
            "memory is refused at a request of one's choice; `mapleproof replay --port booted:PATH` does that"
        )
    if name not in CAN:
        return "user space cannot do or see that"
    if getattr(op, "file", None) is not None:
        return "a file is mapped, which the case does not hold"
    if name == "mmap" and getattr(op, "flags", 0) & ~0xF:
        return "mappings of this kind are a driver's to make"
    return ""
