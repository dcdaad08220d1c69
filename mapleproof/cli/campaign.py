"""`mapleproof campaign`: a night of checking, on this machine or on many."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from mapleproof.cli import status
from mapleproof.cli.kernel import kernel_variant, port_of
from mapleproof.cli.values import LateChoice, complete_port, complete_seed, json_option, recovery_names
from mapleproof.props.job.names import CAMPAIGN_LANES

if TYPE_CHECKING:
    from rich.console import Console

    from mapleproof.campaign.status import Status


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
@json_option
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

    Exit status: 0 nothing was found; 1 a failure was; 2 bad usage or bad input; 70 the suite itself went
    wrong; 130 interrupted twice, which ends it at once.
    """
    from mapleproof.campaign.session import REFUSED, Call, run
    from mapleproof.cli.screen import screen
    from mapleproof.cli.targets import STANDARD_OUTPUT, TargetError, try_file
    from mapleproof.impl.mm.recovery import HOLDING

    console = screen(stderr=json_file == STANDARD_OUTPUT)
    try:
        try_file(json_file)
        if only_status:
            stands = _status(folder)
        else:
            seeded = given["seeded"]
            settings = {
                "seed": given["seed"],
                "seeded": seeded,
                "careful": given["careful"],
                "ports": [_port(port, (sanitize, debug), seeded) for port in ports],
                "lanes": list(given["lanes"] or CAMPAIGN_LANES),
                "recoveries": list(given["recoveries"] or HOLDING),
                "even": given["even"],
            }
            asked = [name for name in context.params if _was_given(context, name)]
            where = {name: given[name] for name in ("maps", "scheduler", "workers", "redis", "keep")}
            stands = run(Call(folder, settings, asked, seconds=seconds, **where), console)
    except (*REFUSED, TargetError) as error:
        print(error, file=sys.stderr)
        sys.exit(status.BAD_INPUT)
    _show(console, stands, json_file)
    sys.exit(status.DIFFERS if stands.cases else status.HOLDS)


def _was_given(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is ParameterSource.COMMANDLINE


def _port(port: str, variant: tuple[str, bool], seeded: str | None) -> str:
    """The name of a port; the variant is a kernel's, and other ports beside it have none."""
    if not port.startswith("kernel:"):
        variant, seeded = ("", False), None
    return port_of(port, *variant, seeded)[0]


def _status(folder: Path) -> "Status":
    from mapleproof.campaign.folder import Folder
    from mapleproof.campaign.ledger import Ledger
    from mapleproof.campaign.status import status_of

    return status_of(folder, Ledger(folder), running=Folder.is_busy(folder))


def _show(console: "Console", stands: "Status", json_file: Path | None) -> None:
    """Tell how a campaign stands."""
    from rich.text import Text

    from mapleproof.campaign.folder import REPORT
    from mapleproof.campaign.view import tables
    from mapleproof.cli.screen import say
    from mapleproof.cli.targets import write_json

    for part in tables(stands):
        console.print(part, soft_wrap=isinstance(part, Text))
    report = Path(stands.folder) / REPORT
    if report.exists():
        say(console, f"the whole as a page: {report}")
    write_json(json_file, "campaign", stands.as_json())
    say(console, _last_line(stands))


def _last_line(stands: "Status") -> str:
    """The verdict on what was done so far."""
    operations = sum(arm.operations for arm in stands.arms)
    over = f"{operations:,} operations in {stands.seconds:.0f} s"
    if not stands.cases:
        return f"Holds over {over}."
    sorts = ", ".join(case["sort"] for case in stands.cases[:3])
    more = f" and {len(stands.cases) - 3} more" if len(stands.cases) > 3 else ""
    return f"Broken: {sorts}{more}; over {over}; the cases are in {stands.folder}."
