"""The port on a booted kernel's address spaces: `booted:PATH[,ARCH]`, PATH being a kernel's sources.

How the kernel is built and booted may follow as in a URL:
`booted:PATH,x86?sanitize&debug&levels=5&seed=NAME`. A guest that dies is an answer: `crash` says how. The
next operation meets a new guest, in which no space is what it was.
"""

from __future__ import annotations

from errno import ENOMEM
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from mapleproof.impl.kernel.booted import wire
from mapleproof.impl.kernel.booted.build import BootedBuild, build
from mapleproof.impl.kernel.booted.config import ARCHITECTURES, Variant
from mapleproof.impl.kernel.booted.edits import edits_for
from mapleproof.impl.kernel.booted.log import alarms, refusals
from mapleproof.impl.kernel.booted.machine import PATIENCE, GuestDied
from mapleproof.impl.kernel.booted.spaces import BootedSpaces, Refusal
from mapleproof.impl.kernel.booted.whole import resolve
from mapleproof.impl.kernel.errors import KernelBuildError
from mapleproof.impl.kernel.live import SLOTS, AgentDied
from mapleproof.impl.mm.geometry import X86_64, PageGeometry
from mapleproof.impl.mm.promises import ANSWERED, Alarm
from mapleproof.props.common.answers import Answer
from mapleproof.props.common.forms import spell
from mapleproof.props.common.operation import Common
from mapleproof.props.common.port import NotOffered, Port
from mapleproof.props.mm import operations as ops
from mapleproof.props.mm.booted_audit import broken_alarms, broken_numbers, changed, name_of
from mapleproof.props.mm.booted_side import carry_out, function_of
from mapleproof.props.mm.live_port import ranges

BOOTED = "booted:"


def is_booted(name: str) -> bool:
    """Whether a port of that name is a kernel that is booted."""
    return name.startswith(BOOTED)


def with_options(name: str, sanitize: bool, debug: bool, seed: str) -> str:
    """The name of the same kernel, built or seeded in another way."""
    options = [
        word for word, wanted in (("sanitize", sanitize), ("debug", debug), (f"seed={seed}", seed)) if wanted
    ]
    return name + ("&" if "?" in name else "?") + "&".join(options) if options else name


def parse(name: str) -> tuple[str, Variant, str]:
    """The tree, how it is built, and the seed, empty for none, of a port's name. Raises KernelBuildError."""
    where, _, query = name.removeprefix(BOOTED).partition("?")
    path, comma, arch = where.rpartition(",")
    if not comma or "/" in arch:
        path, arch = where, ARCHITECTURES[0]
    options = dict(parse_qsl(query, keep_blank_values=True))
    sanitize, debug = (options.pop(key, None) is not None for key in ("sanitize", "debug"))
    levels, seed = options.pop("levels", "0"), options.pop("seed", "")
    if options or not path or not levels.isdecimal():
        known = "sanitize, debug, levels=4 or 5, seed=NAME"
        raise KernelBuildError(
            f"port {name}: not understood; it is booted:PATH[,ARCH], and of options {known}"
        )
    variant = Variant(arch, sanitize, debug, int(levels), "seeds" if seed else "")
    return path, variant, seed


@lru_cache
def built(name: str) -> tuple[BootedBuild, tuple[str, ...]]:
    """The kernel of a port's name, and what is added to its command line. Raises KernelBuildError."""
    named, variant, seed = parse(name)
    path = str(resolve(named))
    if not seed:
        return build(path, variant), ()
    edits, number = edits_for(path, seed)
    return build(path, variant, edits=edits), (f"mapleproof_seed={number}",)


def boot_once(name: str) -> None:
    """Build a port's kernel, and see that it boots. Raises KernelBuildError."""
    kernel, append = built(name)
    BootedSpaces(kernel, append).close()


def geometry_of(variant: Variant) -> PageGeometry:
    """The page tables of a guest."""
    if variant.arch == "um":
        return PageGeometry(levels=3, task_size=7 << 36)
    return X86_64


