"""What a shell is offered: names and values of the command, in a real bash, without heavy imports."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from mapleproof.cli.cli import main
from mapleproof.cli.completion import PROGRAM, SHELLS, VARIABLE, Bash
from mapleproof.cli.known_seeds import KNOWN
from mapleproof.impl.kernel.build import Build, Variant
from mapleproof.impl.kernel.mistakes import SEEDS
from mapleproof.impl.mm.recovery import RECOVERIES
from mapleproof.proofs.registry import CLAIMS
from mapleproof.props.job.units import LANES

CASES = Path(__file__).parents[1] / "kernel" / "findings"


def offered(*words: str) -> list[str]:
    """What is offered for the last of these words."""
    complete = ShellComplete(main, {}, PROGRAM, VARIABLE)
    return [item.value for item in complete.get_completions(list(words[:-1]), words[-1])]


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Where the sources of the one build in the cache are."""
    build = Build(tmp_path, "key", "6.12.1", Variant(), "/sources/of/linux")
    monkeypatch.setattr("mapleproof.impl.kernel.build.list_builds", lambda: [build])
    return build.source


def test_commands_and_options() -> None:
    assert offered("ch") == ["check"]
    assert set(offered("kernel", "")) == {"boot", "build", "fetch", "findings", "list", "seeds"}
    assert offered("completion", "") == list(SHELLS)
    assert offered("check", "--rec") == ["--recovery"]


@pytest.mark.parametrize(
    ("command", "names"),
    [
        ("check", ["impl", "live"]),
        ("replay", ["impl", "model", "live"]),
        ("show", ["impl", "model", "live"]),
    ],
)
def test_ports_are_those_of_the_command(command: str, names: list[str], built: str) -> None:
    found = offered(command, "--port", "")
    assert [name for name in found if not name.startswith("kernel:")] == names
    assert f"kernel:{built}" in found
    assert offered(command, "--port", "kernel:/sources") == [f"kernel:{built}"]


def test_a_kernel_tree_is_found_by_its_path(tmp_path: Path, built: str) -> None:
    tree = tmp_path / "src" / "linux"
    (tree / "lib").mkdir(parents=True)
    (tree / "lib" / "maple_tree.c").touch()
    assert offered("check", "--port", f"kernel:{tmp_path}/s") == [f"kernel:{tree}/"]
    (tmp_path / "src" / "linux-6.1.tar.xz").touch()
    (tmp_path / "src" / "notes").touch()
    assert offered("check", "--port", f"kernel:{tmp_path}/s") == [
        f"kernel:{tree}/",
        f"kernel:{tree}-6.1.tar.xz",
    ]


def test_a_damaged_build_is_no_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("mapleproof.impl.kernel.build.cache_folder", lambda: tmp_path)
    (tmp_path / "key").mkdir()
    (tmp_path / "key" / "build.json").write_text("{")
    assert offered("check", "--port", "") == ["impl", "live", "kernel:./", "kernel:/", "kernel:~/"]


def test_seeds_are_those_of_the_port() -> None:
    assert set(offered("check", "--seeded", "")) == {*KNOWN, "list"}
    assert set(offered("replay", "--seeded", "")) == set(KNOWN)
    assert set(offered("check", "--port", "kernel:X", "--seeded", "g")) == {
        seed.name for seed in SEEDS if seed.name.startswith("g")
    }
    assert set(offered("kernel", "seeds", "")) == {seed.name for seed in SEEDS}


def test_twins_once_the_dot_is_there() -> None:
    twins = {f"munmap_exact.{twin.name}" for twin in CLAIMS["munmap_exact"].twins if twin.edits}
    assert set(offered("replay", "--seeded", "munmap_exact.")) == twins
    assert twins


def test_claims_recoveries_lanes() -> None:
    assert offered("prove", "") == list(CLAIMS)
    assert offered("check", "--recovery", "") == list(RECOVERIES)
    assert offered("check", "--lane", "") == list(LANES)


@pytest.mark.parametrize("command", ["replay", "show"])
def test_case_files(command: str, tmp_path: Path) -> None:
    folder = tmp_path / "cases"
    folder.mkdir()
    for name in ("one.jsonl", "two.jsonl.gz", "three.txt", ".hidden.jsonl"):
        (folder / name).touch()
    cases = [f"{folder}/one.jsonl", f"{folder}/two.jsonl.gz"]
    assert offered(command, f"{folder}/") == cases
    assert offered(command, f"{tmp_path}/") == cases, "a folder that is all there is, is entered"
    assert offered(command, f"{folder}/.") == [f"{folder}/.hidden.jsonl"]
    (tmp_path / "more").mkdir()
    assert offered(command, f"{tmp_path}/") == [f"{folder}/", f"{tmp_path}/more/"]
    assert offered(command, f"{tmp_path}/nowhere/") == []


