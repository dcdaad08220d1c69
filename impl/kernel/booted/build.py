"""Build a guest kernel out of a kernel's sources.

Nothing is written into the tree (`make O=`). The objects of a build stay in the user's cache folder, so that
after an edit only what depends on it is compiled again; a finished kernel is kept beside them under a hash of
its content. Whether the tree has changed is told by the names, sizes and times of its files. Edits that are
to be planted are files in the folder of objects, which make prefers to those in the tree (VPATH).

Not covered: modules, other architectures, trees that were built in place (make refuses those).
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from mapleproof.impl.kernel.booted.config import Variant
from mapleproof.impl.kernel.booted.host import has_wide_registers, host_edits
from mapleproof.impl.kernel.booted.needs import check_needs
from mapleproof.impl.kernel.build import compiler, first_error
from mapleproof.impl.kernel.cache import cache
from mapleproof.impl.kernel.errors import KernelBuildError
from mapleproof.impl.kernel.probe import tree_version

Tell = Callable[[str], None]

_ALWAYS_THE_SAME = {
    "KBUILD_BUILD_TIMESTAMP": "@0",
    "KBUILD_BUILD_USER": "mapleproof",
    "KBUILD_BUILD_HOST": "mapleproof",
    "KBUILD_BUILD_VERSION": "1",
}
_KEPT_SYMBOLS = "-fno-inline-functions-called-once"
"""For the files that may hold dup_mmap: it is static and called once, and its range of addresses is
needed."""

_LOOKED_AT = (
    "arch",
    "block",
    "certs",
    "crypto",
    "drivers",
    "fs",
    "include",
    "init",
    "io_uring",
    "ipc",
    "kernel",
    "lib",
    "mm",
    "net",
    "rust",
    "scripts",
    "security",
    "sound",
    "tools",
    "usr",
    "virt",
)
"""The folders of a tree whose files may go into a build."""


@dataclass(frozen=True)
class BootedBuild:
    """A finished kernel: the folder with its images, what it was made from, and how long that took, in
    seconds (0 where it was there)."""

    folder: Path
    version: str
    variant: Variant
    source: str
    seconds: float = 0.0

    def image(self, name: str) -> Path:
        """One of the variant's images."""
        return self.folder / name

    def symbol_range(self, function: str) -> tuple[int, int]:
        """From where to where a function's code reaches. Raises KernelBuildError where it has no symbol."""
        known = self._symbols()
        start = next((address for address, name in known if name == function), 0)
        end = next((address for address, _ in known if start and address > start), 0)
        if not end:
            raise KernelBuildError(f"{self.source}: {function} is no symbol of the kernel that was built")
        return start, end

    def symbol_at(self, address: int) -> str:
        """The function that an address of the kernel's code is in."""
        return next((name for start, name in reversed(self._symbols()) if start <= address), "")

    def _symbols(self) -> list[tuple[int, str]]:
        with (self.folder / "System.map").open() as lines:
            words = [line.split() for line in lines]
        return sorted((int(word[0], 16), word[2]) for word in words if len(word) == 3 and word[0][0] != "(")


def booted_folder() -> Path:
    """Where all of booted kernels is kept."""
    return cache() / "booted"


def check_whole_tree(tree: Path, arch: str) -> None:
    """KernelBuildError unless a kernel of this architecture can be built out of the tree."""
    if not tree.is_dir():
        raise KernelBuildError(f"{tree}: no such folder")
    for name in ("Makefile", "Kconfig", "lib/maple_tree.c", "kernel/fork.c", f"arch/{arch}/Makefile"):
        if not (tree / name).is_file():
            raise KernelBuildError(f"{tree}: not a whole kernel source tree: {name} is missing")
    if (tree / ".config").exists() or (tree / "include/config").exists():
        raise KernelBuildError(
            f"{tree}: was built in place: run make mrproper there, or make a worktree of it"
        )


def build(
    path: str | os.PathLike[str],
    variant: Variant,
    *,
    edits: Mapping[str, str] | None = None,
    tell: Tell = lambda _: None,
) -> BootedBuild:
    """The kernel of this tree. `edits` are the contents of files of the tree that were changed, by their path
    in it, under the name `variant.planted`. Raises KernelBuildError."""
    tree = Path(path).expanduser().resolve()
    check_whole_tree(tree, variant.arch)
    check_needs(variant.arch)
    began = time.monotonic()
    config = variant.fragment()
    edits = host_edits(tree, variant.arch, has_wide_registers()) | dict(edits or {})
    objects = objects_of(tree, variant)
    objects.mkdir(parents=True, exist_ok=True)
    with locked(objects):
        state = _state(tree, edits)
        done = objects / "built.json"
        if done.is_file():
            known = json.loads(done.read_text())
            folder = booted_folder() / "images" / known["image"]
            if known["state"] == state and (folder / "build.json").is_file():
                return load(folder, variant)
        done.unlink(missing_ok=True)
        _place(edits, objects)
        _make(tree, objects, variant, config, tell)
        image = _keep(objects, tree, variant)
        done.write_text(json.dumps({"state": state, "image": image.name}))
    made = load(image, variant)
    return BootedBuild(made.folder, made.version, variant, made.source, time.monotonic() - began)


