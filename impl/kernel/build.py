"""Build a kernel tree's own lib/maple_tree.c for userspace.

What it is: one executable (``server``), made of the tree's lib/maple_tree.c and
include/linux/maple_tree.h, unchanged, the tree's own headers under tools/, and the shim beside this
file. It goes to the user's cache folder, under a hash of all that went into it; nothing is written into
the tree, and none of the kernel's code is kept here.

A build is refused unless nodes are 256 bytes with fan-outs of 16 and 10: without CONFIG_64BIT, which
the tree's own userspace build does not set, the header takes the 32-bit layout.

Not covered: other architectures' layouts, the parts of the kernel around the maple tree.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

import platformdirs

from impl.kernel import wire
from impl.kernel.errors import KernelBuildError
from impl.kernel.seeds import plant, seed_named

SHIM = Path(__file__).parent / "shim"
HANG_FAILURES = 1000
"""So many failed requests for memory in a row, within one step, are a hang."""

_NEEDED = (
    "lib/maple_tree.c",
    "include/linux/maple_tree.h",
    "include/linux/xarray.h",
    "tools/include/linux/kernel.h",
)

_PROBES = {
    "mtree_dup": r"\bint mtree_dup\(",
    "mtree_alloc_cyclic": r"\bint mtree_alloc_cyclic\(",
    "mas_find_range": r"\bmas_find_range\(",
    "maple_status": r"\benum maple_status\b",
    "preallocate_entry": r"\bint mas_preallocate\(struct ma_state \*mas, void \*entry",
    "mas_init": r"\bvoid mas_init\(",
    "mt_set_in_rcu": r"\bmt_set_in_rcu\(",
}
"""What a tree may lack, and the declaration in its maple_tree.h that shows it is there."""


@dataclass(frozen=True)
class Variant:
    """How to build: sanitizers as ``-fsanitize=`` takes them, the kernel's debug checks, a seeded mistake."""

    sanitize: str = ""
    debug: bool = False
    seed: str = ""

    def __str__(self) -> str:
        parts = [self.sanitize, "debug" if self.debug else "", f"seed {self.seed}" if self.seed else ""]
        return ", ".join(filter(None, parts)) or "plain"


@dataclass(frozen=True)
class Build:
    """A finished build: where it is, what it was made from, what it can do."""

    folder: Path
    key: str
    version: str
    variant: Variant
    source: str
    capabilities: tuple[str, ...] = field(default=())

    @property
    def server(self) -> Path:
        return self.folder / "server"

    @property
    def ops(self) -> tuple[str, ...]:
        """The ops that this build can carry out."""
        return tuple(name for name, op in wire.OPS.items() if not op.needs or op.needs in self.capabilities)

    @property
    def lacks(self) -> tuple[str, ...]:
        """The ops that it cannot, because the tree has no such function."""
        return tuple(name for name in wire.OPS if name not in self.ops)


def cache_folder() -> Path:
    return Path(platformdirs.user_cache_dir("mapleproof")) / "kernel"


def tree_version(tree: Path) -> str:
    """The version that the tree's Makefile states, ``unknown`` where there is none."""
    try:
        text = (tree / "Makefile").read_text(errors="replace")
    except OSError:
        return "unknown"
    found = dict(re.findall(r"^(VERSION|PATCHLEVEL|SUBLEVEL|EXTRAVERSION) *= *(\S*)", text, re.MULTILINE))
    numbers = ".".join(found[key] for key in ("VERSION", "PATCHLEVEL", "SUBLEVEL") if found.get(key))
    return numbers + found.get("EXTRAVERSION", "") or "unknown"


def check_tree(tree: Path) -> None:
    """KernelBuildError unless this folder is a kernel tree with a maple tree in it."""
    if not tree.is_dir():
        raise KernelBuildError(f"{tree}: no such folder")
    missing = [name for name in _NEEDED if not (tree / name).is_file()]
    if missing:
        raise KernelBuildError(f"{tree}: not a kernel source tree with a maple tree: {missing[0]} is missing")


def probe(tree: Path) -> tuple[str, ...]:
    """The names of what this tree has, of all that a tree may lack."""
    header = (tree / "include/linux/maple_tree.h").read_text(errors="replace")
    return tuple(name for name, pattern in _PROBES.items() if re.search(pattern, header))


def compiler() -> str:
    found = os.environ.get("CC") or "gcc"
    path = shutil.which(found)
    if path is None:
        raise KernelBuildError(f"no C compiler: {found} is not installed")
    return path


