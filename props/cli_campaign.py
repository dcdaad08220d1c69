"""`mapleproof campaign`: a night of checking, on this machine or on many."""

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from props.cli_kernel import kernel_variant, port_of
from props.cli_values import LateChoice, complete_port, complete_seed, recovery_names
from props.names import CAMPAIGN_LANES, HOLDING

if TYPE_CHECKING:
    from props.campaign.campaign import Campaign
    from props.campaign.ledger import Ledger

DIFFERS = 1
BAD_INPUT = 2

CHANGED = (
    "this program has changed since the campaign in {} began: what was done counts as done, and only what is"
    " new is done with the changed one; another folder begins anew"
)


class Time(click.ParamType[float]):
    """A time such as 90s, 30m, 8h or 2 days, in seconds."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        from dask.utils import parse_timedelta

        try:
            seconds = float(parse_timedelta(value))
        except (ValueError, KeyError, TypeError):
            self.fail(f"{value!r} is no time such as 90s, 30m or 8h", param, ctx)
        if not 0 <= seconds < 10**9:
            self.fail(f"{value!r} is out of range", param, ctx)
        return seconds


@click.command("campaign")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--for", "seconds", type=Time(), help="How long, such as 90s, 30m or 8h.  [default: until it is ended]"
)
@click.option(
    "--port",
    "ports",
    multiple=True,
    default=("impl",),
    metavar="impl|kernel:PATH|live",
    show_default=True,
    shell_complete=complete_port,
    help="Whom to check; repeatable: all of them at once.",
)
@kernel_variant
@click.option(
    "--scheduler", metavar="ADDRESS", help="Of a Dask scheduler whose workers have this program too."
)
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    default=os.cpu_count() or 1,
    show_default="the processors",
    help="Without --scheduler: how many run here.",
)
@click.option("--redis", metavar="URL", help="Hypothesis' example database is there, not in DIR/examples.")
@click.option(
    "--seed", type=click.IntRange(0, 2**62), default=0, show_default=True, help="Decides every unit."
)
@click.option(
    "--lane", "lanes", multiple=True, type=click.Choice(CAMPAIGN_LANES), help="Only this part; repeatable."
)
@click.option(
    "--recovery",
    "recoveries",
    multiple=True,
    type=LateChoice(recovery_names),
    help="Fork under this one; repeatable.  [default: those without a known flaw]",
)
@click.option(
    "--maps", multiple=True, metavar="FILE|PID", help="Real address spaces; default: those of what runs here."
)
@click.option(
    "--avoid-known",
    "careful",
    is_flag=True,
    help="Keep away from what docs/findings.md lists for Linux 6.12.",
)
@click.option(
    "--seeded",
    metavar="NAME",
    shell_complete=complete_seed,
    help="Plant a known mistake, which the campaign must find: one of check --seeded list.",
)
@click.option("--even", is_flag=True, help="Divide the time evenly, whatever is met where.")
@click.option(
    "--keep",
    type=click.IntRange(1),
    default=1000,
    show_default=True,
    help="Files of one sort of failure, as they were met; more are counted only.",
)
@click.option("--status", "only_status", is_flag=True, help="Tell how the campaign in DIR stands, and leave.")
@click.option(
    "--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write every figure there."
)
@click.pass_context
def campaign(
    context: click.Context,
    /,
    folder: Path,
    seconds: float | None,
    ports: tuple[str, ...],
    sanitize: str,
    debug: bool,
    only_status: bool,
    json_file: Path | None,
    **given: Any,
) -> None:
    """Check for a night, on this machine or on many, and keep in DIR all that is found.

    The lanes of check, every failure point of real address spaces, tiny worlds and proofs that grow: as
    small tasks on Dask, the time going where something new comes from. End it whenever you like (Ctrl-C,
    kill, power) and call it again with the same DIR: it goes on. DIR/found has each failure as it was met,
    DIR/cases the smallest of each sort, DIR/report.html the whole as a page.

    Exit status: 0 nothing was found; 1 a failure was; 2 bad usage or bad input.
    """
    try:
        if only_status:
            failed = _show_status(folder, json_file)
        else:
            asked = [name for name in context.params if _was_given(context, name)]
            failed = _run(folder, seconds, ports, (sanitize, debug), json_file, given, asked)
    except _refused() as error:
        print(error, file=sys.stderr)
        sys.exit(BAD_INPUT)
    sys.exit(DIFFERS if failed else 0)


def _refused() -> tuple[type[Exception], ...]:
    """All that ends a campaign before it begins, each with one line to say."""
    from props.campaign.examples import ExamplesError
    from props.campaign.farm import FarmError
    from props.campaign.ledger import LedgerError
    from props.choose_port import PortError
    from props.fork.maps import SpaceError
    from props.lanes.maps import MapsError
    from props.seeded.planting import UnknownSeed

    return LedgerError, FarmError, ExamplesError, PortError, MapsError, SpaceError, UnknownSeed


def _was_given(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is ParameterSource.COMMANDLINE


def _show_status(folder: Path, json_file: Path | None) -> bool:
    from props.campaign.folder import Folder
    from props.campaign.ledger import Ledger

    return _show(folder, Ledger(folder), json_file, Folder.is_busy(folder))


def _show(folder: Path, ledger: "Ledger", json_file: Path | None, running: bool) -> bool:
    """Tell how a campaign stands; whether it has found anything."""
    from props.campaign.status import status_of
    from props.campaign.view import tables
    from props.check_view import wide_console

    status = status_of(folder, ledger, running)
    console = wide_console()
    for part in tables(status):
        console.print(part)
    if json_file is not None:
        json_file.write_text(json.dumps(status.as_json(), indent=1) + "\n")
    return bool(status.cases)


def _run(
    folder: Path,
    seconds: float | None,
    ports: tuple[str, ...],
    variant: tuple[str, bool],
    json_file: Path | None,
    given: dict[str, Any],
    asked: list[str],
) -> bool:
    from props.campaign.begin import begin
    from props.campaign.farm import fingerprint
    from props.campaign.folder import Folder
    from props.choose_port import choose_port
    from props.seeded.planting import known_seed

    seeded = given["seeded"]
    settings = {
        "seed": given["seed"],
        "seeded": seeded,
        "careful": given["careful"],
        "ports": [_port(port, variant, seeded) for port in ports],
        "lanes": list(given["lanes"] or CAMPAIGN_LANES),
        "recoveries": list(given["recoveries"] or HOLDING),
        "even": given["even"],
    }
    for port in settings["ports"]:
        choose_port(port)
    if seeded is not None and "impl" in ports:
        known_seed(seeded)
    room = Folder(folder)
    try:
        ledger = begin(folder, settings, asked, given["maps"], fingerprint())
        try:
            return _campaign(folder, ledger, seconds, json_file, given)
        finally:
            ledger.close()
    finally:
        room.close()


def _port(port: str, variant: tuple[str, bool], seeded: str | None) -> str:
    """The name of a port; the variant is a kernel's, and other ports beside it have none."""
    return (
        port_of(port, *variant, seeded)[0]
        if port.startswith("kernel:")
        else port_of(port, "", False, None)[0]
    )


