"""A campaign begun or gone on with: its settings, and the real address spaces that it sweeps.

What decides which runs are made (the seed, a planted mistake, the care taken, the spaces) is settled when a
campaign begins, and so is what the ledger says of it afterwards. Ports, lanes and recoveries may change: each
is an arm of its own.
"""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mapleproof.campaign.arms import Real, kept
from mapleproof.campaign.ledger import NAME, Ledger, LedgerError
from mapleproof.impl.mm.flags import VM_READ, VM_WRITE
from mapleproof.props.common.files import write_whole
from mapleproof.props.common.found import safe_name
from mapleproof.props.maple.lanes.maps import load_space, running_processes
from mapleproof.props.mm.maps import RealVma, SpaceError, capture, from_text, to_text

FIXED = {"seed": "--seed", "seeded": "--seeded", "careful": "--avoid-known"}
"""Settings that a campaign keeps, and the options that give them."""

MOST_SPACES = 60
"""Spaces of running processes that are taken when nothing is said: those of most VMAs."""


def begin(
    folder: Path, given: Mapping[str, Any], asked: Sequence[str], maps: Sequence[str], code: str
) -> Ledger:
    """The ledger of the campaign in a folder, made if there is none. ``given`` are the settings of the call,
    ``asked`` the names of those that the user gave; ``code`` tells this version of the program from others.
    Raises LedgerError, MapsError and SpaceError."""
    if not (folder / NAME).exists():
        try:
            _keep_spaces(folder, _spaces(maps))
            return Ledger.create(folder, {**given, "fingerprint": code, "began": time.time()})
        except OSError as error:
            raise LedgerError(f"{folder}: {error.strerror}") from None
    ledger = Ledger(folder, write=True)
    for name, option in FIXED.items():
        if name in asked and ledger.setting(name) != given[name]:
            was, now = (_spelled(value) for value in (ledger.setting(name), given[name]))
            raise LedgerError(
                f"{folder}: its campaign was begun with {option} {was}, not {now}: take another folder"
            )
    if maps:
        raise LedgerError(
            f"{folder}: its campaign has its address spaces already: take another folder for others"
        )
    with ledger.transaction():
        for name in given:
            if name in asked and name not in FIXED:
                ledger.change(name, given[name])
    return ledger


def _spelled(value: Any) -> str:
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _spaces(maps: Sequence[str]) -> list[Real]:
    """The spaces that a user names, or those of running processes."""
    if maps:
        return [_named(argument) for argument in maps]
    found: dict[tuple[RealVma, ...], Real] = {}
    for pid in running_processes():
        try:
            vmas = tuple(capture(pid))
        except SpaceError:
            continue  # it has ended meanwhile, or is another user's
        if vmas:
            found.setdefault(vmas, Real(f"process-{len(found)}", vmas))
    return sorted(found.values(), key=lambda real: -len(real.vmas))[:MOST_SPACES]


def _named(argument: str) -> Real:
    """A process by its number, a space as this program keeps it, or a file like /proc/PID/maps, in which
    each VMA may be read and written and its first page is there."""
    if argument.isdecimal():
        vmas = tuple(capture(argument))
        if not vmas:
            raise SpaceError(f"process {argument}: no VMA in it")
        return Real(f"process-{argument}", vmas)
    space = load_space(argument)
    flags = VM_READ | VM_WRITE
    return Real(space.name, tuple(RealVma(first, last + 1, flags, None, 1) for first, last in space.ranges))


def _keep_spaces(folder: Path, spaces: Sequence[Real]) -> None:
    """Write down the spaces of a campaign, which are swept the same in every run of it."""
    (folder / "spaces").mkdir(exist_ok=True)
    for number, real in enumerate(spaces):
        text = gzip.compress(to_text(list(real.vmas)).encode(), mtime=0)
        write_whole(folder / "spaces" / f"{number:03}-{safe_name(real.name)}.maps.gz", text)


def spaces_of(folder: Path) -> Iterator[Real]:
    """The real spaces of a campaign: those that come with the project, and its own. Raises SpaceError."""
    for name, vmas in kept().items():
        yield Real(name, vmas)
    for path in sorted((folder / "spaces").glob("*.maps.gz")):
        try:
            text = gzip.decompress(path.read_bytes()).decode()
        except (OSError, EOFError, ValueError) as error:
            raise SpaceError(f"{path}: {error}") from None
        yield Real(path.name.removesuffix(".maps.gz"), tuple(from_text(text, str(path))))
