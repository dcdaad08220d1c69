"""The port that puts a kernel's own maple tree in the seat of an implementation.

What it is: a client of the server process that ``build.py`` makes. Steps go over a pipe, one or many at
a time; answers come back as the ``expect`` dict of a case file, with plain integers. The process may
die at any step: the answer is then ``{"crash": "SIGSEGV in mas_store_gfp"}``, ``crash`` tells more, and
the next step meets a new process with empty trees.

RCU callbacks run after each step, unless a reader is inside (``rcu_read_lock``) or the port was made
with ``rcu_by_hand``; then ``rcu_barrier`` runs them.

It stands for lib/maple_tree.c as shipped. Not covered: readers that run beside a writer, contended
locks.
"""

from __future__ import annotations

import contextlib
import os
import struct
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from mapleproof.impl.kernel import wire
from mapleproof.impl.kernel.build import Build, Variant, build
from mapleproof.impl.kernel.crash import Crash
from mapleproof.impl.kernel.wire import Answer, Node, Step

_HEAD = struct.Struct("<II")
_COUNT = struct.Struct("<I")
_TICKS_PER_SECOND = 10


class BrokenInvariant(AssertionError):
    """The C tree's nodes break a sentence that must hold. The message names it and the node."""


class KernelTree:
    """A kernel's maple trees: ``apply``, ``check``, ``snapshot``, ``live_allocations``, ``close``. Their
    process begins with the first step.

    ``nowait_fails`` refuses every request for memory that may not sleep: writes then take their retry path.
    ``warnings_pass`` lets a failed WARN_ON pass, as the kernel does, instead of ending the process. A step
    that takes ``hang_seconds`` of processor time is taken to hang, however busy the machine is.
    """

    def __init__(
        self,
        source: str | os.PathLike[str] | Build,
        *,
        alloc_range: bool = False,
        rcu: bool = False,
        sanitize: str = "",
        debug: bool = False,
        seed: str = "",
        bits: int = 64,
        nowait_fails: bool = False,
        rcu_by_hand: bool = False,
        warnings_pass: bool = False,
        hang_seconds: float = 2.0,
    ) -> None:
        if not isinstance(source, Build):
            source = build(source, Variant(sanitize, debug, seed, bits))
        self.build = source
        self.crash: Crash | None = None
        """What the last crash was, None before the first."""
        self._hang_ticks = max(1, round(hang_seconds * _TICKS_PER_SECOND))
        self._mode = rcu_by_hand | nowait_fails << 1 | warnings_pass << 2
        self._flags = alloc_range | rcu << 1
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: Any = None

    @property
    def flags(self) -> dict[str, bool]:
        """The flags that tree 0 was made with."""
        return {"alloc_range": bool(self._flags & 1), "rcu": bool(self._flags & 2)}

    def reset(self, *, alloc_range: bool, rcu: bool) -> Answer:
        """Destroy all and begin anew. ``leaked`` in the answer counts the nodes that nothing held."""
        self._flags = alloc_range | rcu << 1
        return self.apply({"op": "reset", "flags": self._flags, "mode": self._mode})

    def apply(self, op: Step) -> Answer:
        """Carry out one step of a case (without its ``expect``), and say what the C tree answers."""
        return self.apply_many((op,))[0]

    def apply_many(self, ops: Sequence[Step]) -> list[Answer]:
        """Many steps in one round trip. Where one crashes, its answer is the last; the rest was not done."""
        data, text = self.exchange(len(ops), wire.encode_many(ops))
        answers = wire.decode_many(ops, data)
        if len(answers) < len(ops):
            answers.append(self.crashed(ops[len(answers)]["op"], text))
        return answers

    def exchange(self, count: int, steps: bytes) -> tuple[bytes, str]:
        """Encoded steps for encoded answers (see wire.py), and the text of a crash, empty if all is well."""
        process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(_COUNT.pack(count) + steps)
            process.stdin.flush()
        except BrokenPipeError:
            return b"", "exit\n"
        head = process.stdout.read(_HEAD.size)
        if len(head) < _HEAD.size:
            return b"", "exit\n"
        length, text_length = _HEAD.unpack(head)
        data = process.stdout.read(length)
        return data, process.stdout.read(text_length).decode(errors="replace") if text_length else ""

    def check(self, tree: int = 0) -> None:
        """Raise BrokenInvariant, with the sentence and the node, unless every node is sound."""
        answer = self.apply({"op": "check", "tree": tree})
        broken = answer.get("broken") or answer.get("crash")
        if broken:
            raise BrokenInvariant(f"{broken}: {self.crash}" if "crash" in answer else broken)

    def snapshot(self, tree: int = 0) -> list[tuple[int, int, int]]:
        """All that a tree holds: (first, last, entry) in order."""
        entries = self._value({"op": "snapshot", "tree": tree}, "entries")
        return [(first, last, entry) for first, last, entry in entries]

    def shape(self, tree: int = 0) -> list[Node]:
        """The nodes of a tree, depth first: (depth, is it a leaf, min, max, slots); see ``wire.Node``."""
        shape: list[Node] = self._value({"op": "shape", "tree": tree}, "shape")
        return shape

    def borders(self, tree: int = 0) -> list[int]:
        """The last indices of the nodes, the higher a node the more often."""
        borders: list[int] = self._value({"op": "borders", "tree": tree}, "borders")
        return borders

    def live_allocations(self) -> int:
        """Nodes that are allocated and not freed: in trees, in cursors, or leaked."""
        return int(self._value({"op": "live_allocations"}, "live"))

    def events(self) -> Counter[str]:
        """What happened since the last `reset`, and how often: tracepoints passed, by the kernel's function
        that they are in, and what the allocator and `check` know. A process that crashed takes what it
        counted with it, and the next one begins at nothing.
        """
        if self._process is None:
            return Counter()
        answer = self.apply({"op": "events"})
        return Counter(answer.get("events", {}))

    def capabilities(self) -> tuple[str, ...]:
        """What this kernel tree has, of all that a kernel tree may lack."""
        return self.build.capabilities

    def close(self) -> int:
        """Destroy all and end the process. The nodes that were still allocated then have leaked."""
        leaked = 0
        if self._process is not None:
            leaked = self.reset(alloc_range=False, rcu=False).get("leaked", 0)
        self._stop()
        return leaked

    def __enter__(self) -> KernelTree:
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop()

    def __del__(self) -> None:
        if getattr(self, "_process", None) is not None:
            self._stop()

    def _value(self, op: Step, key: str) -> Any:
        answer = self.apply(op)
        if key not in answer:
            raise BrokenInvariant(f"{answer['crash']}: {self.crash}")
        return answer[key]

    def _start(self) -> subprocess.Popen[bytes]:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (it lives as long as the process)
        command: Iterable[str] = (str(self.build.server), str(self._hang_ticks))
        environment = dict(os.environ, ASAN_OPTIONS="detect_leaks=0:abort_on_error=0:symbolize=0")
        environment["UBSAN_OPTIONS"] = "print_stacktrace=0"
        self._process = subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=environment,
        )
        self.exchange(1, wire.encode({"op": "reset", "flags": self._flags, "mode": self._mode}))
        return self._process

    def crashed(self, op: str, text: str) -> Answer:
        """Bury the process that crashed in this op. For users of ``exchange``."""
        process = self._process
        assert process is not None
        self._close_pipes(process)
        code = process.wait()
        self._errors.seek(0)
        said = self._errors.read(1 << 20).decode(errors="replace")
        self._errors.close()
        self._process = None
        self.crash = Crash.read(op, text, said, code, self.build)
        return {"crash": self.crash.title}

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()  # a process that was forked since may hold its pipe open, so that it sees no end
        self._close_pipes(process)
        process.wait()
        self._errors.close()

    @staticmethod
    def _close_pipes(process: subprocess.Popen[bytes]) -> None:
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
