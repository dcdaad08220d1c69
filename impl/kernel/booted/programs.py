"""The two programs of a guest, its init and the agent, built once into the user's cache, and its
initramfs."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from mapleproof.impl.kernel import live
from mapleproof.impl.kernel.booted.initramfs import archive
from mapleproof.impl.kernel.build import compiler, first_error
from mapleproof.impl.kernel.cache import cache
from mapleproof.impl.kernel.errors import KernelBuildError

_SOURCES = Path(__file__).parent / "guest"
PLACE = 0x70_0000_0000
"""Where a guest's agent has its code: on User Mode Linux behind all that a space may use, so that what is
mapped there comes first."""

_FLAGS = ("-std=gnu11", "-O2", "-static", "-w", "-Wl,--build-id=none")


def initramfs() -> Path:
    """The archive that every guest begins with. Raises KernelBuildError."""
    sources = sorted(_SOURCES.glob("*.[ch]"))
    digest = hashlib.sha256(b"\0".join(source.read_bytes() for source in (*sources, live.AGENT)))
    digest.update(f"{PLACE:#x}".encode())
    final = cache() / "booted" / f"initramfs-{digest.hexdigest()[:16]}"
    if final.is_file():
        return final
    agent = live.agent(PLACE).read_bytes()
    final.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=final.parent, prefix="new-"))
    try:
        parts = [str(source) for source in sources if source.suffix == ".c"]
        command = [compiler(), *_FLAGS, *parts, "-o", str(work / "init")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise KernelBuildError(f"the guest's init does not compile: {first_error(done.stderr)}")
        (work / "initramfs").write_bytes(archive({"init": (work / "init").read_bytes(), "agent": agent}))
        os.rename(work / "initramfs", final)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return final
