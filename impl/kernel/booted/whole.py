"""Whole kernel source trees, as a guest is built of: a folder, a tarball, or the version of one that is at
hand.

Of a tarball all is unpacked that a small kernel can need, into the user's cache folder, once: not the
documentation, other architectures' code, and the code of drivers that no guest has.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tarfile
import tempfile
from pathlib import Path

from mapleproof.impl.kernel.cache import cache
from mapleproof.impl.kernel.errors import KernelBuildError
from mapleproof.impl.kernel.source import PACKAGES, VARIABLE, fetched_folder, numbers_of

_TARBALL = (".tar.xz", ".tar.gz", ".tar.bz2")
_VERSION = re.compile(r"\d+\.\d+(\.\d+)?(-rc\d+)?")
_LEFT_OUT = re.compile(
    r"Documentation/.*|LICENSES/.*|arch/(?!um/|x86/)[^/]+/.*|tools/(testing|perf)/.*|samples/.*|sound/.*|"
    r"drivers/(gpu|net|media|staging|infiniband|scsi|usb|iio|hwmon|crypto|platform|mfd|pinctrl|regulator|power|soc|"
    r"mmc|mtd|spi|i2c|input|leds|thermal|ata|accel|phy|interconnect|isdn|message|target)/.*"
)
_KEPT_ANYWHERE = re.compile(r".*/(Kconfig|Makefile|Kbuild)[^/]*")


def resolve(named: str | os.PathLike[str], unpacks: bool = True) -> Path:
    """A whole tree that a person named; without `unpacks`, one that is a folder already. Raises
    KernelBuildError."""
    path = Path(named).expanduser()
    if _VERSION.fullmatch(str(named)) and not path.exists():
        path = _of_version(str(named))
    if not path.is_file():
        return path
    if not unpacks and not unpacked_to(path).is_dir():
        raise KernelBuildError(f"{path} is not unpacked yet: mapleproof kernel boot {named}")
    return unpack(path)


def find(unpacks: bool = True) -> Path:
    """The tree that $MAPLEPROOF_KERNEL names, else Linux 6.12, of which most is known. Raises
    KernelBuildError."""
    return resolve(os.environ.get(VARIABLE) or "6.12", unpacks)


def _of_version(wanted: str) -> Path:
    found = [
        path
        for folder in (PACKAGES, fetched_folder())
        for path in folder.glob("linux-source-*")
        if path.name.endswith(_TARBALL)
        and numbers_of(path.name)[: len(numbers_of(wanted))] == numbers_of(wanted)
    ]
    if not found:
        raise KernelBuildError(f"no whole sources of Linux {wanted}: try `mapleproof kernel fetch {wanted}`")
    return max(found, key=lambda path: numbers_of(path.name))


def unpacked_to(tarball: Path) -> Path:
    """Where a tarball is unpacked to."""
    about = tarball.stat()
    key = f"{tarball.name} {about.st_size} {about.st_mtime_ns} {_LEFT_OUT.pattern}"
    name = tarball.name.split(".tar")[0]
    return cache() / "whole" / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:12]}"


def is_needed(path: str) -> bool:
    """Whether a small kernel can need this file of a tree."""
    return not _LEFT_OUT.fullmatch(path) or _KEPT_ANYWHERE.fullmatch(path) is not None


def unpack(tarball: Path) -> Path:
    """A whole tree out of a tarball. Raises KernelBuildError."""
    final = unpacked_to(tarball)
    if final.is_dir():
        return final
    final.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=final.parent, prefix="new-"))
    try:
        with tarfile.open(tarball, "r|*") as archive:
            for member in archive:
                _extract(archive, member, work)
        work.chmod(0o755)
        work.rename(final)
    except (OSError, tarfile.TarError, EOFError) as error:
        if not final.is_dir():
            raise KernelBuildError(f"{tarball}: cannot be unpacked: {error}") from None
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return final


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """One member, if it is wanted, without the tarball's top folder. Nothing leaves ``folder``."""
    path = member.name.partition("/")[2]
    if not path or not is_needed(path):
        return
    member.name = path
    if member.isfile() or member.issym():
        archive.extract(member, folder, filter="data")