@pytest.mark.parametrize(
    ("pieces", "kept", "words"),
    [
        ("check --por", "", ["check", "--por"]),
        ("check --port kernel :", "kernel:", ["check", "--port", "kernel:"]),
        ("check --port kernel : /x", "kernel:", ["check", "--port", "kernel:/x"]),
        ("check --port = kernel : /x", "kernel:", ["check", "--port", "kernel:/x"]),
        ("check --port =", "", ["check", "--port", ""]),
        ("check --port kernel : /x --seed", "", ["check", "--port", "kernel:/x", "--seed"]),
        ("check --port kernel : /x ", "", ["check", "--port", "kernel:/x", ""]),
        ("replay a = b", "a=", ["replay", "a=b"]),
        ("check --port kernel:/x", "", ["check", "--port", "kernel:/x"]),
    ],
)
def test_what_bash_breaks_is_put_together(
    pieces: str, kept: str, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMP_WORDS", f"{PROGRAM} {pieces}")
    monkeypatch.setenv("COMP_CWORD", str(len(pieces.split(" "))))
    bash = Bash(main, {}, PROGRAM, VARIABLE)
    before, last = bash.get_completion_args()
    assert [*before, last] == words
    assert bash.kept == kept


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_is_printed(shell: str) -> None:
    result = CliRunner().invoke(main, ["completion", shell])
    assert result.exit_code == 0
    assert f"{VARIABLE}={shell}_complete" in result.stdout


def test_no_such_shell() -> None:
    assert CliRunner().invoke(main, ["completion", "csh"]).exit_code == 2


@pytest.fixture(scope="module")
def bash() -> str:
    """A bash that click's script can be used in."""
    found = shutil.which("bash")
    if found is None:
        pytest.skip("bash is not installed")
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout
    numbers = re.search(r"version (\d+)\.(\d+)", version)
    if numbers is None or (int(numbers[1]), int(numbers[2])) < (4, 4):
        pytest.skip("bash is older than 4.4")
    return found


@pytest.fixture
def with_command(tmp_path: Path) -> dict[str, str]:
    """An environment in which `mapleproof` is this checkout's."""
    command = tmp_path / "bin" / PROGRAM
    command.parent.mkdir()
    command.write_text(f"#!{sys.executable}\nfrom mapleproof.cli.cli import main\nmain()\n")
    command.chmod(0o755)
    root = str(Path(__file__).parents[2])
    return os.environ | {"PATH": f"{command.parent}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": root}


PRESS_TAB = """
source <(mapleproof completion bash)
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
$(complete -p mapleproof | sed 's/.*-F \\([^ ]*\\).*/\\1/') mapleproof
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.mark.parametrize(
    ("words", "replies"),
    [
        (["ch"], ["check"]),
        (["check", "--recovery", "undo_"], ["undo_v3", "undo_v4"]),
        (["prove", "gap"], ["gap_is_exact"]),
        (["replay", str(CASES / "insert-")], [str(CASES / "insert-over-everything.jsonl")]),
    ],
)
def test_bash_completes(
    bash: str, with_command: dict[str, str], words: list[str], replies: list[str]
) -> None:
    done = subprocess.run(
        [bash, "-c", PRESS_TAB, "bash", PROGRAM, *words],
        env=with_command,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == replies, done.stderr


def test_bash_completes_behind_a_colon(bash: str, with_command: dict[str, str], tmp_path: Path) -> None:
    tree = tmp_path / "sources" / "linux"
    (tree / "lib").mkdir(parents=True)
    (tree / "lib" / "maple_tree.c").touch()
    words = [PROGRAM, "check", "--port", "kernel", ":", f"{tmp_path}/so"]
    done = subprocess.run(
        [bash, "-c", PRESS_TAB, "bash", *words], env=with_command, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [f"{tree}/"], done.stderr


@pytest.mark.parametrize("asked", [("--help",), ("complete", "ch"), ("complete", "check --po")])
def test_nothing_heavy_is_imported_to_complete_a_name(asked: tuple[str, ...]) -> None:
    code = (
        "import sys\nfrom mapleproof.cli.cli import main\n"
        "try:\n    main(prog_name='mapleproof')\n"
        "finally:\n    print(sorted({'z3', 'hypothesis', 'rich'} & set(sys.modules)), file=sys.stderr)\n"
    )
    environment = dict(os.environ)
    if asked[0] == "complete":
        pieces = f"{PROGRAM} {asked[1]}"
        environment |= {VARIABLE: "bash_complete", "COMP_WORDS": pieces}
        environment["COMP_CWORD"] = str(len(pieces.split()) - 1)
    arguments = list(asked) if asked[0] == "--help" else []
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout
    assert done.stderr.splitlines() == ["[]"]


def test_a_value_that_is_not_known_is_refused_in_one_line() -> None:
    result = CliRunner().invoke(main, ["check", "--recovery", "nonsense"])
    assert result.exit_code == 2
    assert "'nonsense' is none of" in result.output.splitlines()[-1]


def test_the_default_that_is_looked_up_late_is_shown() -> None:
    assert re.search(r"\[default:\s+5;", CliRunner().invoke(main, ["check", "--help"]).output)
    (failures,) = [one for one in main.commands["check"].params if one.name == "failures"]
    assert failures.get_default(click.Context(main)) == 5
