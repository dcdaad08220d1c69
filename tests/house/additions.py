"""One of each, added to a copy of the code: which files that touches, and that nothing else is needed.

`python -m tests.house.additions` tells the files. CONTRIBUTING.md walks through the same in words.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Change:
    """In a file, before a piece of it (at its end where the piece is empty), something new stands."""

    file: str
    before: str
    new: str

    def make(self, root: Path) -> None:
        """Make it in a checkout. Raises ValueError where the piece is not there, or more than once."""
        path = root / self.file
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        if self.before and text.count(self.before) != 1:
            raise ValueError(f"{self.file}: {self.before!r} is there {text.count(self.before)} times")
        at = text.index(self.before) if self.before else len(text)
        path.write_text(text[:at] + self.new + text[at:], encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Addition:
    """Something new: the changes, the most files that it may touch, and a program that fails without it."""

    what: str
    goal: int
    changes: tuple[Change, ...]
    program: str

    @property
    def files(self) -> list[str]:
        """The files that it touches."""
        return list(dict.fromkeys(change.file for change in self.changes))


CURSOR_OPERATION = Addition(
    "a cursor operation",
    5,
    (
        Change(
            "model/cursor.py",
            "    def next(self, high: int",
            '''    def next_but_one(self, high: int) -> int | None:
        """The entry after the next."""
        self.next(high)
        return self.next(high)

''',
        ),
        Change(
            "impl/maple/cursor.py",
            "    def next_range(self, max: int)",
            '''    def next_but_one(self, max: int) -> Any:
        """The entry after the next."""
        self.next(max)
        return self.next(max)

''',
        ),
        Change(
            "props/maple/cursor_operations.py",
            '@on_cursor("next_range", CURSOR',
            '''@on_cursor("next_but_one", CURSOR, drawn="step")
@dataclass(frozen=True, slots=True)
class MasNextButOne(Common):
    """The entry after the next."""

    max: int


''',
        ),
        Change(
            "impl/kernel/wire.py",
            '    "mas_next_range": Op(',
            '    "mas_next_but_one": Op(("max",), "cursor"),\n',
        ),
        Change(
            "impl/kernel/shim/ops.c",
            "	case OP_mas_next_range:",
            """	case OP_mas_next_but_one:
		READ(mas_next(mas, s->a); entry = mas_next(mas, s->a));
		cursor_answer(answer, mas, entry);
		break;
""",
        ),
    ),
    """
from mapleproof.props.common.files import Case, Header, write_case
from mapleproof.props.common.answers import Answer
from mapleproof.props.common.step import Step
from mapleproof.props.job.replay import replay_file
from mapleproof.props.job.units import Task, find
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.lanes import bulk
from mapleproof.props.maple.lanes.machine_base import MOVES
from mapleproof.impl.kernel.wire import OPS
from mapleproof.props.maple.ports import ModelPort
from mapleproof.props.maple.subject import MAPLE_TREE

new = ops.MasNextButOne
assert new in {form.operation for form in MOVES}
drawn = [bulk.run(seed, 300, ModelPort, shrink=False).steps for seed in range(20)]
assert any(isinstance(step.op, new) for steps in drawn for step in steps)
assert all(bulk.run(seed, 300).finding is None for seed in range(20))
assert find(Task("machine", 0, 0)).failure is None
steps = [Step(ops.MtreeStoreRange(k, k, k + 1), Answer(ret=0)) for k in (1, 3, 5)]
steps += [Step(ops.MasSet(1)), Step(ops.MasWalk()), Step(new(9), Answer(entry=6, index=5, last=5))]
write_case("one.jsonl", Case(Header("x", {"alloc_range": True, "rcu": False}, "y", MAPLE_TREE), steps))
assert replay_file("one.jsonl").difference is None
assert replay_file("one.jsonl", "model").difference is None
""",
)

SPACE_OPERATION = Addition(
    "an address-space operation",
    6,
    (
        Change(
            "model/address_space.py",
            "    def touch(self, number: int",
            '''    def use(self, number: int, start: int, size: int) -> int:
        """Use every page that may be used, as often as one likes."""
        return self.touch(number, start, size)

''',
        ),
        Change(
            "impl/mm/calls.py",
            "def touch(mm: Mm",
            '''def use(mm: Mm, start: int, size: int) -> int:
    """Use every page."""
    return touch(mm, start, size)


''',
        ),
        Change(
            "props/mm/operations.py",
            "@operation(model=model_side.nothing, impl=impl_call(calls.set_policy)",
            '''@operation(
    "ret",
    model=model_call("use"),
    impl=impl_call(calls.use),
    live=live_side.touch,
    contents=contents.touch,
    writes=True,
    drawn="range",
)
@dataclass(frozen=True, slots=True)
class Use(SpaceOperation):
    """Use each page of a range, once more."""

    start: int
    size: int


''',
        ),
    ),
    """
