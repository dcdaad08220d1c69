"""Calls other than fork that are refused memory half-way, on our implementation; and mistakes there that are
found."""

from typing import Any

import pytest

from mapleproof.impl.mm import split
from mapleproof.impl.mm.geometry import X86_64
from mapleproof.impl.mm.mm import Mm
from mapleproof.props.mm import operations as ops
from mapleproof.props.mm.calls_sweep import CallsSwept, left_in_impl, scenarios, sweep
from mapleproof.props.mm.ports import ImplSpaces


def swept() -> CallsSwept:
    total = CallsSwept()
    for scenario in scenarios(X86_64):
        total.add(sweep(scenario, X86_64, lambda: ImplSpaces(X86_64), left_in_impl))
    return total


def test_every_request_of_every_call_is_refused_and_nothing_is_lost() -> None:
    total = swept()
    assert total.broken == []
    assert {"vma", "maple_node", "anon_vma_chain"} <= set(total.refused)
    assert total.failed > 100


def test_every_call_is_there() -> None:
    kinds = {type(call) for _, call in scenarios(X86_64)}
    assert kinds == {ops.Munmap, ops.Mprotect, ops.Mremap, ops.Mmap, ops.Madvise}


def _takes_a_file_reference(split_at: Any) -> Any:
    """A failed split that does not give the file back."""

    def wrong(mm: Mm, addr: int) -> int:
        vma = mm.find(addr)
        ret: int = split_at(mm, addr)
        if ret and vma is not None and vma.file is not None:
            vma.file.refs += 1
        return ret

    return wrong


def _loses_what_was_behind(split_at: Any) -> Any:
    """A failed split that has shortened the VMA already."""

    def wrong(mm: Mm, addr: int) -> int:
        vma = mm.find(addr)
        ret: int = split_at(mm, addr)
        if ret and vma is not None and vma.start < addr:
            mm.tree.store_range(addr, vma.end - 1, None)
            vma.end = addr
        return ret

    return wrong


def _says_nothing(split_at: Any) -> Any:
    """A split whose failure is not told."""

    def wrong(mm: Mm, addr: int) -> int:
        split_at(mm, addr)
        return 0

    return wrong


@pytest.mark.parametrize("mistake", [_takes_a_file_reference, _loses_what_was_behind, _says_nothing])
def test_a_wrong_split_is_found(mistake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(split, "split_at", mistake(split.split_at))
    assert swept().broken
