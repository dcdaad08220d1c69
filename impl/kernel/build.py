"""Build a kernel tree's own lib/maple_tree.c for userspace.

What it is: one executable (``server``) and the same as a library (``seat.so``), made of the tree's
lib/maple_tree.c and include/linux/maple_tree.h, unchanged, the tree's own headers under tools/, and the
shim beside this file. It goes to the user's cache folder, under a hash of all that went into it; nothing is
written into the tree, and none of the kernel's code is kept here.

A build is refused unless nodes are 256 bytes with fan-outs of 16 and 10, or 32 and 21 where it is one of 32
bits: without CONFIG_64BIT, which the tree's own userspace build does not set, the header takes the 32-bit
layout.

Not covered: other architectures' layouts, the parts of the kernel around the maple tree.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import shutil
import subprocess
import tempfile
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from mapleproof.impl.kernel import explore_build, wire
from mapleproof.impl.kernel.cache import cache_folder
from mapleproof.impl.kernel.errors import KernelBuildError
from mapleproof.impl.kernel.explore_build import Beside
from mapleproof.impl.kernel.probe import PROBES, check_tree, probe, traced, tree_version
from mapleproof.impl.kernel.seeds import plant, seed_named

SHIM = Path(__file__).parent / "shim"
HANG_FAILURES = 1000
"""So many failed requests for memory in a row, within one step, are a hang."""


@dataclass(frozen=True)
class Variant:
    """How to build: sanitizers as ``-fsanitize=`` takes them, the kernel's debug checks, a seeded mistake,
    and for words of how many ``bits``: 64, or 32. ``beside`` makes, in place of the server, what runs a
    reader beside a writer: as coroutines (see explorer.py), or as threads (see stress.py)."""

    sanitize: str = ""
    debug: bool = False
    seed: str = ""
    bits: int = 64
    beside: Beside | None = None

    def __str__(self) -> str:
        parts = [self.sanitize, "debug" if self.debug else "", f"seed {self.seed}" if self.seed else ""]
        parts += ["32 bits"] if self.bits == 32 else []
        parts += [self.beside] if self.beside else []
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
    traced: tuple[str, ...] = field(default=())
    """The functions of the tree that have a tracepoint."""

    @property
    def server(self) -> Path:
        return self.folder / "server"

    @property
    def seat(self) -> Path | None:
        """The same as a library (``shim/seat.c``); None where no process of Python can load it."""
        return self.folder / "seat.so" if can_sit(self.variant) else None

    @property
    def ops(self) -> tuple[str, ...]:
        """The ops that this build can carry out."""
        return tuple(name for name, op in wire.OPS.items() if not op.needs or op.needs in self.capabilities)

    @property
    def lacks(self) -> tuple[str, ...]:
        """The ops that it cannot, because the tree has no such function."""
        there = self.ops
        return tuple(name for name in wire.OPS if name not in there)


LEAST_FREE = 1 << 20
"""Bytes that a build cannot do without: where fewer are left, that is why it failed."""


def compiler() -> str:
    found = os.environ.get("CC") or "gcc"
    path = shutil.which(found)
    if path is None:
        raise KernelBuildError(f"no C compiler: {found} is not installed")
    return path


def check_32_bits(cc: str) -> None:
    """KernelBuildError where this compiler cannot make and link a program of 32 bits."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "empty.c"
        source.write_text("#include <stdlib.h>\nint main(void) { return 0; }\n")
        done = subprocess.run(
            [cc, "-m32", str(source), "-o", str(source.with_suffix(""))], capture_output=True, check=False
        )
    if done.returncode:
        said = first_error(done.stderr.decode(errors="replace"))
        raise KernelBuildError(f"no 32-bit build: {cc} -m32 fails: {said} (on Debian: install gcc-multilib)")


