"""A case about maple trees carried out, step by step: what the model holds, and what the port's tree is.

A long case is replayed twice: once to find where it ends, then with a frame for each of the last steps. What
comes before those is in the first frame. Readers within a write are answered; that they look is not shown.
Of a step that hangs what was there before it is shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from mapleproof.impl.maple import MapleTree
from mapleproof.props.common.answers import Answer, Level
from mapleproof.props.common.difference import CRASH, Difference
from mapleproof.props.common.files import Case
from mapleproof.props.common.forms import spell
from mapleproof.props.common.guard import Hang, is_hang, step_limit
from mapleproof.props.common.operation import Common
from mapleproof.props.common.port import MakePort, Port
from mapleproof.props.common.replay import Replayed
from mapleproof.props.common.step import Step
from mapleproof.props.job.replay import readers_may
from mapleproof.props.maple.kernel_port import KernelPort
from mapleproof.props.maple.operations import Fill, MasFill
from mapleproof.props.maple.ports import ImplPort, ModelPort, crash_text, was_refused
from mapleproof.props.maple.subject import MAPLE_TREE
from mapleproof.show import steps as told
from mapleproof.show import trees
from mapleproof.show.interleaving import interleaving_picture
from mapleproof.show.picture import Frame, Items, Lane, Picture, Recorder, lanes_of

MOST_FRAMES = 1000
"""The steps that have a frame of their own: the last ones, up to the first difference."""

NODE = re.compile(r"^(?:leaf|node of level \d+) (\d+) \[", re.MULTILINE)
"""A node in what a broken invariant says."""

COPY = "copy"
"""The lane of a tree that was being made when a step crashed."""


class WatchedPort(ImplPort):
    """The implementation; after a crash ``under_way`` are the trees that were being made. A step that it does
    not come back from is a crash. A kernel's tree needs no such limit: its process ends by itself."""

    def __init__(self, alloc_range: bool = False, rcu: bool = False) -> None:
        super().__init__(alloc_range, rcu)
        self.under_way: list[MapleTree] = []

    def apply(self, op: Common) -> Answer:
        try:
            with step_limit():
                return super().apply(op)
        except Hang as hang:
            return Answer(crash=crash_text(hang))

    def check(self, tree: int) -> None:
        with step_limit():
            super().check(tree)

    def carry_out(self, op: Common) -> Answer:
        try:
            return super().carry_out(op)
        except Exception as error:
            known = {id(tree) for tree in self.trees.values()}
            self.under_way = [tree for tree in _trees_in(error.__traceback__) if id(tree) not in known]
            raise


def _trees_in(traceback: TracebackType | None) -> Iterator[MapleTree]:
    """The trees in the variables of the functions that a crash went through, each once."""
    seen: set[int] = set()
    while traceback is not None:
        for value in traceback.tb_frame.f_locals.values():
            if isinstance(value, MapleTree) and id(value) not in seen:
                seen.add(id(value))
                yield value
        traceback = traceback.tb_next


@dataclass(slots=True)
class _Run:
    """One replay that is looked at."""

    port: Port
    model: ModelPort
    recorder: Recorder = field(default_factory=Recorder)
    known: dict[int, trees.Known] = field(default_factory=dict)
    broken: str = ""
    """The name of the node that an invariant is broken at."""
    stopped: bool = False
    """Whether the port did not come back and was stopped somewhere in the middle."""

    def items(self, step: Step, actual: Answer | None, crashed: bool) -> Items:
        """All that there is to see now."""
        items = told.step_items(step, actual)
        if self.stopped:
            return items | {key: item for key, item in self.recorder.last.items() if item.lane != told.LANE}
        lost = crashed and isinstance(self.port, KernelPort)  # its process is a new one
        for number in sorted(self.model.trees):
            lane = f"tree{number}"
            held = self.model.snapshot(number)
            known = self.known.setdefault(number, trees.Known())
            known.look(set(held))
            try:
                nodes, missing = ([], set()) if lost else self._nodes(number, known)
            except Exception:  # too damaged to be looked at
                lost, nodes, missing = True, [], set()
            items |= trees.model_items(f"model{number}", held, missing, known)
            if lost:
                items |= {key: item for key, item in self.recorder.last.items() if item.lane == lane}
            items |= trees.node_items(lane, nodes, self.broken, known)
        for tree in getattr(self.port, "under_way", ()):
            items |= trees.node_items(COPY, _placed(trees.nodes_outside(tree, 0), items))
        return items

    def _nodes(self, number: int, known: trees.Known) -> tuple[list[trees.Seen], set[trees.Range]]:
        """The nodes of the port's tree, and what of all that the model holds is not in them."""
        spell_slot = trees.spell_against(known.held)
        if isinstance(self.port, KernelPort):
            nodes = trees.kernel_nodes(self.port.kernel.shape(number), spell_slot)
            return nodes, trees.lost_from(nodes, known.held)
        if isinstance(self.port, ImplPort) and number in self.port.trees:
            tree = self.port.trees[number]
            nodes = trees.impl_nodes(tree, spell_slot, known)
            inside = len({node.name for node in nodes}) if tree.root >= 0 else 0
            return nodes + list(trees.nodes_outside(tree, inside)), known.held - known.there
        return [], set() if isinstance(self.port, ModelPort) else set(known.held)

    def model_does(self, step: Step) -> None:
        """The model carries the step out too; of two right answers it gives the one that changes nothing."""
        if was_refused(step.op, step.also or step.expect):
            self.model.refuse(step.op)
        else:
            self.model.apply(step.op)
        self.model.late_answers()


