"""A machine that lacks something: it is said once, in one line, and is no difference."""

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mapleproof.cli import status, targets
from mapleproof.cli.cli import main
from mapleproof.impl.compiled import PURE
from mapleproof.impl.kernel import build, source
from mapleproof.impl.kernel.cache import VARIABLE, cache
from mapleproof.impl.kernel.errors import KernelBuildError

SHORT = ("check", "--seconds", "0", "--jobs", "2", "--no-proofs", "--seed", "1", "--lane", "bulk")
NOWHERE = "/proc/nowhere"

Done = subprocess.CompletedProcess[str]
Command = Callable[..., Done]


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """Run the command in a folder of its own, with an environment that has nothing but what is given."""

    def run(
        *words: str, before: tuple[str, ...] = (), **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*before, sys.executable, "-m", "mapleproof", *words],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], PURE: "1"} | environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return run


def holds(done: Done) -> bool:
    """Whether a run went as on any machine, and had nothing to say of this one."""
    assert done.returncode == status.HOLDS, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout.splitlines()[-1].startswith("Holds over")


def test_no_home(command: Command) -> None:
    assert holds(command(*SHORT))
    assert holds(command(*SHORT, HOME="/no/such/folder"))


def test_foreign_packages_with_the_names_of_ours(command: Command, tmp_path: Path) -> None:
    for name in ("model", "impl", "props", "proofs"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('a package of somebody else')\n")
    assert holds(command(*SHORT, PYTHONPATH=str(tmp_path)))


def test_few_open_files(command: Command) -> None:
    assert holds(command(*SHORT, before=("sh", "-c", 'ulimit -n 48; exec "$@"', "sh")))


def test_no_proc(command: Command) -> None:
    hidden = ("unshare", "-m", "sh", "-c", 'mount -t tmpfs none /proc && exec "$@"', "sh")
    if shutil.which("unshare") is None or subprocess.run([*hidden, "true"], check=False).returncode:
        pytest.skip("/proc cannot be taken away here")
    assert holds(command(*SHORT, before=hidden))


def test_a_cache_that_cannot_be_written(command: Command, tmp_path: Path) -> None:
    """Builds are kept in a temporary folder, also by the processes that do the work; that is said once."""
    try:
        build.compiler()
        tree = source.resolve("6.12")
    except KernelBuildError as error:
        pytest.skip(str(error))
    done = command(
        *SHORT, "--port", f"kernel:{tree}", "--avoid-known", XDG_CACHE_HOME=NOWHERE, TMPDIR=str(tmp_path)
    )
    assert done.returncode == status.HOLDS, done.stdout + done.stderr
    (line,) = done.stderr.splitlines()
    kept = next(tmp_path.glob("mapleproof-cache-*"))
    assert line == f"mapleproof: {NOWHERE}/mapleproof cannot be written to: what is built is kept in {kept}"
    assert list(kept.glob("kernel/*/server"))


def test_the_cache_lies_where_one_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "mine"))
    assert cache() == tmp_path / "mine"


def called(*words: str) -> Result:
    return CliRunner().invoke(main, words)


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "a.tmp")


@pytest.mark.parametrize("option", ["--json", "--junit", "--report"])
def test_a_file_that_found_no_room(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, option: str) -> None:
    """What was asked for was not done, whatever holds."""
    monkeypatch.setattr(targets, "write_whole", full)
    file = tmp_path / "file"
    result = called(*SHORT, "--out", str(tmp_path), option, str(file))
    assert result.exit_code == status.NO_ANSWER
    last = result.stdout.splitlines()[-1]
    assert last.startswith("Holds over")
    assert last.endswith(f"; not written: {file}: No space left on device.")


def test_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mapleproof.cli.check._check", full)
    result = called("check")
    assert result.exit_code == status.NO_ANSWER
    assert result.stderr == "mapleproof: a.tmp: No space left on device\n"


def test_a_full_disk_below_a_build(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The compiler's own words hide it."""
    tree = tmp_path / "linux"
    (tree / "lib").mkdir(parents=True)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr(build, "LEAST_FREE", shutil.disk_usage(tmp_path).total + 1)
    with pytest.raises(KernelBuildError, match="the disk is full"):
        build._run(["false"], tree, build.cache_folder() / "logs" / "log")


def test_a_device_is_no_file_of_ours() -> None:
    result = called(*SHORT, "--json", "/dev/zero")
    assert result.exit_code == status.BAD_INPUT
    assert "mapleproof did not write" in result.stderr
