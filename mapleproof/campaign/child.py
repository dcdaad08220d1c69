"""A process that carries out lots, one after the other, and whoever runs it (Child).

Whatever a lot does to it (a crash of the interpreter, a loop without end, all memory eaten), the worker that
runs it lives on, and what was found before is known: findings come as they are met. The process ends with the
one that started it.

The two speak pickles over a pipe of their own; both are this program on one machine.
"""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import ExitStack, suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any

from mapleproof.campaign.lots import Finding, Lot, Report, Shrinking
from mapleproof.impl.compiled import PURE

MOST_MEMORY = 1 << 30
"""Bytes that a process may hold after a lot; with more it is replaced by a new one."""

START_PATIENCE = 120.0
"""Seconds that a process may take until it is ready."""

WORDS = 2000
"""Characters of its last words that are kept of a process that died."""


class Died(Exception):
    """The process is gone: ``str()`` says how, ``unit`` which one it had begun (-1: none), ``findings`` what
    it had told, ``words`` the end of what it printed."""

    def __init__(self, how: str, unit: int, findings: list[Finding], words: str = "") -> None:
        super().__init__(how, unit, findings, words)
        self.how = how
        self.unit = unit
        self.findings = findings
        self.words = words

    def __str__(self) -> str:
        return self.how


class Child:
    """A process that carries out lots. ``seeded`` is the known mistake that is planted in it. ``source``: it
    runs the sources, where they are compiled too; a mistake can be planted nowhere else."""

    def __init__(self, seeded: str | None = None, source: bool = False) -> None:
        self.seeded = seeded
        self.source = source
        self._ready = False
        self._errors: Any = tempfile.TemporaryFile()  # noqa: SIM115 (it lives as long as the process)
        self._pipe, theirs = Pipe()
        command = [
            sys.executable,
            "-m",
            "mapleproof.campaign.child",
            str(theirs.fileno()),
            *([seeded] if seeded else []),
        ]
        environment = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
        if seeded or source:
            environment[PURE] = "1"
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=self._errors,
            stderr=self._errors,
            pass_fds=(theirs.fileno(),),
            env=environment,
        )
        theirs.close()

    def ask(self, work: Lot | Shrinking) -> tuple[Any, list[Finding]]:
        """Have a lot carried out, or a failure made small: what came of it, and what was found on the way.
        Raises Died where the process ends, or takes longer for a unit than it may."""
        unit = -1
        findings: list[Finding] = []
        try:
            self._pipe.send(work)
            while True:
                patience = work.patience if self._ready else max(work.patience, START_PATIENCE)
                if not self._pipe.poll(patience):
                    self.close()
                    raise Died(f"no answer within {patience:g} seconds", unit, findings)
                kind, what = self._pipe.recv()
                self._ready = True
                if kind == "ready":
                    pass
                elif kind == "begin":
                    unit = what
                elif kind == "finding":
                    findings.append(what)
                else:
                    return what, findings
        except (EOFError, OSError):
            raise self._died(unit, findings) from None

    def _died(self, unit: int, findings: list[Finding]) -> Died:
        code = self.process.wait()
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        words = ""
        if not self._errors.closed:
            self._errors.seek(0)
            words = self._errors.read().decode(errors="replace")[-WORDS:]
        self.close()
        return Died(how, unit, findings, words)

    def ended(self) -> bool:
        """Whether the process is gone."""
        return self.process.poll() is not None

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self.process.kill()
        self.process.wait()
        self._errors.close()


def main(descriptor: int, seeded: str | None = None) -> None:
    """What the process does: lots, until nobody is there to ask for one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started it decides when it ends
    pipe = Connection(descriptor)
    asked: queue.SimpleQueue[Lot | Shrinking] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(pipe, asked), daemon=True).start()

    from mapleproof.campaign.work import carry_out, make_small
    from mapleproof.cli.known_seeds import known_seed
    from mapleproof.props.common.planting import planted

    def tell(kind: str, what: Any) -> None:
        try:
            pipe.send((kind, what))
        except OSError:
            os._exit(1)

    with ExitStack() as stack:
        if seeded is not None:
            stack.enter_context(planted(known_seed(seeded)))
        tell("ready", None)
        while True:
            work = asked.get()
            if isinstance(work, Shrinking):
                tell("done", make_small(work))
            else:
                tell(
                    "done",
                    carry_out(
                        work,
                        tell=lambda finding: tell("finding", finding),
                        begin=lambda unit: tell("begin", unit),
                    ),
                )


def _listen(pipe: Connection, asked: queue.SimpleQueue[Lot | Shrinking]) -> None:
    """In a thread of its own, so that the process ends with its starter, whatever it is doing."""
    with suppress(EOFError, OSError):
        while True:
            asked.put(pipe.recv())
    os._exit(0)


def heavy(report: Report) -> bool:
    """Whether the process that carried out a lot had better be replaced."""
    return report.memory > MOST_MEMORY


if __name__ == "__main__":
    import faulthandler

    faulthandler.enable()
    main(int(sys.argv[1]), *sys.argv[2:3])
