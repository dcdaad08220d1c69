"""Kernel sources from Debian's or Ubuntu's packages: which are to be had, and getting one.

What it is: an apt of its own, with its own list of suites, package lists, cache and status, in the user's
cache folder; the system's apt is asked where its archives are, and is left as it is. Packages are checked
against the keyrings of the distribution, as apt does. Of a linux-source package the tarball in it is kept, as
``linux-source-VERSION.tar.*``; ``source.py`` unpacks what a build needs.

Not covered: other distributions, kernels that none of the suites holds, patches that a package carries beside
its tarball.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from mapleproof.impl.kernel.cache import cache
from mapleproof.impl.kernel.errors import KernelFetchError
from mapleproof.impl.kernel.source import fetched_folder, numbers_of

FRESH = 6 * 3600.0
"""Seconds for which package lists are taken to be of today."""

DEBIAN = ("bookworm", "trixie", "forky")
"""Debian's releases, oldest first: those from the machine's own on are looked into. Their names and not such
words as stable, which a mirror may be late with."""

KEYRING = "/usr/share/keyrings/{}-archive-keyring.gpg"

ELSEWHERE = (
    "get the sources of your kernel as your distribution offers them, or a checkout, and name them: "
    "kernel:PATH takes a folder or a tarball, and so does the variable MAPLEPROOF_KERNEL"
)

_PACKAGE = re.compile(r"linux-source-\d[\w.]*")
_TARBALL = re.compile(r"(\./)?usr/src/.*linux-source-[\w.]*\.tar\.(xz|gz|bz2)")


@dataclass(frozen=True)
class Offer:
    """One package that is to be had: its name, its version as the archive numbers it, and in which suite."""

    package: str
    version: str
    suite: str

    @property
    def kernel(self) -> str:
        """The kernel's own version: 6.12.117, or 7.3-rc7 before a release."""
        return self.version.partition("-")[0].replace("~", "-")


@dataclass(frozen=True)
class Machine:
    """What of a machine matters: its distribution, its release's name, and its archives as (address,
    suite)."""

    distribution: str
    release: str
    archives: tuple[tuple[str, str], ...]


def this_machine(os_release: Path = Path("/etc/os-release")) -> Machine:
    """This machine. KernelFetchError, with what to do, where it has no apt or is of another distribution."""
    try:
        lines = os_release.read_text().splitlines()
    except OSError:
        lines = []
    said = {key: value.strip("\"'") for key, _, value in (line.partition("=") for line in lines)}
    kinds = [said.get("ID", ""), *said.get("ID_LIKE", "").split()]
    distribution = next((kind for kind in ("ubuntu", "debian") if kind in kinds), None)
    if distribution is None or shutil.which("apt-get") is None:
        raise KernelFetchError(f"sources are fetched on Debian and Ubuntu only: {ELSEWHERE}")
    told = _run(["apt-get", "update", "--print-uris"])
    archives = re.findall(r"^'(\S+?)/?/dists/([^/' ]+)/InRelease'", told, re.MULTILINE)
    return Machine(distribution, said.get("VERSION_CODENAME", ""), tuple(dict.fromkeys(archives)))


def sources_list(machine: Machine, options: str = "") -> str:
    """The lines of a sources.list: every suite that may hold kernel sources, from the machine's own
    archives."""
    own = machine.release
    keyring = KEYRING.format(machine.distribution)
    options = options or (f"[signed-by={keyring}] " if Path(keyring).exists() else "")
    names = {own, "oldstable", "stable", "testing", "unstable", "sid", "devel"}
    main = next((address for address, suite in machine.archives if suite in names), None)
    security = next((address for address, suite in machine.archives if suite.endswith("-security")), main)
    if main is None or security is None:
        raise KernelFetchError(f"the system's apt knows no archive of {own or 'its release'}: {ELSEWHERE}")
    if machine.distribution == "ubuntu":
        lines = [(main, own), (main, f"{own}-updates"), (security, f"{own}-security"), (main, "devel")]
    else:
        releases = DEBIAN[DEBIAN.index(own) :] if own in DEBIAN else (own,) if own else ()
        lines = [(main, "sid")]
        for release in releases:
            lines += [(main, release), (main, f"{release}-backports"), (security, f"{release}-security")]
    return "".join(f"deb {options}{archive} {suite} main\n" for archive, suite in lines)