class BootedPort(Port):
    """The spaces of one case or history. `spaces` is the guest's own view.

    An operation that has `fail_after` is looked at before and after. `alarms` are the promises that were
    broken by the last operation, `refused` names what the first request that was refused had asked for, and
    is empty where none was.
    """

    def __init__(
        self,
        name: str,
        processors: int = 1,
        patience: float = PATIENCE,
        kernel: BootedBuild | None = None,
        **flags: bool,
    ) -> None:
        """The guest has the page tables that it has, whatever ``flags`` a case names. It gets ``patience``
        seconds for each answer. `kernel` is one that is built already. Raises KernelBuildError."""
        kernel, append = built(name) if kernel is None else (kernel, ())
        self.name = name
        self.spaces = BootedSpaces(kernel, append, processors, patience)
        self.geometry = geometry_of(kernel.variant)
        self.region = self.spaces.region
        self.alarms: list[Alarm] = []
        self.refused = ""
        self._noted: tuple[int, dict[str, int]] | None = None

    def apply(self, op: Common) -> Answer:
        """Carry out one operation. Raises NotOffered."""
        spaces, region = self.spaces, self.spaces.region
        self.alarms, self.refused = [], ""
        for start, size in ranges(op):
            if start not in region or start + size > region.stop:
                places = f"{region.start:#x} to {region.stop:#x}"
                raise NotOffered(f"{spell(op)}: a space of this kernel has addresses from {places} only")
        if isinstance(op, ops.Fork) and len(spaces.spaces) == SLOTS:
            raise NotOffered(f"{spell(op)}: there are no more than {SLOTS} spaces at a time")
        try:
            answer = self._audited(op) if op.fail_after is not None else self._plainly(op)
        except AgentDied as died:
            self._noted = None
            return Answer(crash=str(died))
        except GuestDied as died:
            self._noted = None
            self.alarms = list(broken_alarms([died.alarm]))
            spaces.restart()
            return Answer(crash=f"the kernel died: {died}")
        if self.alarms:
            broken = ", ".join(dict.fromkeys(alarm.promise for alarm in self.alarms))
            return Answer(crash=f"broken: {broken}: {self.alarms[0].what}"[:500])
        return answer

    def _plainly(self, op: Common) -> Answer:
        answer = carry_out(self.spaces, op)
        if not isinstance(op, ops.Vmas | ops.TableBytes | ops.Read):
            self._noted = None
        self.alarms = list(broken_alarms(alarms(self.spaces.take_log())))
        return answer

    def _audited(self, op: Any) -> Answer:
        spaces, function = self.spaces, function_of(self.spaces, op)
        if self._noted is None or self._noted[0] != op.space:
            self._noted = op.space, self._note(op)
        before = self._noted[1]
        spaces.take_log()
        answer = carry_out(spaces, op)
        log = spaces.take_log()
        reached = spaces.reached
        told = [name_of(one, function) for one in refusals(log)]
        if reached:
            self.refused = told[0] if told else "something that need not be"
        self.alarms = list(broken_alarms(alarms(log)))
        if isinstance(op, ops.Fork):
            self._judge_return(answer.ret, reached, bool(told))
        if answer.ret == 0 or not isinstance(op, ops.Fork):
            self._noted = None
            return answer
        after = spaces.look(op.space)
        self.alarms += broken_alarms(alarms(spaces.take_log()))
        differences = changed(before, after)
        if differences:
            differences = self._again(op, differences)
        self.alarms += broken_numbers(differences)
        if self.alarms:
            self._noted = None
        return answer

    def _again(self, op: Any, differences: dict[str, int]) -> dict[str, int]:
        """What a fork leaves that it leaves a second time too. What is counted and goes up once was allocated
        to be kept, or is freed late; what a process holds and is seen of it must not change even once."""
        spaces = self.spaces
        before = spaces.note(op.space)
        if carry_out(spaces, op).ret == 0:
            spaces.exit(op.into)
        self._noted = None
        repeated = changed(before, spaces.look(op.space))
        return {name: by for name, by in differences.items() if name in wire.DIGESTS or name in repeated}

    def _note(self, op: Any) -> dict[str, int]:
        """Take the guest down as it is. The first refusal of a process makes the kernel allocate what it
        keeps."""
        spaces = self.spaces
        if isinstance(op, ops.Fork):
            spaces.refusal = Refusal(1, True, function_of(spaces, op))
            spaces.fork(op.space, op.into)
            spaces.refusal = None
        return spaces.note(op.space)

    def _judge_return(self, ret: object, reached: bool, told: bool) -> None:
        """A fork fails if something was refused, with that error, and only then."""
        if ret != 0 and (not reached or ret != -ENOMEM):
            what = "was refused" if reached else "nothing was refused"
            self.alarms.append(Alarm(ANSWERED, f"a fork returned {ret}, and {what}"))
        elif ret == 0 and told:
            self.alarms.append(Alarm(ANSWERED, f"a fork succeeded although {self.refused} was refused"))

    def reset(self) -> None:
        """Space 0 alone, empty."""
        self._noted = None
        try:
            self.spaces.reset()
        except GuestDied:
            self.spaces.restart()

    def ended(self) -> list[Alarm]:
        """End all spaces: what the kernel complains of only then."""
        self._noted = None
        try:
            self.spaces.reset()
        except GuestDied as died:
            self.spaces.restart()
            return list(broken_alarms([died.alarm]))
        return list(broken_alarms(alarms(self.spaces.take_log())))

    def check(self, number: int) -> None:
        """What breaks in the guest is an answer already."""

    def snapshot(self, number: int) -> list[tuple[int, int, int]]:
        return [(area.start, area.end - 1, area.flags) for area in self.spaces.areas(number)]

    def live_allocations(self) -> int:
        """The processes that are there."""
        return len(self.spaces.spaces)

    def close(self) -> None:
        self.spaces.close()