def compile_flags(tree: Path, variant: Variant, capabilities: tuple[str, ...]) -> list[str]:
    flags = ["-std=gnu11", "-O2", "-g", "-fno-omit-frame-pointer", "-fno-strict-aliasing", "-w"]
    flags += ["-fPIC", "-fvisibility=hidden"] if can_sit(variant) else ["-fno-pie"]
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
    flags += ["-m32"] if variant.bits == 32 else ["-DCONFIG_64BIT"]
    flags += ["-DCONFIG_LOCKDEP", "-DXA_CHUNK_SHIFT=6", f"-DSHIM_HANG_FAILURES={HANG_FAILURES}"]
    flags += [f"-DHAVE_{name}={int(name in capabilities)}" for name in PROBES]
    if variant.debug:
        flags.append("-DCONFIG_DEBUG_MAPLE_TREE")
    header = tree / "include/linux"
    flags += [f'-DSHIM_MAPLE_TREE_H="{header}/maple_tree.h"', f'-DSHIM_XARRAY_H="{header}/xarray.h"']
    first = explore_build.includes(variant.beside) if variant.beside else []
    return [*flags, *first, f"-I{SHIM}", f"-I{SHIM}/include", f"-I{tree}/tools/include"]


def _commands(cc: str, flags: list[str], source: Path, work: Path, variant: Variant) -> list[list[str]]:
    """What makes ``work/server``, and ``work/seat.so`` where a process can load it."""
    sources = [source, *sorted(SHIM.glob("*.c"))]
    parts = [str(work / f"{path.stem}.o") for path in sources]
    made = [
        [cc, *flags, f"-I{work}", "-c", str(path), "-o", part]
        for path, part in zip(sources, parts, strict=True)
    ]
    made.append([cc, *flags, "-no-pie", *parts, "-o", str(work / "server")])
    if can_sit(variant):
        inside = [part for part in parts if not part.endswith("/server.o")]
        made.append([cc, *flags, "-shared", "-Wl,-Bsymbolic", *inside, "-o", str(work / "seat.so")])
    return made


def can_sit(variant: Variant) -> bool:
    """Whether a process of Python can load such a build: with its own words, and no sanitizer."""
    return not variant.sanitize and not variant.beside and variant.bits == 64


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
    if shutil.disk_usage(log.parent).free < LEAST_FREE:
        raise KernelBuildError(f"{log.parents[1]}: no build can be kept there: the disk is full")
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
    ours = str(SHIM.parent)
    options = "\0".join(flag.replace(str(tree), "TREE").replace(ours, "OURS") for flag in flags)
    parts = [
        preprocessed,
        source,
        options.encode(),
        version,
        platform.machine().encode(),
        _ops_header().encode(),
        "\n".join(traced(tree)).encode(),
    ]
    for path in sorted([*SHIM.rglob("*.[ch]"), *explore_build.FOLDER.rglob("*.[ch]")]):
        parts += [str(path.relative_to(SHIM.parent)).encode(), path.read_bytes()]
    for part in parts:
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()[:20]


def build(path: str | os.PathLike[str], variant: Variant | None = None) -> Build:
    """The build of this tree, from the cache where it is there already."""
    variant = variant or Variant()
    tree = Path(path).expanduser().resolve()
    check_tree(tree)
    cc = compiler()
    if variant.bits == 32:
        check_32_bits(cc)
    capabilities = probe(tree)
    flags = compile_flags(tree, variant, capabilities)
    source = tree / "lib/maple_tree.c"
    cache = cache_folder()
    try:
        cache.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(dir=cache, prefix="new-"))
    except OSError as error:
        raise KernelBuildError(f"{cache}: no build can be kept there: {error.strerror}") from error
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
            if variant.beside:
                for command in explore_build.commands(cc, flags, source, work, variant.beside):
                    _run(command, tree, log)
            else:
                for command in _commands(cc, flags, source, work, variant):
                    _run(command, tree, log)
                for part in work.glob("*.o"):
                    part.unlink()
            about: dict[str, object] = {
                "key": key,
                "version": tree_version(tree),
                "variant": asdict(variant),
                "source": str(tree),
            }
            about |= {"capabilities": capabilities, "traced": traced(tree)}
            (work / "build.json").write_text(json.dumps(about, indent=1))
            _move(work, final)
        return replace(load(final), source=str(tree))
    except OSError as error:
        raise KernelBuildError(f"{cache}: no build can be kept there: {error.strerror}") from error
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
    able, points = tuple(about["capabilities"]), tuple(about.get("traced", ()))
    return Build(folder, about["key"], about["version"], variant, about["source"], able, points)


def list_builds() -> list[Build]:
    """Every build in the cache; what another version of ours has left there is none of them."""
    found = []
    for path in sorted(cache_folder().glob("*/build.json")):
        with contextlib.suppress(TypeError, KeyError):
            found.append(load(path.parent))
    return found