import random
from mapleproof.impl.mm.geometry import X86_64
from mapleproof.props.job.replay import replay_file
from mapleproof.props.mm import histories, operations as ops
from mapleproof.props.mm.case import write_space_case
from mapleproof.props.mm.dispatch import drawn
from mapleproof.props.mm.live_history import Draws
from mapleproof.props.mm.ports import ModelSpaces
from pathlib import Path

assert ops.Use in drawn("range", live=True)
done = [histories.history(str(seed)) for seed in range(40)]
assert all(one.met is None for one in done)
assert any(one.done["use"] for one in done)
model = ModelSpaces(X86_64)
met = []
for op in Draws(1, model).operations(200):
    model.apply(op)
    met.append(op)
assert any(isinstance(op, ops.Use) for op in met)
program = [ops.Mmap(0, 4096, 8192, 3, None), ops.Use(0, 4096, 8192)]
write_space_case(Path("two.jsonl"), "x", program, X86_64, "ok")
assert replay_file("two.jsonl").difference is None
assert replay_file("two.jsonl", "model").difference is None
""",
)

RECOVERY = Addition(
    "a recovery, judged and proved",
    2,
    (
        Change(
            "impl/mm/recovery/leave_all.py",
            "",
            '''"""leave_all: nothing is undone; for the test of additions."""

from types import MappingProxyType

from mapleproof.impl.mm.promises import PROMISES
from mapleproof.impl.mm.recovery.base import Fork, Recovery


class LeaveAll(Recovery):
    """Nothing is done: exit_mmap() meets the parent's VMAs."""

    name = "leave_all"
    when = "never"
    known = MappingProxyType(dict.fromkeys(PROMISES, "nothing is undone"))
    claimed = frozenset({"undo_exact"})

    def recover(self, fork: Fork) -> None:
        """Leave all as it is."""
''',
        ),
        Change(
            "impl/mm/recovery/__init__.py",
            "RECOVERIES: dict",
            "from mapleproof.impl.mm.recovery.leave_all import LeaveAll\n\n",
        ),
        Change("impl/mm/recovery/__init__.py", "        UnmapInPlace(),\n", "        LeaveAll(),\n"),
    ),
    """
from mapleproof.cli.values import recovery_names
from mapleproof.impl.mm.geometry import GEOMETRIES
from mapleproof.proofs.undo_exact import CLAIM, RIGHT
from mapleproof.props.common.forms import CHOICES
from mapleproof.props.mm.scenarios import corners
from mapleproof.props.mm.sweep import sweep
from mapleproof.props.mm.units import NAMES

for names in (recovery_names(), NAMES, CHOICES["recovery"], RIGHT):
    assert "leave_all" in names
assert any(part.startswith("leave_all") for part in CLAIM.parts)
shape = GEOMETRIES["tiny"] if "tiny" in GEOMETRIES else next(iter(GEOMETRIES.values()))
assert any(sweep(program, shape, "leave_all").broken for program in corners(shape))
""",
)

CLAIM = Addition(
    "a claim",
    2,
    (
        Change(
            "proofs/clip_is_inside.py",
            "",
            '''"""What is cut out of a VMA lies in it."""

from mapleproof.impl.mm.limits import clip
from mapleproof.proofs.engine.claim import Claim, Edit, Twin, main
from mapleproof.proofs.engine.paths import claim
from mapleproof.proofs.engine.words import Word


CLIP = "impl.mm.limits:clip"


def run() -> None:
    low, high, start, end = (Word.named(name, 12) for name in ("low", "high", "start", "end"))
    part = clip(low, high, start, end)
    if part is not None:
        claim("it begins in the VMA", part[0] >= low)


