"""A booted kernel's address spaces: the agents of a guest, looked at by its init.

The same as `impl.kernel.live`, and beyond: a call may be made to fail at its n-th request for memory (the
kernel's fault injection, limited to one function's range of addresses), and what the whole kernel has in use
can be counted before a call and after it. A new guest is begun where the one that was is dead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mapleproof.impl.kernel import live
from mapleproof.impl.kernel.booted import wire
from mapleproof.impl.kernel.booted.build import BootedBuild
from mapleproof.impl.kernel.booted.machine import PATIENCE, Guest, GuestDied
from mapleproof.impl.kernel.errors import KernelBuildError
from mapleproof.impl.kernel.live import AgentDied, LiveArea, read_smaps

REGION_X86 = live.REGION
REGION_UM = range(1 << 36, 7 << 36)
"""Addresses that a space may use: whole tables of the topmost level. User Mode Linux has three levels, and
the topmost table covers 512 GiB in all."""

_INJECTION = "/sys/kernel/debug"
_INJECTORS = ("failslab", "fail_page_alloc")
_SETTINGS = {
    "ignore-gfp-wait": "N",
    "ignore-gfp-highmem": "N",
    "min-order": "0",
    "verbose": "2",
    "verbose_ratelimit_burst": "1000000",
    "verbose_ratelimit_interval_ms": "0",
    "task-filter": "Y",
    "probability": "0",
    "times": "-1",
    "stacktrace-depth": "32",
}
_ANYWHERE = (0, (1 << 64) - 1)


_AREA = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) .*?(\[\w+\])?$")


def behind_stack(maps: str) -> list[tuple[int, int]]:
    """Start and size of the VMAs behind the stack, by /proc/PID/maps: the vdso, whose copy asks for nothing.
    Once they are gone a fork can fail with no VMA left to be copied. The vsyscall page is none of them."""
    found: list[tuple[int, int]] = []
    stack = False
    for area in filter(None, map(_AREA.match, maps.splitlines())):
        if stack and area[3] != "[vsyscall]":
            found.append((int(area[1], 16), int(area[2], 16) - int(area[1], 16)))
        stack = stack or area[3] == "[stack]"
    return found


@dataclass(frozen=True, slots=True)
class Refusal:
    """That the `nth` request of a call is refused, counted from 1; with `later`, all after it too. Only
    requests below the kernel's `function` count."""

    nth: int
    later: bool = False
    function: str = "dup_mmap"