def _placed(nodes: Iterator[trees.Seen], items: Items) -> Iterator[trees.Seen]:
    """Nodes of a copy, each where the node of its number is in the tree that was copied."""
    for node in nodes:
        number = node.name.split()[1]
        twins = [items.get(f"tree0/{kind} {number}") for kind in ("leaf", "node")]
        twin = next((item for item in twins if item is not None), None)
        yield node if twin is None else node._replace(name=twin.label, first=twin.first, last=twin.last)


def tree_picture(case: Case, port_name: str, make_port: MakePort, level: Level) -> Picture:
    """Carry a case about maple trees out and look at it. Raises PortError where the port cannot be had."""
    if (beside := interleaving_picture(case, port_name, make_port)) is not None:
        return beside
    make = WatchedPort if make_port is ImplPort else make_port
    flags = case.header.flags
    begin = 1
    if len(case.steps) > MOST_FRAMES:  # where it ends decides which steps have frames
        port = make(**flags)
        try:
            begin = max(1, MAPLE_TREE.replay(case.steps, port, level).steps - MOST_FRAMES + 1)
        finally:
            port.close()
    run = _Run(make(**flags), ModelPort(**flags))
    try:
        return _look(case, run, port_name, level, begin)
    finally:
        run.port.close()


def _look(case: Case, run: _Run, port_name: str, level: Level, begin: int) -> Picture:
    """Replay with a frame for each step from ``begin`` on."""
    waiting: list[tuple[int, Step]] = []

    def take(number: int, step: Step, actual: Answer | None = None, crashed: bool = False) -> Frame:
        frame = Frame(number, spell(step.op), {}, expected=told.values(step.expect, also=step.also))
        told.take(run.recorder, frame, run.items(step, actual, crashed))
        return frame

    def steps() -> Iterator[Step]:
        for number, step in enumerate(case.steps, start=1):
            waiting[:] = [(number, step)]
            yield step
            run.model_does(step)
            if number >= begin:
                take(number, step)
            waiting.clear()

    result = MAPLE_TREE.replay(steps(), run.port, level)
    difference = result.difference
    if (
        difference is not None
        and run.port.readers_look_within
        and readers_may(case.steps, ImplPort, case.header.flags)
    ):
        result, difference = Replayed(result.steps, None), None
    if difference is not None:
        _take_difference(run, waiting, difference, case, take)
    frames = run.recorder.frames
    picture = Picture(
        case.header.name,
        case.header.subject.name,
        case.header.origin,
        port_name,
        f"{result.steps} steps, as expected",
        frames=frames,
    )
    if difference is not None:
        picture.headline = told.headline(difference, case.steps[difference.number - 1].also)
        found = [at for at, frame in enumerate(frames) if frame.number == difference.number]
        picture.failing = found[-1] if found else len(frames) - 1
        _mark(frames, difference)
    picture.lanes = _lanes(frames)
    return picture


def _take_difference(run: _Run, waiting: list[Any], difference: Difference, case: Case, take: Any) -> None:
    """The frame of the step that ended the replay, or of the end itself."""
    named = NODE.search(difference.detail)
    run.broken = f"leaf {named[1]}" if named and named[0].startswith("leaf") else ""
    run.broken = f"node {named[1]}" if named and not run.broken else run.broken
    crashed = difference.kind == CRASH
    run.stopped = is_hang(difference.detail) or is_hang(difference.actual.crash)
    if waiting:
        ((number, step),) = waiting
        run.model_does(step)
        take(number, step, difference.actual if difference.keys else None, crashed)
    elif case.steps:
        frame = take(len(case.steps), Step(difference.op), None, crashed)
        frame.text, frame.stage = f"with all done: {frame.text}", "at the end"
        difference.number = frame.number
    told_at = [frame for frame in run.recorder.frames if frame.number == difference.number]
    for frame in told_at[-1:]:
        also = case.steps[frame.number - 1].also
        frame.expected = told.values(difference.expected, difference.keys, also)
        frame.actual = told.values(difference.actual, difference.keys) if difference.keys else ()
        frame.notes = told.HANG_NOTES if run.stopped else told.told_of(difference)


def _mark(frames: list[Frame], difference: Difference) -> None:
    """Mark the steps that matter to a difference."""
    matter = {difference.first + at for at in MAPLE_TREE.matters(difference)} | {difference.number}
    matter |= set(_fills(difference))
    for frame in frames:
        frame.matters = frame.number in matter


def _fills(difference: Difference) -> Iterator[int]:
    """The steps that stored many ranges, some of them where the failing one looked."""
    looked = list(told.asked(difference.op))
    for number, step in enumerate(difference.steps, start=difference.first):
        if isinstance(step.op, (Fill, MasFill)) and step.op.tree == difference.op.tree:
            ((low, high),) = told.asked(step.op)
            if any(first <= high and low <= last for first, last in looked):
                yield number


def _lanes(frames: list[Frame]) -> tuple[Lane, ...]:
    """The step, then each tree: the model's entries, the nodes."""
    items = [item for frame in frames for item in frame.changed.values() if item is not None]
    numbers = sorted({int(item.lane[5:]) for item in items if item.lane.startswith("model")})
    titles, rows = {told.LANE: told.TITLE}, {told.LANE: told.ROWS}
    for number in numbers:
        titles[f"model{number}"] = f"tree {number}: what the model holds"
        rows[f"model{number}"] = {"entries": "entries"}
        titles[f"tree{number}"] = f"tree {number}: the nodes, with pivots and gaps"
        rows[f"tree{number}"] = trees.rows_of(item for item in items if item.lane == f"tree{number}")
    titles[COPY] = "what the copy that failed has left behind"
    rows[COPY] = trees.rows_of(item for item in items if item.lane == COPY)
    return lanes_of(titles, rows)
