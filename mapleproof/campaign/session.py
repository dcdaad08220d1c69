"""One call of `mapleproof campaign`, from what the user asks for to the page at its end."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console

from mapleproof.campaign.arms import Wanted
from mapleproof.campaign.begin import begin, spaces_of
from mapleproof.campaign.campaign import Campaign, Options
from mapleproof.campaign.examples import ExamplesError, open_database
from mapleproof.campaign.farm import Farm, FarmError, fingerprint
from mapleproof.campaign.folder import REPORT, Folder
from mapleproof.campaign.ledger import Ledger, LedgerError
from mapleproof.campaign.page import write_report
from mapleproof.campaign.status import Status, status_of
from mapleproof.campaign.view import View
from mapleproof.cli.known_seeds import UnknownSeed, known_seed
from mapleproof.props.common.port import PortError
from mapleproof.props.job.choose_port import require_port
from mapleproof.props.maple.lanes.maps import MapsError
from mapleproof.props.mm.maps import SpaceError

REFUSED = (LedgerError, FarmError, ExamplesError, PortError, MapsError, SpaceError, UnknownSeed)
"""All that ends a campaign before it begins, each with one line to say."""

CHANGED = (
    "this program has changed since the campaign in {} began: what was done counts as done, and only what is"
    " new is done with the changed one; another folder begins anew"
)


@dataclass(frozen=True, slots=True)
class Call:
    """What a user asks for. ``settings`` are those of the campaign, ``asked`` the names of those that were
    given; ``maps`` name real address spaces; ``scheduler`` and ``redis`` are addresses, of which a campaign
    keeps none."""

    folder: Path
    settings: Mapping[str, Any]
    asked: Sequence[str] = ()
    maps: Sequence[str] = ()
    seconds: float | None = None
    scheduler: str | None = None
    workers: int = 1
    redis: str | None = None
    keep: int = field(default=1000)


def run(call: Call, console: Console) -> Status:
    """Begin or go on with a campaign, until it ends; how it stands then. Raises what is in REFUSED."""
    with ExitStack() as stack:
        _check(call.settings["ports"], call.settings["seeded"])
        stack.enter_context(closing(Folder(call.folder)))
        database = open_database(call.folder / "examples", call.redis)
        farm = stack.enter_context(closing(Farm(call.scheduler, call.workers)))
        code = fingerprint()
        ledger = stack.enter_context(closing(begin(call.folder, call.settings, call.asked, call.maps, code)))
        if ledger.setting("fingerprint") != code:
            _say(console, CHANGED.format(call.folder))
        options = _options(call, ledger)
        _check(options.wanted.ports, options.seeded)
        farm.ready(options.wanted.ports)
        campaign = Campaign(options, ledger, farm, database)
        with _ended_by_signals(campaign), View(console).live() as view:
            campaign.run(view.tell)
        if campaign.now.stuck:
            _say(console, f"{call.folder} could not be written at the end: {campaign.now.stuck}")
        try:
            write_report(call.folder, ledger)
        except OSError as error:
            _say(console, f"{call.folder / REPORT}: {error.strerror}")
        return status_of(call.folder, ledger)


def _check(ports: Sequence[str], seeded: str | None) -> None:
    """See that there are such ports here, and such a mistake to plant; one for a kernel's tree is in its
    port."""
    for port in ports:
        require_port(port)
    if seeded is not None and "impl" in ports:
        known_seed(seeded)


def _say(console: Console, line: str) -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=True)


def _options(call: Call, ledger: Ledger) -> Options:
    wanted = Wanted(
        tuple(ledger.setting("ports")),
        tuple(ledger.setting("lanes")),
        tuple(ledger.setting("recoveries")),
        tuple(spaces_of(call.folder)),
        ledger.setting("careful"),
    )
    seed, seeded, even = (ledger.setting(name) for name in ("seed", "seeded", "even"))
    return Options(call.folder, wanted, call.seconds, seed, seeded, even, call.keep)


@contextmanager
def _ended_by_signals(campaign: Campaign) -> Iterator[None]:
    """Ctrl-C or a kill ends a campaign after what is under way; a second one at once."""

    def end(number: int, frame: FrameType | None) -> None:
        if campaign.stop:
            raise KeyboardInterrupt
        campaign.stop = True

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
