"""Files of a kernel tree compiled to LLVM IR by the tree's own make, with its x86-64 configuration.

Optimisation passes are off and names are kept, so what is executed is the C text as the language means it.
All goes to the user's cache: nothing is written into the tree. A unit is kept under a hash of its text, of
all that it includes and of the compiler; where these are the same nothing is compiled.

Trusted are make, the headers that the tree generates, and clang's front end. One configuration is compiled.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shlex
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mapleproof.impl.kernel.booted.build import check_whole_tree
from mapleproof.impl.kernel.build import first_error
from mapleproof.impl.kernel.cache import cache
from mapleproof.impl.kernel.errors import KernelBuildError
from mapleproof.proofs.kernel import compiler, facts

Tell = Callable[[str], None]

UNITS = ("mm/memory.c", "mm/mmap.c", "mm/vma.c", "kernel/fork.c", "lib/maple_tree.c")
"""What may be compiled of a tree; one of these that it does not have is left out."""

FLAGS = "-Xclang -disable-llvm-passes -fno-discard-value-names -g0 -Wno-error -ferror-limit=0"


@dataclass(frozen=True, slots=True)
class Command:
    """How a unit is compiled: the words of the command, where it runs, and the unit's path in the tree."""

    words: tuple[str, ...]
    folder: Path
    tree: Path
    name: str


@dataclass(frozen=True, slots=True)
class Units:
    """Compiled units of a tree, by their paths in it, and how they were compiled."""

    tree: Path
    files: dict[str, Path]
    commands: dict[str, Command]

    def edited(self, texts: Mapping[str, str]) -> Units:
        """The same with other texts in the place of some files of the tree."""
        changed = {
            name: compile_text(self.commands[name], text, facts.answered(self.files[name].read_text()))
            for name, text in texts.items()
        }
        return Units(self.tree, {**self.files, **changed}, self.commands)


def ir_folder() -> Path:
    """Where all of this is kept."""
    return cache() / "ir"


def compile_units(tree: Path, wanted: Sequence[str] = UNITS, tell: Tell = lambda _: None) -> Units:
    """The units of a tree. Raises KernelBuildError, with one line, where it does not build."""
    tree = tree.expanduser().resolve()
    check_whole_tree(tree, "x86")
    names = [name for name in wanted if (tree / name).is_file()]
    key = hashlib.sha256(f"{tree}\0{compiler.version()}\0{FLAGS}".encode()).hexdigest()
    objects = ir_folder() / "objects" / f"{re.sub(r'[^-.A-Za-z0-9]+', '-', tree.name)}-{key[:12]}"
    objects.mkdir(parents=True, exist_ok=True)
    with _locked(objects):
        stale = [name for name in names if not _is_fresh(objects, name)]
        if stale:
            _make(tree, objects, stale, tell)
            for name in stale:
                _note(objects, name)
    commands = {name: _command(tree, objects, name) for name in names}
    files = {name: compile_text(commands[name], (tree / name).read_text()) for name in names}
    return Units(tree, files, commands)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _target(name: str) -> str:
    return name.removesuffix(".c") + ".ll"


def _said(objects: Path, name: str) -> str:
    """What make has noted of a unit: the command and all that it includes."""
    target = Path(_target(name))
    return (objects / target.parent / f".{target.name}.cmd").read_text()


def _included(objects: Path, name: str) -> list[Path]:
    """The unit's source and all that it includes."""
    said = _said(objects, name)
    listed = re.findall(r"^ +([^\s$]+)(?: \\)?$", said, re.MULTILINE)
    source = re.search(r"^source_\S+ := (\S+)$", said, re.MULTILINE)
    return [objects / each for each in [*(source.groups() if source else ()), *listed]]


def _digest(paths: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        data = path.read_bytes() if path.is_file() else b"is not there"
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()


def _notes(objects: Path, name: str) -> Path:
    return objects / f"{_target(name).replace('/', '-')}.digest"


def _is_fresh(objects: Path, name: str) -> bool:
    """Whether nothing that goes into a unit has changed since make was run."""
    notes = _notes(objects, name)
    return notes.is_file() and notes.read_text() == _digest(_included(objects, name))


def _note(objects: Path, name: str) -> None:
    _notes(objects, name).write_text(_digest(_included(objects, name)))


def _make(tree: Path, objects: Path, names: Sequence[str], tell: Tell) -> None:
    """Run the tree's make for some units."""
    make = [
        "make",
        "-s",
        "-C",
        str(tree),
        "ARCH=x86_64",
        f"O={objects}",
        f"CC={shlex.join(compiler.clang())}",
    ]
    log = objects / "make.log"
    log.write_bytes(b"")
    if not (objects / ".config").is_file():
        tell(f"configuring {tree}")
        _run([*make, "defconfig"], tree, log)
    tell(f"compiling {', '.join(names)} of {tree}")
    _run([*make, f"-j{os.cpu_count() or 1}", "prepare"], tree, log)
    _run([*make, f"KCFLAGS={FLAGS}", *map(_target, names)], tree, log)


def _run(command: list[str], tree: Path, log: Path) -> None:
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("KBUILD", "KCONFIG")) and name != "MAKEFLAGS"
    }
    with log.open("ab") as said:
        done = subprocess.run(
            command, stdout=said, stderr=said, stdin=subprocess.DEVNULL, env=environment, check=False
        )
    if done.returncode:
        first = first_error(log.read_text(errors="replace"))
        raise KernelBuildError(f"{tree}: does not build: {first} (log: {log})", log)


def _command(tree: Path, objects: Path, name: str) -> Command:
    """The command by which make has compiled a unit, without what it notes and where it writes."""
    match = re.search(r"^(?:saved)?cmd_\S+ := (.*)$", _said(objects, name), re.MULTILINE)
    if match is None:
        raise KernelBuildError(f"{tree}: make does not tell how it compiles {name}")
    words = shlex.split(match[1].replace("$(pound)", "#").replace("$$", "$"))
    at = words.index("-o")
    kept = [word for word in words[:at] + words[at + 2 :] if not word.startswith("-Wp,-M")]
    source = kept.pop()
    if not source.endswith(name):
        raise KernelBuildError(f"{tree}: make compiles {source} in the place of {name}")
    return Command((*kept, f"-iquote{(tree / name).parent}"), objects, tree, name)


def compile_text(command: Command, text: str, asked: facts.Questions | None = None) -> Path:
    """A unit compiled from this text in the place of its file, or the same from the cache. ``asked`` is what
    the compiler is asked of structs and constants, all where it is not given: what it refuses costs a second
    run. Raises KernelBuildError."""
    included = _digest(_included(command.folder, command.name)[1:])
    asked = facts.questions() if asked is None else asked
    told = "\0".join(command.words).replace(str(command.tree), "TREE").replace(str(command.folder), "OBJECTS")
    parts = (text, included, told, compiler.version(), facts.tail(asked))
    key = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:20]
    final = ir_folder() / "units" / f"{Path(command.name).stem}-{key}.ll"
    if final.is_file():
        return final
    final.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=final.parent, prefix="new-") as folder:
        source, made = Path(folder) / Path(command.name).name, Path(folder) / "unit.ll"
        while True:
            source.write_text(f'#line 1 "{command.name}"\n{text}{facts.tail(asked)}')
            done = subprocess.run(
                [*command.words, "-o", str(made), str(source)],
                cwd=command.folder,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode == 0:
                break
            left = facts.refused(done.stderr, asked)
            if left is None or len(left) == len(asked):
                raise KernelBuildError(f"{command.tree}: does not compile: {first_error(done.stderr)}")
            asked = left
        made.replace(final)
    return final
