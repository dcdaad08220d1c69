"""The kernel's own suite beside ours: what it needs, and that its failures are noticed."""

import os
from pathlib import Path

import pytest

from mapleproof.impl.kernel.errors import KernelBuildError
from mapleproof.impl.kernel.seeds import seed_named
from mapleproof.impl.kernel.suite import FOLDER, KernelSuite


@pytest.fixture
def suite_of(kernel: Path) -> Path:
    """The kernel tree, if its suite can be built here."""
    headers = [*Path("/usr/include").glob("urcu.h"), *Path("/usr/include").glob("*/urcu.h")]
    if not (kernel / FOLDER / "maple.c").is_file() or not headers:
        pytest.skip("the kernel's suite or liburcu-dev is not there")
    return kernel


def test_a_tree_without_a_suite_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(KernelBuildError, match=r"has no tools/testing/radix-tree/maple\.c"):
        KernelSuite(tmp_path)


def test_what_is_missing_to_build_it_is_one_line(
    kernel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As without liburcu: its header is not found."""
    if not (kernel / FOLDER / "maple.c").is_file():
        pytest.skip("the kernel's suite is not there")
    compiler = tmp_path / "cc"
    compiler.write_text("#!/bin/sh\necho 'fatal error: urcu.h: No such file or directory' >&2\nexit 1\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with KernelSuite(kernel) as suite, pytest.raises(KernelBuildError) as raised:
        suite.build(None)
    assert str(raised.value).endswith("urcu.h: No such file or directory (install liburcu-dev)")


@pytest.mark.deep
def test_a_mistake_is_noticed_at_its_first_word(suite_of: Path) -> None:
    with KernelSuite(suite_of) as suite:
        suite.build(seed_named("no-node-to-pop"))
        run = suite.run(60)
        assert run.failed
        assert run.said
        assert str(run).endswith(" s")
    assert "no-node-to-pop" not in (suite_of / "lib/maple_tree.c").read_text()


@pytest.mark.deep
def test_time_that_runs_out_is_no_failure(suite_of: Path) -> None:
    with KernelSuite(suite_of) as suite:
        suite.build(None)
        run = suite.run(0.5)
    assert (run.failed, run.ended) == (False, False)
    assert str(run) == "no end within 0.5 seconds"
