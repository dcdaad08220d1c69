"""Building: the cache, the layout, and one line for each way that it can go wrong."""

import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from mapleproof.cli.cli import main
from mapleproof.impl.kernel import build
from mapleproof.impl.kernel.build import Build, Variant
from mapleproof.impl.kernel.errors import KernelBuildError
from mapleproof.impl.kernel.tree import KernelTree


@pytest.fixture
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/mapleproof/kernel"


def listing(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_a_build_is_kept_and_the_tree_untouched(copy_of_kernel: Path, own_cache: Path) -> None:
    before = listing(copy_of_kernel)
    first = build.build(copy_of_kernel)
    assert first.folder.parent == own_cache
    stamp = first.server.stat().st_mtime_ns
    again = build.build(copy_of_kernel)
    assert (again.key, again.server.stat().st_mtime_ns) == (first.key, stamp)
    assert listing(copy_of_kernel) == before
    assert [each.key for each in build.list_builds()] == [first.key]
    assert not list(own_cache.glob("new-*"))


def test_the_key_is_of_the_content(copy_of_kernel: Path, own_cache: Path) -> None:
    first = build.build(copy_of_kernel)
    moved = copy_of_kernel.rename(copy_of_kernel.parent / "elsewhere")
    assert build.build(moved).key == first.key
    with (moved / "lib/maple_tree.c").open("a") as file:
        file.write("\n/* touched */\n")
    assert build.build(moved).key != first.key


def test_variants_are_builds_of_their_own(kernel: Path) -> None:
    plain = build.build(kernel)
    debug = build.build(kernel, Variant(debug=True))
    assert plain.key != debug.key
    assert (str(plain.variant), str(debug.variant)) == ("plain", "debug")


def test_a_build_says_what_it_can_do(kernel: Path) -> None:
    made = build.build(kernel)
    assert "mtree_load" in made.ops
    assert set(made.ops) | set(made.lacks) >= {"mtree_dup", "mtree_alloc_cyclic", "mas_find_range"}
    assert not set(made.ops) & set(made.lacks)
    assert made.version.count(".") == 2


def test_a_tree_without_dup_is_built_without_it(copy_of_kernel: Path, own_cache: Path) -> None:
    header = copy_of_kernel / "include/linux/maple_tree.h"
    header.write_text(header.read_text().replace("int mtree_dup(", "int mtree_no_dup("))
    source = copy_of_kernel / "lib/maple_tree.c"
    source.write_text(source.read_text().replace("mtree_dup", "mtree_no_dup"))
    with KernelTree(copy_of_kernel) as port:
        assert "mtree_dup" in port.build.lacks
        assert port.apply({"op": "mtree_dup", "into": 1}) == {"unsupported": "mtree_dup"}
        assert port.apply({"op": "mtree_load", "index": 1}) == {"entry": None}


def test_another_layout_is_refused(copy_of_kernel: Path, own_cache: Path) -> None:
    header = copy_of_kernel / "include/linux/maple_tree.h"
    header.write_text(header.read_text().replace("CONFIG_64BIT", "CONFIG_128BIT"))
    with pytest.raises(KernelBuildError, match=r"maple nodes must be 256 bytes|leaves must have 16 slots"):
        build.build(copy_of_kernel)


def test_the_command_takes_a_tarball(copy_of_kernel: Path, own_cache: Path, tmp_path: Path) -> None:
    tarball = tmp_path / "linux.tar.gz"
    with tarfile.open(tarball, "w:gz", compresslevel=1) as archive:
        archive.add(copy_of_kernel, "linux-6.12")
    result = CliRunner().invoke(main, ["kernel", "build", str(tarball)])
    assert result.exit_code == 0, result.output
    assert result.output.startswith("Linux ")
    assert len(build.list_builds()) == 1


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(KernelBuildError, match="no such folder"):
        build.build(tmp_path / "nothing")


def test_no_kernel_tree(tmp_path: Path) -> None:
    with pytest.raises(KernelBuildError, match=r"not a kernel source tree .*: lib/maple_tree.c is missing"):
        build.build(tmp_path)


def test_a_tree_that_does_not_compile(copy_of_kernel: Path, own_cache: Path) -> None:
    with (copy_of_kernel / "lib/maple_tree.c").open("a") as file:
        file.write("int broken(void) { return nonsense; }\n")
    with pytest.raises(KernelBuildError) as caught:
        build.build(copy_of_kernel)
    assert "\n" not in str(caught.value)
    assert "error: " in str(caught.value)
    assert "nonsense" in str(caught.value)
    assert caught.value.log is not None
    assert str(caught.value.log) in str(caught.value)
    assert "nonsense" in caught.value.log.read_text()


def test_no_compiler(monkeypatch: pytest.MonkeyPatch, kernel: Path) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(KernelBuildError, match="no C compiler: no-such-compiler is not installed"):
        build.build(kernel)


def test_builds_are_listed_by_their_sources(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A line for each kernel, however many variants there are, and one for what is left of others."""
    here = Build(tmp_path, "a", "6.12.1", Variant(), str(tmp_path), capabilities=("maple_status",))
    gone = replace(here, source="/no/such/tree")
    builds = [
        here,
        replace(here, variant=Variant(debug=True)),
        replace(here, variant=Variant(seed="x")),
        gone,
    ]
    monkeypatch.setattr(build, "list_builds", lambda: builds)
    monkeypatch.setenv("COLUMNS", "200")
    result = CliRunner().invoke(main, ["kernel", "list"])
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[2].split() == ["6.12.1", "debug,", "plain", "1", str(tmp_path)]
    assert lines[3].split() == ["6.12.1", "plain", *["sources", "that", "are", "gone"]]
    assert sum(line.startswith("6.12.1 lacks ") for line in lines) == 1
