"""One guest: a kernel that was built, running as a process of the host, and the channel to its init.

User Mode Linux gets the channel as a console on a descriptor, QEMU as a second serial line on a socket. The
guest has no network and no disk; it gets a kernel, its initramfs and a command line, and an environment of
its own in an empty folder. A guest that dies or hangs is an answer: `GuestDied` tells what its console said.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mapleproof.impl.kernel.booted import wire
from mapleproof.impl.kernel.booted.build import BootedBuild
from mapleproof.impl.kernel.booted.log import KernelAlarm, alarms, hang, last_words
from mapleproof.impl.kernel.booted.needs import QEMU
from mapleproof.impl.kernel.booted.programs import initramfs
from mapleproof.impl.kernel.errors import KernelBuildError

_COMMON = ("panic=-1", "oops=panic", "slub_debug=F", "slab_nomerge", "kasan_multi_shot")
_ON_CONSOLE = {"um": ("loglevel=5",), "x86": ("loglevel=4", "panic_print=0x20")}
"""What gets onto a console, so that a panic's cause is there: of User Mode Linux all warnings, which cost
little; x86 prints its whole log once more when it panics."""

_FAULT = re.compile(r"Kernel mode fault at addr 0x[0-9a-f]+, ip 0x([0-9a-f]+)")
_PR_SET_PDEATHSIG = 1
_TOLD = 1 << 19
"""Bytes of a console that are read once its guest is dead: with all of its log, which it prints once more."""

START = 60.0
"""Seconds that a guest gets for its first word."""

PATIENCE = 60.0
"""Seconds that a guest gets for an answer, before it counts as hanging."""


class GuestDied(Exception):
    """The guest is gone: `alarm` is what its kernel said last, `console` the end of what it printed."""

    def __init__(self, alarm: KernelAlarm, console: str) -> None:
        super().__init__(str(alarm))
        self.alarm = alarm
        self.console = console


def _die_with_parent() -> None:
    """What a guest's process does first: be killed once this process is gone, whatever ends it (prctl(2))."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Guest:
    """A guest that is up. `append` goes to the kernel's command line. Raises KernelBuildError where it does
    not come up: such a tree cannot be judged."""

    def __init__(
        self, build: BootedBuild, append: Sequence[str] = (), processors: int = 1, patience: float = PATIENCE
    ) -> None:
        self.build = build
        self.patience = patience
        self._folder = Path(tempfile.mkdtemp(prefix="mapleproof-guest-"))
        self._console = (self._folder / "console").open("wb")
        self._channel, theirs = socket.socketpair()
        command = self._command(theirs.fileno(), append, processors)
        began = time.monotonic()
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=self._console,
            stderr=self._console,
            pass_fds=[theirs.fileno()],
            cwd=self._folder,
            env={"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self._folder)},
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )
        theirs.close()
        try:
            self._channel.settimeout(START)
            while self._receive(1) != b"M":
                pass
        except GuestDied as died:
            self.close()
            last = died.console.strip().splitlines()[-1:] or ["nothing was printed"]
            told = died.alarm if died.alarm.kind != "gone" else last[0]
            raise KernelBuildError(
                f"{build.source}: was built for {build.variant}, and does not boot: {told}"
            ) from None
        self.seconds = time.monotonic() - began
        self._channel.settimeout(patience)

    def _command(self, channel: int, append: Sequence[str], processors: int) -> list[str]:
        variant, image = self.build.variant, self.build.image
        options = [
            *_COMMON,
            *_ON_CONSOLE[variant.arch],
            *(["guest.kasan"] if variant.sanitize else []),
            *append,
        ]
        memory = 512 if variant.sanitize else 256
        if variant.arch == "um":
            consoles = ["con=null", "con0=null,fd:1", f"con1=fd:{channel},fd:{channel}", "guest.channel=4,1"]
            places = [f"initrd={initramfs()}", f"uml_dir={self._folder}/", "umid=guest"]
            return [str(image("linux")), f"mem={memory}M", *places, *consoles, *options]
        five = variant.levels == 5
        words = ["console=ttyS0", "reboot=t", "guest.channel=4,65", *options]
        command = [QEMU, "-accel", "tcg", "-cpu", f"max,la57={'on' if five else 'off'}", "-M", "pc"]
        command += [
            "-m",
            str(memory),
            "-smp",
            str(processors),
            "-nodefaults",
            "-no-user-config",
            "-display",
            "none",
        ]
        command += ["-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"]
        command += [
            "-serial",
            "stdio",
            "-chardev",
            f"socket,id=channel,fd={channel}",
            "-serial",
            "chardev:channel",
        ]
        command += ["-no-reboot", "-kernel", str(image("bzImage" if five else "vmlinux"))]
        return [*command, "-initrd", str(initramfs()), "-append", " ".join(words)]

    def ask(self, kind: int, payload: bytes = b"") -> tuple[int, bytes]:
        """One request: what it returned, and what came with it. Raises GuestDied."""
        try:
            self._channel.sendall(wire.REQUEST.pack(len(payload), kind) + payload)
        except OSError:
            raise self._died() from None
        length, ret = wire.ANSWER.unpack(self._receive(wire.ANSWER.size))
        if length > wire.LONGEST:
            raise self._died()
        return ret, self._receive(length)

    def _receive(self, length: int) -> bytes:
        parts: list[bytes] = []
        while length:
            try:
                part = self._channel.recv(min(length, 1 << 16))
            except TimeoutError:
                raise self._died(hangs=True) from None
            except OSError:
                part = b""
            if not part:
                raise self._died()
            parts.append(part)
            length -= len(part)
        return b"".join(parts)

    def _died(self, hangs: bool = False) -> GuestDied:
        if hangs:
            self._kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        console = self.console()
        found = [self._placed(alarm, console) for alarm in alarms(last_words(console))]
        gone = hang(console) if hangs else KernelAlarm("gone", "", f"status {self._process.poll()}")
        return GuestDied(found[0] if found else gone, console)

    def _placed(self, alarm: KernelAlarm, console: str) -> KernelAlarm:
        """User Mode Linux tells an address only of where it was."""
        if alarm.place or not (found := _FAULT.search(console)):
            return alarm
        return replace(alarm, place=self.build.symbol_at(int(found[1], 16)), what="a fault in kernel mode")

    def console(self) -> str:
        """The end of what was printed on the guest's console."""
        data = (self._folder / "console").read_bytes() if self._folder.exists() else b""
        return data[-_TOLD:].decode(errors="replace").replace("\r", "")

    def read(self, path: str) -> str:
        """A file of the guest; empty where it cannot be read."""
        return self.ask(wire.READ, path.encode() + b"\0")[1].decode(errors="replace")

    def write(self, path: str, text: str) -> int:
        """Write to a file of the guest: 0 or a negative errno."""
        return self.ask(wire.WRITE, path.encode() + b"\0" + text.encode() + b"\0")[0]

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def close(self) -> None:
        """End it, and take away what it had on the host."""
        self._kill()
        self._process.wait()
        self._channel.close()
        self._console.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Guest:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