def _flags(tree: Path, variant: Variant, capabilities: tuple[str, ...]) -> list[str]:
    flags = ["-std=gnu11", "-O2", "-g", "-fno-omit-frame-pointer", "-fno-strict-aliasing", "-fno-pie", "-w"]
    flags += [
        f"-fmacro-prefix-map={tree}/=",
        f"-fdebug-prefix-map={tree}/=",
        f"-fdebug-prefix-map={SHIM}=/shim",
    ]
    if not variant.sanitize:
        flags += ["-fno-strict-overflow", "-fno-delete-null-pointer-checks"]  # as the kernel is built
    else:
        undefined = "undefined" in variant.sanitize
        flags += [
            f"-fsanitize={variant.sanitize}",
            "-fno-sanitize-recover=all",
            "-O1",
            f"-DSHIM_UBSAN={+undefined}",
        ]
    flags += ["-DCONFIG_64BIT", "-DXA_CHUNK_SHIFT=6", f"-DSHIM_HANG_FAILURES={HANG_FAILURES}"]
    flags += [f"-DHAVE_{name}={int(name in capabilities)}" for name in _PROBES]
    if variant.debug:
        flags.append("-DCONFIG_DEBUG_MAPLE_TREE")
    header = tree / "include/linux"
    flags += [f'-DSHIM_MAPLE_TREE_H="{header}/maple_tree.h"', f'-DSHIM_XARRAY_H="{header}/xarray.h"']
    return [*flags, f"-I{SHIM}", f"-I{SHIM}/include", f"-I{tree}/tools/include"]


def _ops_header() -> str:
    return "\n".join(f"OP({name})" for name in wire.OPS) + "\n"


def _run(command: list[str], tree: Path, log: Path) -> bytes:
    """Run the compiler. What it says goes to the log; its first error is the exception's one line."""
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode == 0:
        return done.stdout
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_bytes(" ".join(command).encode() + b"\n" + done.stderr)
    first = first_error(done.stderr.decode(errors="replace"))
    raise KernelBuildError(f"{tree}: does not compile: {first} (log: {log})", log)


def first_error(said: str) -> str:
    """Of all that a compiler said, the line to begin with."""
    lines = said.splitlines()
    found = (line for line in lines if "error" in line or "undefined reference" in line)
    return next(found, lines[0] if lines else "").strip()


def _key(preprocessed: bytes, source: bytes, flags: list[str], cc: str, tree: Path) -> str:
    """A hash of all that goes into a build. Where the tree lies is no part of it."""
    version = subprocess.run([cc, "--version"], capture_output=True, check=False).stdout
    digest = hashlib.sha256()
    options = "\0".join(flag.replace(str(tree), "TREE").replace(str(SHIM), "SHIM") for flag in flags)
    parts = [
        preprocessed,
        source,
        options.encode(),
        version,
        platform.machine().encode(),
        _ops_header().encode(),
    ]
    for path in sorted(SHIM.rglob("*.[ch]")):
        parts += [str(path.relative_to(SHIM)).encode(), path.read_bytes()]
    for part in parts:
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()[:20]


def build(path: str | os.PathLike[str], variant: Variant | None = None) -> Build:
    """The build of this tree, from the cache where it is there already."""
    variant = variant or Variant()
    tree = Path(path).expanduser().resolve()
    check_tree(tree)
    cc = compiler()
    capabilities = probe(tree)
    flags = _flags(tree, variant, capabilities)
    source = tree / "lib/maple_tree.c"
    cache = cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=cache, prefix="new-"))
    try:
        if variant.seed:
            text = plant(source.read_text(), seed_named(variant.seed))
            source = work / "maple_tree.c"
            source.write_text(text)
            flags.append(f"-fmacro-prefix-map={work}/=lib/")
        log = cache / "logs" / f"{hashlib.sha256(str(tree).encode()).hexdigest()[:12]}.log"
        whole = _run([cc, "-E", "-P", *flags, str(source)], tree, log)
        key = _key(whole, source.read_bytes(), flags[: -1 if variant.seed else None], cc, tree)
        final = cache / key
        if not (final / "build.json").is_file():
            (work / "ops.h").write_text(_ops_header())
            parts = [str(source), *sorted(str(file) for file in SHIM.glob("*.c"))]
            _run([cc, *flags, "-no-pie", f"-I{work}", *parts, "-o", str(work / "server")], tree, log)
            about = {
                "key": key,
                "version": tree_version(tree),
                "variant": asdict(variant),
                "source": str(tree),
            }
            (work / "build.json").write_text(json.dumps({**about, "capabilities": capabilities}, indent=1))
            _move(work, final)
        return load(final)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _move(work: Path, final: Path) -> None:
    """Put a finished build where it belongs, unless another process was faster."""
    try:
        os.rename(work, final)
    except OSError:
        if not (final / "build.json").is_file():
            raise


def load(folder: Path) -> Build:
    """A build that is in the cache."""
    about = json.loads((folder / "build.json").read_text())
    variant = Variant(**about["variant"])
    able = tuple(about["capabilities"])
    return Build(folder, about["key"], about["version"], variant, about["source"], able)


def list_builds() -> list[Build]:
    """Every build in the cache."""
    return [load(path.parent) for path in sorted(cache_folder().glob("*/build.json"))]
