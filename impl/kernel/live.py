"""The running kernel's address spaces: processes that do what they are told, looked at from outside.

What it is: a client of ``agent/agent.c``, one process for each space; a fork is a fork of it. VMAs and their
flags are read from /proc/PID/smaps, the bytes of page tables from VmPTE in /proc/PID/status, contents by the
process itself. Only addresses in REGION count, which an agent does not use for itself.

It stands for mm/mmap.c and kernel/fork.c of the kernel that runs it. Without privileges. x86-64 only.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mapleproof.impl.kernel.build import compiler, first_error
from mapleproof.impl.kernel.cache import cache
from mapleproof.impl.kernel.errors import KernelBuildError

AGENT = Path(__file__).parent / "agent" / "agent.c"
REGION = range(1 << 39, 8 << 39)
"""Addresses that a space may use: whole tables of the topmost level, far from an agent's own."""

SLOTS = 8
"""The most spaces at a time."""

GRACE = 2.0
"""Seconds that a process gets to exit by itself, and then to be gone once it was killed."""

FILES = 4
FILE_SIZE = 1 << 42

MMAP, MUNMAP, MPROTECT, MREMAP, MADVISE, TOUCH, WRITE, READ, FORK, EXIT, SYSCALL, BIND, USERFAULT, FORKS = (
    range(14)
)

MAP_SHARED, MAP_PRIVATE, MAP_FIXED, MAP_ANONYMOUS = 0x01, 0x02, 0x10, 0x20
MREMAP_MAYMOVE, MREMAP_FIXED = 1, 2
ADVICE = {"dontfork": 10, "dofork": 11, "wipeonfork": 18, "keeponfork": 19}

FLAGS = {"rd": 0x1, "wr": 0x2, "ex": 0x4, "sh": 0x8, "dc": 0x20000, "ac": 0x100000, "wf": 0x2000000}
"""The VM_* flags that a space is compared by, as smaps spells them."""

_COMMAND = struct.Struct("<QQQQQQ")
_ANSWER = struct.Struct("<qQ")
_FIRST_COMMANDS = 10
_FIRST_ANSWERS = _FIRST_COMMANDS + SLOTS
FIRST_FILE = 100
_HEAD = re.compile(r"([0-9a-f]+)-([0-9a-f]+) ")


class AgentDied(Exception):
    """A space's process is gone: the kernel killed it, or it touched what is not there."""


@dataclass(frozen=True)
class LiveArea:
    """One VMA: [start, end), and those of its flags that are in FLAGS."""

    start: int
    end: int
    flags: int


@dataclass
class _Space:
    slot: int
    pid: int
    pidfd: int


