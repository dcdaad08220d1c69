"""Finding a kernel tree, and unpacking what is needed of a tarball."""

import io
import tarfile
from pathlib import Path

import pytest

from mapleproof.impl.kernel import source
from mapleproof.impl.kernel.errors import KernelBuildError

FILES = {
    "Makefile": "VERSION = 6\n",
    "lib/maple_tree.c": "int x;\n",
    "include/linux/maple_tree.h": "",
    "include/linux/xarray.h": "",
    "tools/include/linux/kernel.h": "",
    "mm/mmap.c": "not wanted",
    "lib/../../escaped.h": "never",
}


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv(source.VARIABLE, raising=False)


def pack(path: Path, files: dict[str, str]) -> Path:
    with tarfile.open(path, "w:xz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(f"linux-source-9.9/{name}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return path


def test_only_what_is_needed_is_unpacked_and_once(tmp_path: Path) -> None:
    tarball = pack(tmp_path / "linux-source-9.9.tar.xz", FILES)
    tree = source.unpack(tarball)
    names = {str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file()}
    assert names == set(list(FILES)[:5])
    (tree / "Makefile").write_text("kept")
    assert source.unpack(tarball) == tree
    assert (tree / "Makefile").read_text() == "kept"


def test_the_newest_package_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(source, "PACKAGES", tmp_path)
    for version in ("6.1", "6.12", "6.9"):
        pack(tmp_path / f"linux-source-{version}.tar.xz", FILES)
    assert source.find().name.startswith("linux-source-6.12-")


def test_a_named_tree_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(source, "PACKAGES", tmp_path)
    tree = source.unpack(pack(tmp_path / "mine.tar.xz", FILES))
    monkeypatch.setenv(source.VARIABLE, str(tree))
    assert source.find() == tree


def test_no_source_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(source, "PACKAGES", tmp_path)
    with pytest.raises(KernelBuildError, match="set MAPLEPROOF_KERNEL to a source tree, or get one by"):
        source.find()


def test_a_tarball_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "broken.tar.xz").write_text("not a tarball")
    with pytest.raises(KernelBuildError, match="cannot be unpacked"):
        source.resolve(tmp_path / "broken.tar.xz")


def test_a_tarball_without_a_maple_tree(tmp_path: Path) -> None:
    with pytest.raises(KernelBuildError, match="not a kernel source tree"):
        source.unpack(pack(tmp_path / "other.tar.xz", {"Makefile": ""}))