CLAIM = Claim(
    name="clip_is_inside",
    sentence="What is cut out of a VMA begins in it.",
    formula="clip(low, high, start, end) = (b, s)  =>  low <= b",
    bounds="any page-aligned words",
    executes=("limits.clip",),
    parts={"clip": run},
    twins=(Twin("any", "begins anywhere", (Edit(CLIP, "start if start > low else low", "start"),)),),
)

if __name__ == "__main__":
    main(CLAIM)
''',
        ),
        Change(
            "proofs/registry.py",
            "    dup_is_isomorphic,\n    dup_is_linear,\n    free",
            "    clip_is_inside,\n",
        ),
        Change("proofs/registry.py", "        dup_is_linear,\n    )\n", "        clip_is_inside,\n"),
    ),
    """
from click.testing import CliRunner
from mapleproof.cli.cli import main

done = CliRunner().invoke(main, ["prove", "clip_is_inside"])
assert done.exit_code == 0, done.output
assert "proved" in done.output
""",
)

TREE_PORT = Addition(
    "a port of the tree",
    2,
    (
        Change(
            "props/maple/mirror_port.py",
            "",
            '''"""A port for the test of additions: our tree once more."""

from mapleproof.props.maple.ports import ImplPort


class MirrorPort(ImplPort):
    """Our tree, under another name."""
''',
        ),
        Change(
            "props/job/choose_port.py",
            "KINDS: Mapping[str, Kind] = {\n",
            "from mapleproof.props.maple.mirror_port import MirrorPort  # noqa: E402\n\n",
        ),
        Change(
            "props/job/choose_port.py",
            '    "live": Kind(',
            '    "mirror": Kind({MAPLE_TREE.name: lambda name: MirrorPort}, TREE_LANES),\n',
        ),
    ),
    """
from mapleproof.cli.cli import main
from mapleproof.props.job.choose_port import choose_port
from mapleproof.props.maple.subject import MAPLE_TREE
from tests.job.test_contract import keeps_the_contract
from click.testing import CliRunner

keeps_the_contract(choose_port("mirror", MAPLE_TREE), MAPLE_TREE)
asked = ["check", "--port", "mirror", "--seconds", "0", "--jobs", "1", "--lane", "bulk"]
done = CliRunner().invoke(main, asked)
assert done.exit_code == 0, done.output
""",
)

SPACE_PORT = Addition(
    "a port of address spaces",
    2,
    (
        Change(
            "props/mm/echo_port.py",
            "",
            '''"""A port for the test of additions: our fork once more."""

from mapleproof.props.mm.ports import ImplSpaces


class EchoPort(ImplSpaces):
    """Our fork, under another name."""
''',
        ),
        Change(
            "props/job/choose_port.py",
            "KINDS: Mapping[str, Kind] = {\n",
            "from mapleproof.props.mm.echo_port import EchoPort  # noqa: E402\n"
            "from mapleproof.props.mm.forms import geometry_of  # noqa: E402\n\n",
        ),
        Change(
            "props/job/choose_port.py",
            '    "live": Kind(',
            '    "echo": Kind(\n'
            "        {ADDRESS_SPACE.name: lambda name: lambda **flags: EchoPort(geometry_of(flags))},\n"
            "        frozenset(),\n"
            "    ),\n",
        ),
    ),
    """
from pathlib import Path
from mapleproof.impl.mm.geometry import X86_64
from mapleproof.props.job.choose_port import choose_port
from mapleproof.props.job.subjects import read_case
from mapleproof.props.job.replay import replay_file
from mapleproof.props.mm import operations as ops
from mapleproof.props.mm.case import write_space_case
from mapleproof.props.mm.subject import ADDRESS_SPACE
from mapleproof.show.carry_out import picture_of
from tests.job.test_contract import keeps_the_contract

keeps_the_contract(choose_port("echo", ADDRESS_SPACE), ADDRESS_SPACE)
write_space_case(Path("three.jsonl"), "x", [ops.Mmap(0, 4096, 8192, 3, None)], X86_64, "ok")
assert replay_file("three.jsonl", "echo").difference is None
assert picture_of(read_case("three.jsonl"), "echo").failing is None
""",
)

ADDITIONS = (CURSOR_OPERATION, SPACE_OPERATION, RECOVERY, CLAIM, TREE_PORT, SPACE_PORT)

if __name__ == "__main__":
    for addition in ADDITIONS:
        print(f"{addition.what}: {len(addition.files)} files, at the most {addition.goal}")
        for file in addition.files:
            print(f"    {file}")
