"""The kernel's own userspace suite for maple trees, beside ours: does it find a seeded mistake, and when?

What it is: ``make maple`` in tools/testing/radix-tree and a run of it, in a copy of what a build needs of the
kernel tree; nothing is written into the tree itself. The suite tells a failure by a line (``BUG at``, a
sanitizer's report) or by how it ends; the first of these ends the run.

It wants liburcu's headers (Debian's liburcu-dev), GNU make and a compiler with sanitizers.
Not covered: kernels whose suite lies elsewhere or has another name.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from mapleproof.impl.kernel.build import first_error
from mapleproof.impl.kernel.cache import cache_folder
from mapleproof.impl.kernel.errors import KernelBuildError
from mapleproof.impl.kernel.seed import KernelSeed
from mapleproof.impl.kernel.seeds import plant

FOLDER = "tools/testing/radix-tree"
NEEDED = (
    "lib",
    "include/linux",
    "tools/include",
    "tools/arch",
    "tools/lib",
    "tools/testing",
    "tools/scripts",
)
"""Folders that go into the copy: sources and headers of them."""

_WRONG = re.compile(rb"BUG at|runtime error:|AddressSanitizer|Assertion|WARNING: at|DEADLYSIGNAL")


@dataclass(frozen=True)
class SuiteRun:
    """One run of the kernel's suite: whether it failed, after how many seconds, and what it said first."""

    failed: bool
    seconds: float
    said: str
    ended: bool = True
    """Whether it came to an end by itself, or failed; false where time ran out."""

    def __str__(self) -> str:
        return f"{self.seconds:.1f} s" if self.failed else "missed" if self.ended else self.said


class KernelSuite:
    """A copy of the kernel's suite, built anew for each mistake. Use as a context manager."""

    def __init__(self, tree: Path) -> None:
        if not (tree / FOLDER / "maple.c").is_file():
            raise KernelBuildError(f"{tree}: has no {FOLDER}/maple.c, the kernel's own suite")
        self.tree = tree
        cache_folder().mkdir(parents=True, exist_ok=True)
        self.folder = Path(tempfile.mkdtemp(dir=cache_folder(), prefix="suite-"))
        for name in NEEDED:
            if (tree / name).is_dir():
                shutil.copytree(tree / name, self.folder / name, symlinks=True, ignore=_no_source)

    def __enter__(self) -> KernelSuite:
        return self

    def __exit__(self, *exception: object) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def build(self, seed: KernelSeed | None) -> None:
        """Build the suite, with a mistake in the tree. KernelBuildError where it does not compile."""
        source = (self.tree / "lib/maple_tree.c").read_text()
        (self.folder / "lib/maple_tree.c").write_text(plant(source, seed) if seed else source)
        done = subprocess.run(
            ["make", "maple"], cwd=self.folder / FOLDER, capture_output=True, text=True, check=False
        )
        if done.returncode:
            hint = " (install liburcu-dev)" if "urcu" in done.stderr else ""
            raise KernelBuildError(
                f"{self.tree}: its suite does not compile: {first_error(done.stderr)}{hint}"
            )

    def run(self, most_seconds: float) -> SuiteRun:
        """Run what was built until it fails, ends, or time is up."""
        began = time.monotonic()
        process = subprocess.Popen(
            ["stdbuf", "-oL", "./maple"],
            cwd=self.folder / FOLDER,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=dict(os.environ, ASAN_OPTIONS="verify_asan_link_order=0"),  # stdbuf preloads a library
        )
        late = threading.Event()

        def stop() -> None:
            late.set()
            os.killpg(process.pid, signal.SIGKILL)

        timer = threading.Timer(most_seconds, stop)
        timer.start()
        assert process.stdout is not None
        wrong = next((line for line in process.stdout if _WRONG.search(line)), b"")
        seconds = time.monotonic() - began
        timer.cancel()
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        code = process.wait()
        process.stdout.close()
        if wrong:
            return SuiteRun(True, seconds, wrong.decode(errors="replace").strip())
        if late.is_set():
            return SuiteRun(False, seconds, f"no end within {most_seconds:g} seconds", ended=False)
        return SuiteRun(code != 0, seconds, f"exit status {code}" if code else "all its tests passed")


def _no_source(folder: str, names: list[str]) -> list[str]:
    """What is not copied: object files, and whatever else is no source."""
    wanted = (".c", ".h", ".mk", "Makefile", ".sh")
    return [name for name in names if not name.endswith(wanted) and not (Path(folder) / name).is_dir()]
