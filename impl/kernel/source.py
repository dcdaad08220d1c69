"""Find kernel source trees on this machine.

What it is: the tree named by the environment variable MAPLEPROOF_KERNEL (a folder, or a tarball of one), else
the newest of Debian's linux-source packages that is installed, else the newest that `kernel fetch` has got.
Of a tarball only what a build and the kernel's own userspace suite need is unpacked, into the user's cache
folder, once.
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
from mapleproof.impl.kernel.probe import check_tree, tree_version

VARIABLE = "MAPLEPROOF_KERNEL"
PACKAGES = Path("/usr/src")

_VERSION = re.compile(r"\d+\.\d+(\.\d+)?(-rc\d+)?")

_WANTED = re.compile(
    r"Makefile|"
    r"lib/(maple_tree|xarray|radix-tree|idr|test_maple_tree|test_xarray|test_ida|find_bit|bitmap|hweight|slab)\.[ch]|"
    r"include/linux/[^/]*\.h|include/asm-generic/[^/]*\.h|"
    r"tools/(include|arch/[^/]*/include|lib|testing/shared|testing/radix-tree)/.*\.(c|h|mk)|"
    r"tools/testing/radix-tree/Makefile|tools/testing/selftests/kselftest\.h|tools/scripts/.*"
)
"""Which paths below the top folder of a tarball are unpacked."""


def fetched_folder() -> Path:
    """Where `kernel fetch` keeps tarballs, as ``linux-source-VERSION.tar.*``."""
    return cache() / "fetched"


def find() -> Path:
    """A kernel tree to build. KernelBuildError, with what to do, where there is none."""
    named = os.environ.get(VARIABLE)
    if named:
        return resolve(named)
    for candidate in (*_kept(PACKAGES), *_kept(fetched_folder())):
        return candidate if candidate.is_dir() else unpack(candidate)
    raise KernelBuildError(
        f"no kernel source: set {VARIABLE} to a source tree, or get one by `mapleproof kernel fetch`"
    )


def at_hand() -> dict[str, Path]:
    """Every tree on this machine, by its version, the oldest first: those that `find` looks among, each
    version once. Tarballs are unpacked."""
    named = os.environ.get(VARIABLE)
    trees = [resolve(named)] if named else []
    trees += [
        path if path.is_dir() else unpack(path) for path in (*_kept(PACKAGES), *_kept(fetched_folder()))
    ]
    found: dict[str, Path] = {}
    for tree in trees:
        found.setdefault(tree_version(tree), tree)
    return dict(sorted(found.items(), key=lambda item: numbers_of(item[0])))


def resolve(named: str | os.PathLike[str]) -> Path:
    """A tree that a person named: a folder as it is, a tarball unpacked, or the version of one that is at
    hand (of which 6.12 stands for the newest)."""
    path = Path(named).expanduser()
    if path.is_file():
        return unpack(path)
    if _VERSION.fullmatch(str(named)) and not path.exists():
        return _of_version(str(named))
    check_tree(path)
    return path


def _of_version(wanted: str) -> Path:
    trees = at_hand()
    for version in reversed(trees):
        if version == wanted or version.startswith((f"{wanted}.", f"{wanted}-")):
            return trees[version]
    there = f"at hand are {', '.join(trees)}" if trees else "there are none"
    raise KernelBuildError(
        f"no sources of Linux {wanted} at hand ({there}): try `mapleproof kernel fetch {wanted}`"
    )


def _kept(folder: Path) -> list[Path]:
    """The trees and tarballs in a folder, newest first."""
    found = [
        path
        for path in folder.glob("linux-source-*")
        if path.name.endswith((".tar.xz", ".tar.gz", ".tar.bz2")) or (path / "lib/maple_tree.c").is_file()
    ]
    return sorted(found, key=lambda path: (numbers_of(path.name), path.is_dir()), reverse=True)


def numbers_of(name: str) -> list[int]:
    """The numbers in a name or version, to sort by."""
    return [int(number) for number in re.findall(r"\d+", name)]


def unpack(tarball: Path) -> Path:
    """What is needed of a kernel tarball, unpacked into the cache."""
    about = tarball.stat()
    key = hashlib.sha256(
        f"{tarball.name} {about.st_size} {about.st_mtime_ns} {_WANTED.pattern}".encode()
    ).hexdigest()
    final = cache() / "source" / f"{tarball.name.split('.tar')[0]}-{key[:12]}"
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
