"""Units of a tree: compiled into the cache, again after a change, one line where they do not build."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from mapleproof.cli.prove import prove as command
from mapleproof.impl.kernel.booted.edits import Edit
from mapleproof.impl.kernel.errors import KernelBuildError
from mapleproof.proofs.ir.errors import Missing
from mapleproof.proofs.kernel import compiler, facts
from mapleproof.proofs.kernel.subject import Kernel
from mapleproof.proofs.kernel.units import compile_text, compile_units

pytestmark = pytest.mark.source

FLOOR = Edit(("mm/memory.c",), "free_pgd_range", "if (addr < floor)", "if (addr <= floor)")


def test_nothing_is_compiled_twice_and_nothing_written_into_the_tree(release: Kernel) -> None:
    told: list[str] = []
    tree = release.units.tree
    before = {path.name: path.stat().st_mtime_ns for path in tree.iterdir()}
    assert compile_units(tree, tell=told.append) == release.units
    assert not told
    assert {path.name: path.stat().st_mtime_ns for path in tree.iterdir()} == before


def test_an_edit_is_another_unit(release: Kernel) -> None:
    edited = release.edited([FLOOR])
    files, others = edited.units.files, release.units.files
    assert {name for name in files if files[name] != others[name]} == {"mm/memory.c"}
    assert release.fits([FLOOR])
    assert not release.fits([Edit(("mm/memory.c",), "free_pgd_range", "no such text", "")])


def test_an_edit_is_asked_only_what_its_file_has_answered(release: Kernel) -> None:
    """So it is compiled once; both say the same."""
    edited = release.edited([FLOOR]).facts
    name = "mm/memory.c"
    answered = facts.answered(release.units.files[name].read_text())
    assert ("at_vm_area_struct__vm_start", "__builtin_offsetof(struct vm_area_struct, vm_start)") in answered
    assert len(answered) < len(facts.questions())
    assert edited.offset("vm_area_struct", "vm_end") == release.facts.offset("vm_area_struct", "vm_end")


def test_what_the_compiler_says_is_told_and_what_is_not_there_is_missing(release: Kernel) -> None:
    said = release.facts
    assert said.value("PMD_SIZE") == 2**21
    assert said.offset("maple_range_64", "pivot") == 8
    assert said.size("maple_node") == 256
    assert not said.has("unmap_desc", "tree_end")
    with pytest.raises(Missing, match="no member tree_end in struct unmap_desc"):
        said.offset("unmap_desc", "tree_end")


def test_errors_of_the_tail_are_told_from_others() -> None:
    asked = [("a", "x"), ("b", "y"), ("c", "z")]
    assert facts.refused("facts.h:1000001:3: error: no member", asked) == [asked[0], asked[2]]
    assert facts.refused("facts.h:1000001:3: error: no member\nmm/memory.c:7:1: error: bad", asked) is None
    assert facts.refused("clang: error: no such file", asked) is None


def test_a_text_that_does_not_compile_is_one_line(release: Kernel) -> None:
    with pytest.raises(KernelBuildError, match="does not compile") as told:
        compile_text(release.units.commands["mm/memory.c"], "int f(void) { return g; }\n")
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda folder: folder / "nowhere", "no such folder"),
        (lambda folder: folder, "not a whole kernel source tree"),
    ],
)
def test_a_tree_that_does_not_build_is_bad_input(tmp_path: Path, make: object, told: str) -> None:
    path = make(tmp_path)  # type: ignore[operator]
    result = CliRunner().invoke(command, ["--kernel", str(path)])
    assert result.exit_code == 2
    assert told in result.output.splitlines()[-1]


def test_a_tree_whose_make_fails_is_bad_input(
    release: Kernel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in (
        "Makefile",
        "Kconfig",
        "lib/maple_tree.c",
        "kernel/fork.c",
        "arch/x86/Makefile",
        "mm/memory.c",
    ):
        (tmp_path / "linux" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "linux" / name).write_text("defconfig:\n\t@echo error: nothing here; false\n")
    result = CliRunner().invoke(command, ["--kernel", str(tmp_path / "linux")])
    assert result.exit_code == 2
    assert "does not build: error: nothing here" in result.output.splitlines()[-1]


def test_a_claim_that_is_not_known_is_named() -> None:
    result = CliRunner().invoke(command, ["free_pgd_range_exakt", "--kernel", "6.12"])
    assert result.exit_code == 2
    assert "did you mean free_pgd_range_exact?" in result.output


def test_the_compiler_is_the_newest_or_the_one_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("clang-9", "clang-14", "clang"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/nowhere")
    monkeypatch.delenv(compiler.VARIABLE, raising=False)
    found = compiler.clang.__wrapped__
    assert found() == ("clang-14",)
    monkeypatch.setenv(compiler.VARIABLE, "clang -B.")
    assert found() == ("clang", "-B.")
    monkeypatch.setenv(compiler.VARIABLE, "gone")
    with pytest.raises(KernelBuildError, match="gone is not installed"):
        found()
