"""Fetching sources: from an archive made for the test, by the real apt; and what is said where there is
none."""

import hashlib
import io
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from mapleproof.cli.cli import main
from mapleproof.impl.kernel import fetch, source
from mapleproof.impl.kernel.errors import KernelFetchError
from mapleproof.impl.kernel.fetch import Apt, Machine, Offer, choose, sources_list, this_machine

KERNELS = {
    "bookworm": ("6.1.190-1", "6.1.192-2"),
    "trixie-backports": ("7.3.4-1~bpo13+1",),
    "sid": ("7.4~rc2-1",),
}
"""What the archive holds, by suite."""

FILES = (
    "lib/maple_tree.c",
    "include/linux/maple_tree.h",
    "include/linux/xarray.h",
    "tools/include/linux/kernel.h",
)


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(source, "PACKAGES", tmp_path / "none")
    monkeypatch.delenv(source.VARIABLE, raising=False)


def tarball(version: str) -> bytes:
    """A kernel's sources, as far as a search for them looks."""
    made = io.BytesIO()
    kernel = version.partition("-")[0].replace("~", "-")
    numbers, _, extra = kernel.partition("-")
    keys = zip(("VERSION", "PATCHLEVEL", "SUBLEVEL"), numbers.split("."), strict=False)
    makefile = "".join(f"{key} = {number}\n" for key, number in keys)
    makefile += f"EXTRAVERSION = -{extra}\n" if extra else ""
    with tarfile.open(fileobj=made, mode="w:xz", preset=0) as archive:
        for name, text in (("Makefile", makefile), *((name, "") for name in FILES)):
            member = tarfile.TarInfo(f"linux-source/{name}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return made.getvalue()


def package(pool: Path, version: str) -> str:
    """Put a package into the archive; its paragraph in the list of packages."""
    name = f"linux-source-{'.'.join(version.replace('~', '-').partition('-')[0].split('.')[:2])}"
    work = pool / "work"
    (work / "DEBIAN").mkdir(parents=True)
    (work / "usr/src").mkdir(parents=True)
    control = (
        f"Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: A Person <a@example.com>\n"
    )
    (work / "DEBIAN/control").write_text(control + "Description: sources\n")
    (work / f"usr/src/{name}.tar.xz").write_bytes(tarball(version))
    file = pool / f"{name}_{version}_all.deb"
    subprocess.run(["dpkg-deb", "-Znone", "--build", str(work), str(file)], check=True, capture_output=True)
    shutil.rmtree(work)
    data = file.read_bytes()
    where = f"Filename: pool/{file.name}\nSize: {len(data)}\nSHA256: {hashlib.sha256(data).hexdigest()}\n"
    return f"{control}{where}Description: sources\n"


@pytest.fixture
def archive(tmp_path: Path) -> Machine:
    """An archive on this disk, and the machine that uses it."""
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        pytest.skip("apt-get and dpkg-deb are for Debian and Ubuntu")
    root = tmp_path / "archive"
    (root / "pool").mkdir(parents=True)
    architecture = subprocess.run(
        ["dpkg", "--print-architecture"], capture_output=True, text=True, check=True
    )
    for suite, versions in KERNELS.items():
        path = f"main/binary-{architecture.stdout.strip()}/Packages"
        text = "\n".join(package(root / "pool", version) for version in versions)
        listed = root / "dists" / suite / path
        listed.parent.mkdir(parents=True)
        listed.write_text(text)
        digest = hashlib.sha256(text.encode()).hexdigest()
        release = f"Suite: {suite}\nArchitectures: {architecture.stdout.strip()}\nComponents: main\n"
        release += f"Date: Thu, 01 Jan 2026 00:00:00 UTC\nSHA256:\n {digest} {len(text)} {path}\n"
        (root / "dists" / suite / "Release").write_text(release)
    return Machine("debian", "bookworm", ((f"file:{root}", "bookworm"),))


@pytest.fixture
def apt(archive: Machine, tmp_path: Path) -> Apt:
    return Apt(tmp_path / "apt", sources_list(archive, "[trusted=yes] "))


def listing(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*")} if folder.is_dir() else {}


def test_sources_are_fetched_and_the_system_is_left_as_it_is(apt: Apt) -> None:
    system = [Path("/var/lib/apt/lists"), Path("/var/cache/apt/archives"), Path("/etc/apt")]
    before = [listing(folder) for folder in system]
    assert "trixie" in apt.update()
    assert [(each.kernel, each.suite) for each in apt.offers()] == [
        ("7.4-rc2", "sid"),
        ("7.3.4", "trixie-backports"),
        ("6.1.192", "bookworm"),
        ("6.1.190", "bookworm"),
    ]
    path = fetch.fetch(choose(apt.offers(), "newest", "bookworm"), apt)
    assert path == source.fetched_folder() / "linux-source-7.3.4.tar.xz"
    assert path.read_bytes() == tarball("7.3.4")
    assert not list((apt.folder / "archives").glob("*.deb"))
    stamp = path.stat().st_mtime_ns
    fetch.fetch(choose(apt.offers(), "7.3", "bookworm"), apt)
    fetch.fetch(choose(apt.offers(), "6.1", "bookworm"), apt)
    assert path.stat().st_mtime_ns == stamp
    assert list(source.at_hand()) == ["6.1.192", "7.3.4"]
    assert source.resolve("6.1") == source.resolve("6.1.192") == source.at_hand()["6.1.192"]
    assert source.find() == source.at_hand()["7.3.4"]
    assert [listing(folder) for folder in system] == before


def test_a_changed_package_is_refused(apt: Apt, archive: Machine) -> None:
    apt.update()
    offer = choose(apt.offers(), "6.1.192", "bookworm")
    file = (
        Path(archive.archives[0][0].removeprefix("file:")) / f"pool/{offer.package}_{offer.version}_all.deb"
    )
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(KernelFetchError, match=r"apt-get failed: "):
        fetch.fetch(offer, apt)
    assert source.at_hand() == {}


def test_an_unsigned_archive_is_refused(archive: Machine, tmp_path: Path) -> None:
    with pytest.raises(KernelFetchError, match="no suite with kernel sources can be had"):
        Apt(tmp_path / "apt", sources_list(archive, "[trusted=no] ")).update()


OFFERS = [
    Offer("linux-source-7.3", "7.3~rc7-1~exp1", "sid"),
    Offer("linux-source-7.2", "7.2.13-1", "sid"),
    Offer("linux-source-6.12", "6.12.117-1~deb12u1", "bookworm-security"),
    Offer("linux-source-6.1", "6.1.192-2", "bookworm"),
]


@pytest.mark.parametrize(
    ("wanted", "version"),
    [
        ("newest", "7.2.13"),
        ("release", "6.12.117"),
        ("6.1", "6.1.192"),
        ("6", "6.12.117"),
        ("6.12.117", "6.12.117"),
        ("7.3-rc7", "7.3-rc7"),
    ],
)
def test_which_is_meant(wanted: str, version: str) -> None:
    assert choose(OFFERS, wanted, "bookworm").kernel == version


@pytest.mark.parametrize("wanted", ["6.6", "6.12.11", "", "oldest"])
def test_what_is_not_to_be_had_names_what_is(wanted: str) -> None:
    with pytest.raises(KernelFetchError, match=r"there are 7.3-rc7, 7.2.13, 6.12.117, 6.1.192"):
        choose(OFFERS, wanted, "bookworm")


def test_elsewhere_it_is_said_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "os-release").write_text('ID="fedora"\nVERSION_ID=44\n')
    with pytest.raises(KernelFetchError, match=r"on Debian and Ubuntu only: .*MAPLEPROOF_KERNEL"):
        this_machine(tmp_path / "os-release")


def test_the_command_on_a_machine_without_apt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "PATH", "/nowhere")
    result = CliRunner().invoke(main, ["kernel", "fetch", "6.12"])
    assert result.exit_code == 2
    assert result.output.startswith("sources are fetched on Debian and Ubuntu only")


def test_a_package_without_a_tarball(tmp_path: Path) -> None:
    if not shutil.which("dpkg-deb"):
        pytest.skip("dpkg-deb is for Debian and Ubuntu")
    (tmp_path / "work/DEBIAN").mkdir(parents=True)
    (tmp_path / "work/DEBIAN/control").write_text(
        "Package: linux-source-9.9\nVersion: 9.9\nArchitecture: all\n"
        "Maintainer: A Person <a@example.com>\nDescription: none\n"
    )
    file = tmp_path / "empty.deb"
    subprocess.run(
        ["dpkg-deb", "--build", str(tmp_path / "work"), str(file)], check=True, capture_output=True
    )
    with pytest.raises(KernelFetchError, match="there is no kernel tarball in it"):
        fetch.keep_tarball(file, "9.9")


def test_a_version_that_is_not_at_hand_says_how_to_get_it() -> None:
    result = CliRunner().invoke(main, ["kernel", "build", "6.12"])
    assert result.exit_code == 2
    assert (
        result.output
        == "no sources of Linux 6.12 at hand (there are none): try `mapleproof kernel fetch 6.12`\n"
    )
