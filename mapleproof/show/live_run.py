"""A case about address spaces on the running kernel: what it says beside what the model holds.

Its VMAs are those of /proc/PID/smaps, equal neighbours as one; of its page tables only the bytes are to be
had, so the model's page tables stand beside them. What pages hold is seen in the answers only.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator

from mapleproof.impl.kernel.live import REGION
from mapleproof.model.space import Space
from mapleproof.props.common.files import Case
from mapleproof.props.common.guard import step_limit
from mapleproof.props.common.step import Step
from mapleproof.props.mm import operations as ops
from mapleproof.props.mm.live_merging import Merging
from mapleproof.props.mm.live_port import LivePort
from mapleproof.props.mm.ports import ImplSpaces, ModelSpaces
from mapleproof.show.picture import Item, Items
from mapleproof.show.space_run import Run
from mapleproof.show.spaces import page_spans, runs, spell_flags

Range = tuple[int, int, int]
"""A VMA: its first and last address, and its flags."""


class LiveRun(Run):
    """One replay on the running kernel. The implementation goes along unseen: with the model it knows which
    neighbours the kernel has made one."""

    port: LivePort

    def __init__(self, case: Case, port: LivePort) -> None:
        super().__init__(case, port)
        self.impl = ImplSpaces(self.geometry)
        self.merging = Merging(self.model, self.impl)

    def told(self) -> Iterator[str]:
        """Which kernel it is that runs."""
        yield f"the running kernel is Linux {platform.release()}"

    def expect(self, step: Step) -> None:
        answer = self.model.follow(step.op, step.expect)
        self.impl.apply(step.op)
        if answer.ret == 0 and not isinstance(step.op, (ops.Fork, ops.Exit)):
            self.merging.note(step.op)

    def space_items(self, number: int) -> Items:
        space = self.model.world.spaces[number]
        held, tables = _ranges(self.model, number), len(space.tables) * space.shape.page
        try:
            with step_limit():
                said, there = _ranges(self.port, number), self.port.apply(ops.TableBytes(number)).index
        except Exception:  # its process is gone
            said, there = None, None
        items = vma_items(f"model{number}", held, said, "lost") | _model_items(f"model{number}", space)
        if said is None:
            return items | {key: one for key, one in self.before().items() if one.lane == f"live{number}"}
        items |= vma_items(f"live{number}", said, held, "wrong")
        assert isinstance(there, int)
        return items | bytes_item(f"live{number}", there, tables, _extent(space, said))


def _ranges(who: ModelSpaces | LivePort, number: int) -> list[Range]:
    entries = who.apply(ops.Vmas(number)).entries
    assert isinstance(entries, list)
    return entries


def vma_items(lane: str, ranges: list[Range], others: list[Range] | None, unless: str) -> Items:
    """VMAs; those that the other side has not are of the kind ``unless``."""
    against = ranges if others is None else others
    return {
        f"{lane}/{one[0]:x}": Item(
            lane, "VMAs", one[0], one[1], "entry" if one in against else unless, spell_flags(one[2])
        )
        for one in ranges
    }


def _model_items(lane: str, space: Space) -> Items:
    """The model's pages and page tables."""
    items = {
        f"{lane}/p{first:x}": Item(lane, "pages", first, last, "page", "")
        for first, last in runs(page_spans(space))
    }
    for level, start in space.tables:
        last = start + space.shape.span(level) - 1
        items[f"{lane}/{level}/{start:x}"] = Item(lane, f"level {level}", start, last, "table", "")
    return items


def bytes_item(lane: str, there: int, wanted: int, extent: tuple[int, int]) -> Items:
    """How many bytes of page tables a space has, drawn over all that it has."""
    if not there and not wanted:
        return {}
    kind, label = "table", f"{there} bytes"
    if there != wanted:
        kind, label = "wrong", f"{there} bytes, not {wanted} as in the model"
    return {f"{lane}/bytes": Item(lane, "bytes", *extent, kind, label)}


def _extent(space: Space, said: list[Range]) -> tuple[int, int]:
    """From the first to the last address of VMAs and page tables."""
    spans = [(first, last) for first, last, _ in said]
    spans += [(start, start + space.shape.span(level) - 1) for level, start in space.tables]
    return (
        min((first for first, _ in spans), default=REGION.start),
        max((last for _, last in spans), default=REGION.stop - 1),
    )