def _campaign(
    folder: Path, ledger: "Ledger", seconds: float | None, json_file: Path | None, given: dict[str, Any]
) -> bool:
    from props.campaign.arms import Wanted
    from props.campaign.begin import spaces_of
    from props.campaign.campaign import Campaign, Options
    from props.campaign.farm import fingerprint
    from props.campaign.view import View
    from props.check_view import wide_console
    from props.choose_port import choose_port

    console = wide_console()
    if ledger.setting("fingerprint") != fingerprint():
        console.print(CHANGED.format(folder), markup=False, highlight=False)
    wanted = Wanted(
        tuple(ledger.setting("ports")),
        tuple(ledger.setting("lanes")),
        tuple(ledger.setting("recoveries")),
        tuple(spaces_of(folder)),
        ledger.setting("careful"),
    )
    for port in wanted.ports:
        choose_port(port)
    made = Campaign(
        Options(
            folder,
            wanted,
            seconds,
            given["scheduler"],
            given["workers"],
            given["redis"],
            ledger.setting("seed"),
            ledger.setting("seeded"),
            ledger.setting("even"),
            given["keep"],
        ),
        ledger,
    )
    with _ended_by_signals(made), View(console).live() as view:
        made.run(view.tell)
    if made.now.stuck:
        console.print(f"{folder} could not be written at the end: {made.now.stuck}", markup=False)
    failed = _show(folder, ledger, json_file, False)
    from props.campaign.page import write_report

    try:
        write_report(folder, ledger)
    except OSError as error:
        console.print(f"{folder}/report.html: {error.strerror}", markup=False)
    else:
        console.print(f"the whole as a page: {folder}/report.html", markup=False, highlight=False)
    return failed


@contextmanager
def _ended_by_signals(made: "Campaign") -> Iterator[None]:
    """Ctrl-C or a kill ends a campaign after what is under way; a second one at once."""

    def end(number: int, frame: FrameType | None) -> None:
        if made.stop:
            raise KeyboardInterrupt
        made.stop = True

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
