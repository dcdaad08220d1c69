"""What goes into a guest: its initramfs, its configuration, the layouts that both sides know."""

import re
import struct
from pathlib import Path

import pytest

from mapleproof.impl.kernel.booted import wire
from mapleproof.impl.kernel.booted.build import check_whole_tree
from mapleproof.impl.kernel.booted.config import Variant
from mapleproof.impl.kernel.booted.initramfs import archive
from mapleproof.impl.kernel.errors import KernelBuildError
from mapleproof.props.mm.booted_port import parse

GUEST = Path(wire.__file__).parent / "guest"


def test_the_archive_is_a_cpio() -> None:
    data, names = archive({"init": b"abcde"}), []
    at = 0
    while True:
        assert data[at : at + 6] == b"070701"
        fields = [int(data[at + 6 + 8 * k : at + 14 + 8 * k], 16) for k in range(13)]
        size, length = fields[6], fields[11]
        name = data[at + 110 : at + 110 + length - 1].decode()
        names.append(name)
        content = (at + 110 + length + 3) // 4 * 4
        if name == "init":
            assert data[content : content + size] == b"abcde"
        if name == "TRAILER!!!":
            break
        at = (content + size + 3) // 4 * 4
    assert names == ["dev", "proc", "sys", "dev/console", "init", "TRAILER!!!"]


def test_both_sides_have_the_same_numbers() -> None:
    text = (GUEST / "look.c").read_text()
    lists = [re.findall(r'"([^"]+)"', found) for found in re.findall(r"slabs\[\] = \{(.*?)\};", text, re.S)]
    lists += [re.findall(r'"([^"]+)"', found) for found in re.findall(r"stats\[\] = \{(.*?)\};", text, re.S)]
    assert [tuple(one) for one in lists] == [wire.SLABS, wire.STATS]
    many = int(re.search(r"NUMBERS (\d+)", (GUEST / "guest.h").read_text())[1])  # type: ignore[index]
    assert len(wire.NUMBERS) <= many == struct.calcsize("<48q") // 8


def test_both_sides_have_the_same_requests_and_observers() -> None:
    header = (GUEST / "guest.h").read_text()
    kinds = re.findall(r"^\t([A-Z]+),", header[header.index("enum request_kind") :], re.MULTILINE)
    assert [getattr(wire, kind) for kind in kinds] == list(range(len(kinds))) == list(range(8))
    listed = re.search(r"observers\[\]\)\(pid_t pid\) = \{ (.*?) \};", (GUEST / "observers.c").read_text())
    assert listed is not None
    assert len(listed[1].split(",")) == len(wire.OBSERVERS)


def test_a_guest_has_no_network_and_no_disk() -> None:
    for arch in ("um", "x86"):
        fragment = Variant(arch).fragment()
        for option in ("NET", "MODULES", "IO_URING"):
            assert f"CONFIG_{option}=n" in fragment.splitlines()
        for option in ("HOSTFS", "BLK_DEV_UBD", "PCI", "VIRTIO", "NETDEVICES", "SCSI", "ATA"):
            assert f"CONFIG_{option}=y" not in fragment


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("booted:/x,sparc", "no such architecture: sparc; there are um, x86"),
        ("booted:/x,um?levels=5", "um cannot be booted with 5 levels"),
        ("booted:/x?lvels=5", "not understood"),
        ("booted:", "not understood"),
    ],
)
def test_names_that_are_none(name: str, told: str) -> None:
    with pytest.raises(KernelBuildError, match=told):
        parse(name)


def test_names() -> None:
    assert parse("booted:/a/b") == ("/a/b", Variant("um"), "")
    assert parse("booted:/a,b/c,x86?sanitize&levels=5&seed=s") == (
        "/a,b/c",
        Variant("x86", True, False, 5, "seeds"),
        "s",
    )


def test_trees_that_cannot_be_built(tmp_path: Path) -> None:
    with pytest.raises(KernelBuildError, match="no such folder"):
        check_whole_tree(tmp_path / "none", "um")
    with pytest.raises(KernelBuildError, match="not a whole kernel source tree: Makefile is missing"):
        check_whole_tree(tmp_path, "um")
    for name in ("Makefile", "Kconfig", "lib/maple_tree.c", "kernel/fork.c", "arch/um/Makefile", ".config"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    with pytest.raises(KernelBuildError, match="was built in place"):
        check_whole_tree(tmp_path, "um")
