"""What is built and installed: one package and nothing beside it, and all that is needed to run."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("setuptools", minversion="77", reason="setuptools is too old to build: extra `test`")
pytest.importorskip("setuptools_scm", reason="setuptools-scm is not installed: extra `test`")

ROOT = Path(__file__).parents[2]
PARTS = ("model", "impl", "props", "proofs")

BUILD = """
import os, sys
from setuptools import build_meta
out = sys.argv[1]
print(build_meta.build_sdist(out))
print(build_meta.build_wheel(out))
"""

FOREIGN = 'raise ImportError("a module of somebody else was imported")\n'

RUN_AS_SCRIPT = """
import runpy, sys
import mapleproof.proofs.engine.claim as claim
claim.main = lambda claim: print("judged", claim.name)
runpy.run_module(sys.argv[1], run_name="__main__")
"""


def called(*command: object, at: Path, path: Path | None = None) -> str:
    """What a command prints; AssertionError where it fails."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    environment["SETUPTOOLS_SCM_PRETEND_VERSION"] = "1.2.3"
    environment["MAPLEPROOF_PURE"] = "1"
    environment["PYTHONPATH"] = os.pathsep.join(map(str, [at, *([path] if path else [])]))
    words = [str(one) for one in command]
    done = subprocess.run(words, cwd=at, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with a source distribution of the repository, and a wheel made from that alone."""
    if not (ROOT / ".git").exists():
        pytest.skip("not in a clone: what belongs to the distribution is not known")
    copy, out = tmp_path_factory.mktemp("copy"), tmp_path_factory.mktemp("out")
    names = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    for name in filter(lambda name: os.path.lexists(ROOT / name), names):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, copy / name, follow_symlinks=False)
    who = ["-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false"]
    for arguments in (["init", "-q"], ["add", "-A"], [*who, "commit", "-qm", "all"]):
        subprocess.run(["git", *arguments], cwd=copy, check=True)
    called(sys.executable, "-c", BUILD.replace("print(build_meta.build_wheel(out))", ""), out, at=copy)
    with tarfile.open(next(out.glob("*.tar.gz"))) as archive:
        archive.extractall(tmp_path_factory.mktemp("sdist"), filter="data")
    unpacked = next(tmp_path_factory.getbasetemp().glob("sdist*/mapleproof-*"))
    called(sys.executable, "-c", BUILD.replace("print(build_meta.build_sdist(out))", ""), out, at=unpacked)
    return out


@pytest.fixture(scope="session")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel unpacked, as an installation has it."""
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        wheel.extractall(folder)
    return folder


def test_a_wheel_holds_one_package(installed: Path) -> None:
    there = {path.name for path in installed.iterdir() if not path.name.endswith(".dist-info")}
    assert there == {"mapleproof"}
    shipped = {path.relative_to(installed) for path in installed.rglob("*.py")}
    for part in PARTS:
        ours = {Path("mapleproof") / path.relative_to(ROOT) for path in (ROOT / part).rglob("*.py")}
        assert {path for path in ours if "__pycache__" not in path.parts} <= shipped
    for name in ("impl/kernel/shim/ops.c", "impl/kernel/agent/agent.c", "show/page.js", "tests/cases"):
        assert (installed / "mapleproof" / name).exists(), name


def test_a_source_distribution_holds_each_file_once(built: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    tops = {name.partition("/")[0] for name in names if name.endswith(".py")}
    assert tops == {"mapleproof", "tests", "setup.py"}


def test_a_foreign_module_of_the_same_name_disturbs_nothing(installed: Path, tmp_path: Path) -> None:
    for part in (*PARTS, "tests"):
        (tmp_path / f"{part}.py").write_text(FOREIGN)
    told = called(sys.executable, "-m", "mapleproof", "--version", at=tmp_path, path=installed)
    assert "1.2.3" in told
    case = next((installed / "mapleproof" / "tests" / "cases" / "found").glob("*.jsonl"))
    told = called(sys.executable, "-m", "mapleproof", "replay", case, at=tmp_path, path=installed)
    assert "as expected" in told
    script = tmp_path / "run_as_script.py"
    script.write_text(RUN_AS_SCRIPT)
    told = called(sys.executable, script, "mapleproof.proofs.undo_exact", at=tmp_path, path=installed)
    assert told.strip() == "judged undo_exact"


def test_a_proof_is_a_script_in_a_checkout(tmp_path: Path) -> None:
    script = tmp_path / "run_as_script.py"
    script.write_text(RUN_AS_SCRIPT)
    assert called(sys.executable, script, "proofs.undo_exact", at=ROOT).strip() == "judged undo_exact"


@pytest.mark.late
@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["one process", "two processes"])
def test_a_tree_is_tested_without_a_clone(installed: Path, tmp_path: Path, workers: tuple[str, ...]) -> None:
    asked = ("--port", "model", "-p", "no:cacheprovider", "--pyargs", "mapleproof.tests", *workers)
    told = called(
        sys.executable, "-m", "pytest", "-q", *asked, "-k", "recordings", at=tmp_path, path=installed
    )
    assert " passed" in told
    assert "failed" not in told


def test_other_runs_of_pytest_have_no_option_of_ours(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text("def test_it() -> None:\n    pass\n")
    told = called(sys.executable, "-m", "pytest", "--help", at=tmp_path, path=installed)
    assert "--profile" not in told
