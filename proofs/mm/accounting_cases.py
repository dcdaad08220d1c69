"""Counterexamples to `accounting` as cases: the fork that fails at the request that the inputs refuse."""

from __future__ import annotations

from mapleproof.impl.mm.flags import (
    VM_DONTCOPY,
    VM_EXEC,
    VM_GROWSDOWN,
    VM_LOCKED,
    VM_PFNMAP,
    VM_SHARED,
    VM_WIPEONFORK,
)
from mapleproof.impl.mm.geometry import X86_64
from mapleproof.proofs.engine.cases import space_case
from mapleproof.proofs.mm.layouts import areas
from mapleproof.proofs.mm.one_copy import KINDS, RW
from mapleproof.proofs.mm.whole_fork import case_of
from mapleproof.props.common.files import Case
from mapleproof.props.common.operation import Common
from mapleproof.props.mm import operations as ops
from mapleproof.props.mm.ports import FailFrom, ImplSpaces


def to_case(part: str, inputs: dict[str, int]) -> Case | None:
    """The fork that fails at the request that the inputs refuse."""
    name, _, rest = part.partition(": ")
    if name.startswith("whole fork by "):
        return case_of(name.removeprefix("whole fork by "), tuple(rest.split(", ")), inputs)
    kind = rest.partition(",")[0]
    recovery = "bulk_insert" if part.startswith("insertion") else "unmap_in_place"
    program = _parent(kind if kind in KINDS else "private", areas(inputs, "vma"))
    wishes = [(key.partition(": ")[2], value) for key, value in inputs.items() if key.startswith("grant ")]
    refused = next((kind for kind, value in wishes if value == 0), "arch" if not wishes else None)
    granted = None if refused is None else _granted(program, recovery, refused)
    if granted is None:
        last: list[Common] = [ops.Fork(0, 1, recovery), ops.Areas(1), ops.Committed(), ops.Exit(1)]
    else:
        last = [ops.Fork(0, 1, recovery, fail_after=granted)]
    return space_case("accounting", [*program, *last, ops.Committed()], X86_64, "charge zero")


def _parent(kind: str, placed: list[tuple[int, int]]) -> list[Common]:
    """A parent with a private VMA, which is copied before, and one of the kind with a policy, a userfaultfd
    context and a page."""
    page = X86_64.page
    start, end = placed[0] if placed and placed[0][1] <= X86_64.task_size else (0, page)
    if start < page:
        start, end = start + page, end + page
    flags = KINDS[kind]
    asked = flags & (RW | VM_EXEC | VM_SHARED | VM_GROWSDOWN | VM_PFNMAP | VM_LOCKED)
    file = 1 if flags & (VM_SHARED | VM_PFNMAP) else None
    program: list[Common] = [ops.Mmap(0, 0, page, RW, None), ops.Touch(0, 0, page)]
    program.append(ops.Mmap(0, start, end - start, asked, file))
    if not flags & VM_PFNMAP:
        program.append(ops.Touch(0, start, page))
    program += [ops.Mbind(0, start), ops.Userfaultfd(0, start)]
    for flag, advice in ((VM_DONTCOPY, "dontfork"), (VM_WIPEONFORK, "wipeonfork")):
        if flags & flag:
            program.append(ops.Madvise(0, start, end - start, advice))
    return program


class Recorded(FailFrom):
    """Grants everything and takes down what was asked for."""

    def __init__(self, _: int) -> None:
        super().__init__(1 << 30)
        self.kinds: list[str] = []

    def grants(self, kind: str, count: int, atomic: bool) -> bool:
        self.kinds.append(kind)
        return True


def _granted(program: list[Common], recovery: str, kind: str) -> int | None:
    """How many requests come before the last one of that kind; None where it is never made."""
    port = ImplSpaces(X86_64, audits=False, observed=False)
    plans: list[Recorded] = []

    def plan_for(number: int) -> Recorded:
        plans.append(Recorded(number))
        return plans[-1]

    port.plan_for = plan_for
    for op in [*program, ops.Fork(0, 1, recovery, fail_after=0)]:
        port.apply(op)
    kinds = plans[-1].kinds
    return max((at for at, asked in enumerate(kinds) if asked == kind), default=None)