def why_not() -> str:
    """Why live spaces cannot be had here; empty where they can."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        return (
            f"live address spaces need Linux on x86-64, this is {platform.system()} on {platform.machine()}"
        )
    if not Path("/proc/self/smaps").exists():
        return "live address spaces need /proc/PID/smaps, which this kernel does not have"
    return ""


def agent(place: int = 0) -> Path:
    """The agent's program, built once; its code lies at ``place``, where that is not 0. Raises
    KernelBuildError."""
    reason = why_not()
    if reason:
        raise KernelBuildError(reason)
    source = AGENT.read_bytes()
    places = ["-fpie", f"-Wl,-Ttext-segment={place:#x}"] if place else []
    final = cache() / f"agent-{hashlib.sha256(source + ''.join(places).encode()).hexdigest()[:16]}"
    if final.is_file():
        return final
    final.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=final.parent, prefix="new-"))
    try:
        flags = ["-O2", "-static", "-nostdlib", "-no-pie", "-fno-pie", "-fno-stack-protector", "-fno-builtin"]
        command = [compiler(), *flags, *places, "-Wl,--build-id=none", str(AGENT), "-o", str(work / "agent")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise KernelBuildError(f"the agent does not compile: {first_error(done.stderr)}")
        os.rename(work / "agent", final)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return final


def read_smaps(lines: Iterable[str], region: range) -> list[LiveArea]:
    """The VMAs that begin in a region, as /proc/PID/smaps tells them."""
    areas: list[LiveArea] = []
    start = end = 0
    for line in lines:
        if line.startswith("VmFlags:"):
            if start in region:
                areas.append(LiveArea(start, end, sum(FLAGS.get(flag, 0) for flag in line.split()[1:])))
        elif found := _HEAD.match(line):
            start, end = int(found[1], 16), int(found[2], 16)
    return areas


class LiveSpaces:
    """Address spaces of the running kernel by number; space 0 is there at first, empty.

    Calls return 0 or a negative errno. Raises KernelBuildError where there is no agent, AgentDied.
    """

    def __init__(self) -> None:
        self._program = agent()
        self._sockets = [socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(SLOTS)]
        self._files = [os.memfd_create(f"file{number}") for number in range(FILES)]
        for file in self._files:
            os.ftruncate(file, FILE_SIZE)
        self.spaces: dict[int, _Space] = {}
        self._start()

    def _start(self) -> None:
        ends = [theirs.fileno() for _, theirs in self._sockets]
        moves = [
            (end, first + slot)
            for first in (_FIRST_COMMANDS, _FIRST_ANSWERS)
            for slot, end in enumerate(ends)
        ]
        moves += [(file, FIRST_FILE + number) for number, file in enumerate(self._files)]
        actions = [(os.POSIX_SPAWN_DUP2, here, there) for here, there in _clear(moves)]
        pid = os.posix_spawn(str(self._program), ["agent"], {}, file_actions=actions)
        self._first = pid
        self.spaces[0] = _Space(0, pid, os.pidfd_open(pid))
        self._ask(0, MUNMAP, REGION.start, 1 << 12)  # it is up, and has used what it uses
        self._own_tables = self._table_bytes(0)

    # Calls

    def mmap(self, space: int, start: int, size: int, prot: int, shared: bool, file: int | None) -> int:
        """Map at a fixed place, from the beginning of a file or without one."""
        flags = (
            MAP_FIXED | (MAP_SHARED if shared else MAP_PRIVATE) | (0 if file is not None else MAP_ANONYMOUS)
        )
        number = FIRST_FILE + file if file is not None else -1
        ret = self._ask(space, MMAP, start, size, prot, flags, number)
        return 0 if ret == start else ret

    def munmap(self, space: int, start: int, size: int) -> int:
        return self._ask(space, MUNMAP, start, size)

    def mprotect(self, space: int, start: int, size: int, prot: int) -> int:
        return self._ask(space, MPROTECT, start, size, prot)

    def mremap(self, space: int, start: int, size: int, to: int, new_size: int) -> int:
        """In place where ``to`` is ``start``, else to a fixed place."""
        flags = 0 if to == start else MREMAP_MAYMOVE | MREMAP_FIXED
        ret = self._ask(space, MREMAP, start, size, new_size, flags, to)
        return 0 if ret == to else ret

    def madvise(self, space: int, start: int, size: int, advice: str) -> int:
        return self._ask(space, MADVISE, start, size, ADVICE[advice])

    def touch(self, space: int, start: int, end: int, write: bool) -> None:
        """Read each page of mapped memory, or write what it holds."""
        self._ask(space, TOUCH, start, end, int(write))

    def write(self, space: int, address: int, value: int) -> None:
        self._ask(space, WRITE, address, value)

    def read(self, space: int, address: int) -> int:
        self._send(space, READ, address)
        return self._receive(space)[1]

    def fork(self, space: int, into: int) -> int:
        """Fork a space into a new one."""
        used = {each.slot for each in self.spaces.values()}
        slot = next(number for number in range(SLOTS) if number not in used)
        pid = self._ask(space, FORK, slot)
        if pid < 0:
            return pid
        self.spaces[into] = _Space(slot, pid, os.pidfd_open(pid))
        self._receive(into)
        return 0

    def exit(self, space: int) -> int:
        """Let a space's process exit, and wait until it has."""
        self._send(space, EXIT)
        self._bury(space)
        return 0

    # What is seen from outside

    def areas(self, space: int) -> list[LiveArea]:
        """The VMAs in REGION, in order."""
        with open(f"/proc/{self.spaces[space].pid}/smaps") as file:
            return read_smaps(file, REGION)

    def table_bytes(self, space: int) -> int:
        """Bytes of page tables below the topmost, without the agent's own."""
        return self._table_bytes(space) - self._own_tables

    def _table_bytes(self, space: int) -> int:
        with open(f"/proc/{self.spaces[space].pid}/status") as file:
            line = next(line for line in file if line.startswith("VmPTE:"))
        return int(line.split()[1]) << 10

    def pid(self, space: int) -> int:
        """The process that is a space."""
        return self.spaces[space].pid

    def close(self) -> None:
        """Let all spaces exit; one that does not within GRACE is killed."""
        for space in sorted(self.spaces, reverse=True):
            pidfd = self.spaces[space].pidfd
            if not _gone(pidfd, 0):
                self._send(space, EXIT)
            if not _gone(pidfd, GRACE):
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
            self._bury(space, GRACE)
        for ours, theirs in self._sockets:
            ours.close()
            theirs.close()
        for file in self._files:
            os.close(file)

    def _ask(self, space: int, op: int, *arguments: int) -> int:
        self._send(space, op, *arguments)
        return self._receive(space)[0]

    def _send(self, space: int, op: int, *arguments: int) -> None:
        words = [argument & (1 << 64) - 1 for argument in (*arguments, 0, 0, 0, 0, 0)[:5]]
        self._sockets[self.spaces[space].slot][0].send(_COMMAND.pack(op, *words))

    def _receive(self, space: int) -> tuple[int, int]:
        """An answer. The process may die instead: its end of the socket stays open in others."""
        here, pidfd = self._sockets[self.spaces[space].slot][0], self.spaces[space].pidfd
        ready, _, _ = select.select([here.fileno(), pidfd], [], [])
        if here.fileno() not in ready:
            raise AgentDied(f"the process of space {space} died")
        ret, value = _ANSWER.unpack(here.recv(_ANSWER.size))
        return ret, value

    def _bury(self, space: int, patience: float | None = None) -> None:
        """Wait until a space's process has exited; without a limit, if ``patience`` is None."""
        buried = self.spaces[space]
        is_gone = _gone(buried.pidfd, patience)
        del self.spaces[space]
        os.close(buried.pidfd)
        if is_gone and buried.pid == self._first:
            os.waitpid(buried.pid, 0)


def _gone(pidfd: int, seconds: float | None) -> bool:
    return bool(select.select([pidfd], [], [], seconds)[0])


def _clear(moves: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Moves of descriptors such that none is overwritten before it was moved: by way of high ones."""
    high = 200
    away = [(here, high + number) for number, (here, _) in enumerate(moves)]
    return away + [(there, target) for (_, there), (_, target) in zip(away, moves, strict=True)]