class BootedSpaces:
    """Address spaces of a guest by number; space 0 is there at first, empty.

    Calls return 0 or a negative errno. Raises AgentDied where a space's process is gone, GuestDied where the
    guest is; afterwards `restart` begins anew. `log` is what the kernel said since it was last taken.
    """

    def __init__(
        self, build: BootedBuild, append: Sequence[str] = (), processors: int = 1, patience: float = PATIENCE
    ) -> None:
        self.build = build
        self.region = REGION_UM if build.variant.arch == "um" else REGION_X86
        self.log = ""
        self.guests = 0
        """How many guests were begun."""
        self.refusal: Refusal | None = None
        """What is refused within the next calls, if something is."""
        self.reached = False
        """Whether the last call that had a refusal asked for so much that it was met."""
        self._how = (tuple(append), processors, patience)
        self._slots: dict[int, int] = {}
        self._ranges: dict[str, tuple[int, int]] = {}
        try:
            self.restart()
        except (GuestDied, AgentDied) as died:
            raise KernelBuildError(f"{build.source}: boots, and dies at its first calls: {died}") from None

    def restart(self) -> None:
        """A new guest, with one empty space."""
        guest: Guest | None = getattr(self, "guest", None)
        if guest is not None:
            guest.close()
        self.guest = Guest(self.build, *self._how)
        self.guests += 1
        self._function = ""
        self.guest.write("/proc/sys/vm/overcommit_memory", "1")  # it is small; all is counted the same
        self._inject(_SETTINGS)
        self.reset()

    def _inject(self, settings: Mapping[str, str]) -> None:
        for injector in _INJECTORS:
            for name, value in settings.items():
                self.guest.write(f"{_INJECTION}/{injector}/{name}", value)

    def reset(self) -> None:
        """End all spaces; space 0 is there again, empty."""
        ret, _ = self.guest.ask(wire.BEGIN)
        if ret < 0:
            raise AgentDied(f"no agent can be started: {ret}")
        self._slots = {0: 0}
        self._first = ret
        self._pids = {0: ret}
        self.called(0, live.MUNMAP, self.region.start, 1 << 12)  # it is up, and has used what it uses
        for start, size in behind_stack(self.guest.read(f"/proc/{ret}/maps")):
            self.called(0, live.MUNMAP, start, size)
        self._own_tables = self._table_bytes(0)

    @property
    def spaces(self) -> dict[int, int]:
        """The spaces that are there, and the process of each."""
        return self._pids

    # Calls

    def called(self, space: int, op: int, *arguments: int) -> wire.Called:
        """Carry out one call. Raises AgentDied, GuestDied."""
        refusal = self.refusal
        if refusal is not None:
            self._limit_to(refusal.function)
        nth, later = (refusal.nth, refusal.later) if refusal else (0, False)
        five = (*arguments, 0, 0, 0, 0, 0)[:5]
        _, data = self.guest.ask(wire.CALL, wire.words(self._slots[space], op, *five, nth, later))
        called = wire.read_called(data)
        self.log += called.log
        if refusal is not None:
            self.reached = called.left == 0
        if called.died:
            del self._slots[space], self._pids[space]
            raise AgentDied(f"the process of space {space} died")
        return called

    def _limit_to(self, function: str) -> None:
        """Let only those requests count that are made below a function; all, where it has no name."""
        if function == self._function:
            return
        if function not in self._ranges:
            self._ranges[function] = self.build.symbol_range(function) if function else _ANYWHERE
        start, end = self._ranges[function]
        for injector in _INJECTORS:
            self.guest.write(f"{_INJECTION}/{injector}/require-start", f"{start:#x}")
            self.guest.write(f"{_INJECTION}/{injector}/require-end", f"{end:#x}")
        self._function = function

    def _ask(self, space: int, op: int, *arguments: int) -> int:
        return self.called(space, op, *arguments).ret

    def mmap(
        self, space: int, start: int, size: int, prot: int, shared: bool, file: int | None, more: int = 0
    ) -> int:
        """Map at a fixed place, from the beginning of a file or without one; `more` are further MAP_
        flags."""
        flags = live.MAP_FIXED | (live.MAP_SHARED if shared else live.MAP_PRIVATE) | more
        flags |= 0 if file is not None else live.MAP_ANONYMOUS
        number = live.FIRST_FILE + file if file is not None else -1
        ret = self._ask(space, live.MMAP, start, size, prot, flags, number)
        return 0 if ret == start else ret

    def munmap(self, space: int, start: int, size: int) -> int:
        return self._ask(space, live.MUNMAP, start, size)

    def mprotect(self, space: int, start: int, size: int, prot: int) -> int:
        return self._ask(space, live.MPROTECT, start, size, prot)

    def mremap(self, space: int, start: int, size: int, to: int, new_size: int) -> int:
        """In place where ``to`` is ``start``, else to a fixed place."""
        flags = 0 if to == start else live.MREMAP_MAYMOVE | live.MREMAP_FIXED
        ret = self._ask(space, live.MREMAP, start, size, new_size, flags, to)
        return 0 if ret == to else ret

    def madvise(self, space: int, start: int, size: int, advice: str) -> int:
        return self._ask(space, live.MADVISE, start, size, live.ADVICE[advice])

    def touch(self, space: int, start: int, end: int, write: bool) -> None:
        """Read each page of mapped memory, or write what it holds."""
        self._ask(space, live.TOUCH, start, end, int(write))

    def write(self, space: int, address: int, value: int) -> None:
        self._ask(space, live.WRITE, address, value)

    def read(self, space: int, address: int) -> int:
        return self.called(space, live.READ, address).value

    def bind(self, space: int, start: int, size: int) -> int:
        """Give a range a memory policy."""
        return self._ask(space, live.BIND, start, size)

    def userfault(self, space: int, start: int, size: int) -> int:
        """Give a range a userfaultfd that hears of forks; the init serves it."""
        return self._ask(space, live.USERFAULT, start, size)

    def fork(self, space: int, into: int) -> int:
        """Fork a space into a new one."""
        slot = next(number for number in range(live.SLOTS) if number not in self._slots.values())
        called = self.called(space, live.FORK, slot)
        if called.ret < 0:
            return called.ret
        self._slots[into] = slot
        self._pids[into] = called.ret
        return 0

    def failing_forks(self, space: int, count: int, interval: int) -> int:
        """So many forks in a row, in which each ``interval``-th request below dup_mmap is refused: how many
        failed. Nothing is told of them in the log."""
        self._limit_to("dup_mmap")
        self._inject({"verbose": "0", "interval": str(interval), "probability": "100"})
        self.guest.write(f"/proc/{self._pids[space]}/make-it-fail", "1")
        failed = self._ask(space, live.FORKS, count)
        self.guest.write(f"/proc/{self._pids[space]}/make-it-fail", "0")
        self._inject({"interval": "1", **_SETTINGS})
        return failed

    def exit(self, space: int) -> int:
        """Let a space's process exit, and wait until it has."""
        self._ask(space, live.EXIT)
        del self._slots[space], self._pids[space]
        return 0

    # What is seen from outside

    def areas(self, space: int) -> list[LiveArea]:
        """The VMAs in `region`, in order."""
        return read_smaps(self.guest.read(f"/proc/{self._pids[space]}/smaps").splitlines(), self.region)

    def table_bytes(self, space: int) -> int:
        """Bytes of page tables below the topmost, without the agent's own."""
        return self._table_bytes(space) - self._own_tables

    def _table_bytes(self, space: int) -> int:
        status = self.guest.read(f"/proc/{self._pids[space]}/status").splitlines()
        return int(next(line for line in status if line.startswith("VmPTE:")).split()[1]) << 10

    def pid(self, space: int) -> int:
        """The process that is a space, in the guest."""
        return self._pids[space]

    def note(self, space: int) -> dict[str, int]:
        """Take down what the whole kernel has in use, and all that can be seen of one space."""
        _, data = self.guest.ask(wire.NOTE, wire.words(self._slots[space]))
        return wire.read_numbers(data)[0]

    def look(self, space: int) -> dict[str, int]:
        """The same again, once it is as it was noted; else what it is after a while."""
        _, data = self.guest.ask(wire.LOOK, wire.words(self._slots[space]))
        numbers, log = wire.read_numbers(data)
        self.log += log
        return numbers

    def observe(self, observer: str) -> int:
        """Let somebody walk address spaces meanwhile: one of `wire.OBSERVERS`. 0 or a negative errno."""
        return self.guest.ask(wire.OBSERVE, wire.words(wire.OBSERVERS.index(observer)))[0]

    def unobserve(self) -> dict[str, int]:
        """End all observers: how often each turned."""
        _, data = self.guest.ask(wire.UNOBSERVE)
        counts = [int.from_bytes(data[at : at + 8], "little") for at in range(0, len(data), 8)]
        return dict(zip(wire.OBSERVERS, counts, strict=False))

    def take_log(self) -> str:
        """What the kernel said since this was last asked."""
        log, self.log = self.log, ""
        return log

    def close(self) -> None:
        self.guest.close()