class Apt:
    """An apt that knows only the suites in ``sources`` and keeps all it has in ``folder``."""

    def __init__(self, folder: Path, sources: str) -> None:
        self.folder = folder
        self._refused: tuple[str, ...] = ()
        for name in ("lists/partial", "archives/partial"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / "status").touch()
        listed = folder / "sources.list"
        if not listed.exists() or listed.read_text() != sources:
            listed.write_text(sources)
            self._stamp.unlink(missing_ok=True)
        own = {
            "Dir::Etc::sourcelist": "sources.list",
            "Dir::Etc::sourceparts": "no-parts",
            "Dir::Etc::preferences": "no-preferences",
            "Dir::Etc::preferencesparts": "no-parts",
            "Dir::State": "",
            "Dir::State::lists": "lists",
            "Dir::State::status": "status",
            "Dir::Cache": "",
            "Dir::Cache::archives": "archives",
        }
        (folder / "no-parts").mkdir(exist_ok=True)
        text = "".join(f'{name} "{folder}/{path}";\n' for name, path in own.items())
        text += 'APT::Get::List-Cleanup "true";\nAcquire::Languages "none";\n'
        # What the system does after its own updates is not for this one to do
        text += "#clear APT::Update::Post-Invoke;\n#clear APT::Update::Post-Invoke-Success;\n"
        text += "#clear Acquire::IndexTargets::deb-src;\n#clear DPkg::Post-Invoke;\n"
        (folder / "apt.conf").write_text(text)

    @property
    def _stamp(self) -> Path:
        return self.folder / "updated"

    def update(self) -> tuple[str, ...]:
        """Get the package lists, unless they are of today; the suites that could not be had."""
        if self._stamp.exists() and time.time() - self._stamp.stat().st_mtime < FRESH:
            return tuple(self._stamp.read_text().split())
        said = _run([*self._command("apt-get"), "-q", "update"], failing=True)
        failed: list[str] = re.findall(r"^Err:\d+ \S+ ([^/\s]+)", said, re.MULTILINE)
        refused = tuple(dict.fromkeys(failed))
        if not self.offers():
            reason = next(
                (line for line in said.splitlines() if line.startswith(("E:", "Err:"))), "no such package"
            )
            raise KernelFetchError(f"no suite with kernel sources can be had: {reason}; {ELSEWHERE}")
        self._stamp.write_text(" ".join(refused))
        return refused

    def offers(self) -> list[Offer]:
        """The packages of kernel sources in the lists, the newest first."""
        found = _run([*self._command("apt-cache"), "search", "--names-only", "^linux-source-[0-9]"])
        names = [name for line in found.splitlines() if _PACKAGE.fullmatch(name := line.partition(" ")[0])]
        offers: dict[tuple[str, str], Offer] = {}
        for line in _run([*self._command("apt-cache"), "madison", *names]).splitlines() if names else ():
            package, version, where = (part.strip() for part in line.split("|"))
            offers.setdefault((package, version), Offer(package, version, where.split()[1].partition("/")[0]))
        return sorted(offers.values(), key=_order, reverse=True)

    def download(self, offer: Offer) -> Path:
        """The package's file, in the cache of this apt."""
        archives = self.folder / "archives"
        for old in archives.glob("*.deb"):
            old.unlink()
        command = [*self._command("apt-get"), "-q", "download", f"{offer.package}={offer.version}"]
        _run(command, folder=archives)
        return next(archives.glob("*.deb"))

    def _command(self, program: str) -> list[str]:
        return [program, "-c", str(self.folder / "apt.conf")]


def _order(offer: Offer) -> tuple[list[int], bool, str]:
    return numbers_of(offer.kernel), "-rc" not in offer.kernel, offer.version


def choose(offers: Iterable[Offer], wanted: str, release: str) -> Offer:
    """The package that is meant: ``newest``, ``release`` for the newest of the machine's own release, or a
    version of which 6.12 stands for its newest. KernelFetchError, with those that are to be had, where there
    is none."""
    offers = list(offers)
    if wanted == "newest":
        fitting = [offer for offer in offers if "-rc" not in offer.kernel] or offers
    elif wanted == "release":
        fitting = [offer for offer in offers if offer.suite.partition("-")[0] == release]
    else:
        fitting = [
            offer for offer in offers if f"{offer.kernel}.".startswith(f"{wanted}.") or offer.kernel == wanted
        ]
    if not fitting:
        there = ", ".join(dict.fromkeys(offer.kernel for offer in offers))
        raise KernelFetchError(f"no sources of Linux {wanted} are to be had here; there are {there}")
    return fitting[0]


def keep_tarball(package: Path, version: str) -> Path:
    """The tarball in a linux-source package, put among those that were fetched."""
    folder = fetched_folder()
    folder.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(package)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
            for member in archive:
                if member.isfile() and (found := _TARBALL.fullmatch(member.name)):
                    stream = archive.extractfile(member)
                    assert stream is not None
                    return _keep(stream, folder / f"linux-source-{version}.tar.{found[2]}")
    except tarfile.TarError as error:
        raise KernelFetchError(f"{package.name}: cannot be read: {error}") from None
    finally:
        process.stdout.close()
        process.wait()
    raise KernelFetchError(f"{package.name}: there is no kernel tarball in it")


def _keep(stream: IO[bytes], final: Path) -> Path:
    """Write a file in one go: it is there whole or not at all."""
    with tempfile.NamedTemporaryFile(dir=final.parent, prefix="new-", delete=False) as file:
        shutil.copyfileobj(stream, file, 1 << 20)
    Path(file.name).chmod(0o644)
    return Path(file.name).rename(final)


def apt() -> tuple[Machine, Apt]:
    """The apt of this machine's cache."""
    machine = this_machine()
    return machine, Apt(cache() / "apt", sources_list(machine))


def fetch(offer: Offer, from_apt: Apt) -> Path:
    """The tarball of an offer, downloaded unless it is there already."""
    there = list(fetched_folder().glob(f"linux-source-{offer.kernel}.tar.*"))
    if there:
        return there[0]
    package = from_apt.download(offer)
    try:
        return keep_tarball(package, offer.kernel)
    finally:
        package.unlink()


def _run(command: list[str], folder: Path | None = None, failing: bool = False) -> str:
    """What a command says. KernelFetchError with its own words where it fails, unless it may."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    except OSError as error:
        raise KernelFetchError(f"{command[0]} cannot be run: {error.strerror}") from None
    if done.returncode and not failing:
        said = (done.stderr or done.stdout).strip().splitlines() or [f"exit status {done.returncode}"]
        raise KernelFetchError(f"{command[0]} failed: {said[-1]}")
    return done.stdout + done.stderr if failing else done.stdout