def load(folder: Path, variant: Variant) -> BootedBuild:
    """A kernel that is in the cache."""
    about = json.loads((folder / "build.json").read_text())
    return BootedBuild(folder, about["version"], variant, about["source"])


def list_booted() -> Iterator[BootedBuild]:
    """Every kernel in the cache."""
    for path in sorted((booted_folder() / "images").glob("*/build.json")):
        about = json.loads(path.read_text())
        yield load(path.parent, Variant(**about["variant"]))


def built_before(path: str | os.PathLike[str], variant: Variant) -> bool:
    """Whether the tree was built in this variant once, so that a build takes seconds."""
    return (objects_of(path, variant) / "built.json").is_file()


def objects_of(path: str | os.PathLike[str], variant: Variant) -> Path:
    """The folder of the objects that a tree is built into."""
    tree = Path(path).expanduser().resolve()
    return booted_folder() / "objects" / _folder_name(tree, variant, variant.fragment())


def _folder_name(tree: Path, variant: Variant, config: str) -> str:
    version = subprocess.run([compiler(), "--version"], capture_output=True, check=False).stdout
    digest = hashlib.sha256(f"{tree}\0{config}\0{variant.planted}\0".encode() + version).hexdigest()
    return f"{tree.name}-{variant.arch}-{digest[:12]}"


def _state(tree: Path, edits: Mapping[str, str]) -> str:
    """A hash that is another one once a file of the tree, or an edit, is."""
    digest = hashlib.sha256(json.dumps(edits, sort_keys=True).encode())
    folders = [str(tree / name) for name in _LOOKED_AT if (tree / name).is_dir()]
    for name in ("Makefile", "Kconfig", "Kbuild"):
        if (tree / name).is_file():
            digest.update((tree / name).read_bytes())
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                else:
                    about = entry.stat(follow_symlinks=False)
                    digest.update(f"{entry.path}\0{about.st_size}\0{about.st_mtime_ns}\n".encode())
    return digest.hexdigest()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Only one process at a time makes something in a folder."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _place(edits: Mapping[str, str], objects: Path) -> None:
    """Put the edits there, and take away those of before. A file that is as it was keeps its time."""
    listed = objects / "edits.json"
    before = json.loads(listed.read_text()) if listed.is_file() else []
    for name in set(before) - set(edits):
        (objects / name).unlink(missing_ok=True)
    for name, content in edits.items():
        place = objects / name
        if not place.is_file() or place.read_text() != content:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(content)
    listed.write_text(json.dumps(sorted(edits)))


def _make(tree: Path, objects: Path, variant: Variant, config: str, tell: Tell) -> None:
    cc = f"ccache {compiler()}" if shutil.which("ccache") else compiler()
    settings = [f"{key}={value}" for key, value in _ALWAYS_THE_SAME.items()]
    settings += [f"CFLAGS_{stem}.o={_KEPT_SYMBOLS}" for stem in ("fork", "mmap")]
    make = ["make", "-s", "-C", str(tree), f"ARCH={variant.arch}", f"O={objects}", f"CC={cc}", *settings]
    fragment = objects / "fragment.config"
    log = objects / "make.log"
    log.write_bytes(b"")
    if not fragment.is_file() or fragment.read_text() != config or not (objects / ".config").is_file():
        fragment.write_text(config)
        tell(f"configuring {tree} for {variant}")
        _run([*make, f"KCONFIG_ALLCONFIG={fragment}", "allnoconfig"], tree, log)
    tell(f"building {tree} for {variant}")
    _run([*make, f"-j{os.cpu_count() or 1}", *variant.goals], tree, log)


def _run(command: list[str], tree: Path, log: Path) -> None:
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("KBUILD", "KCONFIG"))
    }
    environment.pop("MAKEFLAGS", None)
    with log.open("ab") as said:
        done = subprocess.run(
            command, stdout=said, stderr=said, stdin=subprocess.DEVNULL, env=environment, check=False
        )
    if done.returncode:
        first = first_error(log.read_text(errors="replace"))
        raise KernelBuildError(f"{tree}: does not build: {first} (log: {log})", log)


def _keep(objects: Path, tree: Path, variant: Variant) -> Path:
    """Copy the images to where they stay, under a hash of them."""
    digest = hashlib.sha256(json.dumps(asdict(variant)).encode())
    for name in variant.images.values():
        digest.update((objects / name).read_bytes())
    final = booted_folder() / "images" / digest.hexdigest()[:20]
    if (final / "build.json").is_file():
        return final
    work = final.with_name(f"new-{os.getpid()}")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    for name, made in variant.images.items():
        shutil.copy2(objects / made, work / name)
    about = {"version": tree_version(tree), "source": str(tree), "variant": asdict(variant)}
    (work / "build.json").write_text(json.dumps(about, indent=1))
    try:
        work.rename(final)
    except OSError:  # another process was faster
        shutil.rmtree(work, ignore_errors=True)
    return final
