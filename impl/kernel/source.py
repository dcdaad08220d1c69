"""Find a kernel source tree on this machine.

What it is: the tree named by the environment variable MAPLEPROOF_KERNEL (a folder, or a tarball of
one), else the newest of Debian's linux-source packages. Of a tarball only what a build and the kernel's
own userspace suite need is unpacked, into the user's cache folder, once.

Not covered: fetching a kernel from anywhere.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tarfile
import tempfile
from pathlib import Path

from impl.kernel.build import cache_folder, check_tree
from impl.kernel.errors import KernelBuildError

VARIABLE = "MAPLEPROOF_KERNEL"
PACKAGES = Path("/usr/src")

_WANTED = re.compile(
    r"Makefile|"
    r"lib/(maple_tree|xarray|radix-tree|idr|test_maple_tree|test_xarray|test_ida|find_bit|bitmap|hweight|slab)\.[ch]|"
    r"include/linux/[^/]*\.h|include/asm-generic/[^/]*\.h|"
    r"tools/(include|arch/[^/]*/include|lib|testing/shared|testing/radix-tree)/.*\.(c|h|mk)|"
    r"tools/testing/radix-tree/Makefile|tools/scripts/.*"
)
"""Which paths below the top folder of a tarball are unpacked."""


def find() -> Path:
    """A kernel tree to build. KernelBuildError, with what to do, where there is none."""
    named = os.environ.get(VARIABLE)
    if named:
        return resolve(named)
    for candidate in sorted(PACKAGES.glob("linux-source-*"), key=_version, reverse=True):
        if candidate.name.endswith((".tar.xz", ".tar.gz", ".tar.bz2")):
            return unpack(candidate)
        if (candidate / "lib/maple_tree.c").is_file():
            return candidate
    raise KernelBuildError(
        f"no kernel source: set {VARIABLE} to a source tree, or install Debian's linux-source-6.12"
    )


def resolve(named: str | os.PathLike[str]) -> Path:
    """A tree that a person named: a folder as it is, a tarball unpacked."""
    path = Path(named).expanduser()
    if path.is_file():
        return unpack(path)
    check_tree(path)
    return path


def _version(path: Path) -> tuple[list[int], bool]:
    """To sort by: the numbers in a name, and a folder before the tarball that it came from."""
    return [int(number) for number in re.findall(r"\d+", path.name)], path.is_dir()


def unpack(tarball: Path) -> Path:
    """What is needed of a kernel tarball, unpacked into the cache."""
    about = tarball.stat()
    key = hashlib.sha256(
        f"{tarball.name} {about.st_size} {about.st_mtime_ns} {_WANTED.pattern}".encode()
    ).hexdigest()
    final = cache_folder().parent / "source" / f"{tarball.name.split('.tar')[0]}-{key[:12]}"
    if final.is_dir():
        return final
    final.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=final.parent, prefix="new-"))
    try:
        _extract(tarball, work)
        check_tree(work)
        os.chmod(work, 0o755)
        os.rename(work, final)
    except (OSError, tarfile.TarError, EOFError) as error:
        if not final.is_dir():
            raise KernelBuildError(f"{tarball}: cannot be unpacked: {error}") from None
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return final


def _extract(tarball: Path, folder: Path) -> None:
    """Regular files that are wanted, without the tarball's top folder. Nothing leaves ``folder``."""
    with tarfile.open(tarball, "r|*") as archive:
        for member in archive:
            path = member.name.partition("/")[2]
            if not member.isfile() or ".." in path.split("/") or not _WANTED.fullmatch(path):
                continue
            stream = archive.extractfile(member)
            if stream is None:
                continue
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            with stream, target.open("wb") as file:
                shutil.copyfileobj(stream, file)
