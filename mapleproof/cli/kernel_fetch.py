"""The command line: kernel sources from the distribution's packages."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from mapleproof.cli import status

if TYPE_CHECKING:
    from mapleproof.impl.kernel.fetch import Offer


@click.command("fetch")
@click.argument("versions", nargs=-1, metavar="[VERSION]...")
@click.option(
    "--list", "only_list", is_flag=True, help="Tell which versions are to be had, and which are here."
)
def fetch_command(versions: tuple[str, ...], only_list: bool) -> None:
    """Get kernel sources from Debian's or Ubuntu's packages, of this release and of newer ones.

    VERSION is 6.12.117, or 6.12 for the newest of it, `newest` for the newest of all, or `release` for the
    newest of this machine's release, which is also what comes without any. The system's apt is left as it is:
    the package lists and what is fetched lie in the user's cache folder. What was fetched can be named by its
    version: kernel:6.12.

    Exit status: 0 all is here; 2 bad usage, no Debian or Ubuntu, or a version that is not to be had.
    """
    from mapleproof.impl.kernel.errors import KernelBuildError
    from mapleproof.impl.kernel.fetch import apt, choose, fetch
    from mapleproof.impl.kernel.source import resolve

    try:
        machine, own = apt()
        refused = own.update()
        offers = own.offers()
        if only_list:
            _tell_offers(offers, refused)
            return
        for wanted in versions or ("release",):
            offer = choose(offers, wanted, machine.release)
            print(f"Linux {offer.kernel} ({offer.package} {offer.version} of {offer.suite})", flush=True)
            print(resolve(fetch(offer, own)), flush=True)
    except KernelBuildError as error:
        print(error, file=sys.stderr)
        sys.exit(status.BAD_INPUT)


def _tell_offers(offers: list[Offer], refused: tuple[str, ...]) -> None:
    from mapleproof.cli.screen import plain_table, say, screen
    from mapleproof.impl.kernel.source import at_hand

    here = at_hand()
    table = plain_table()
    for column in ("Linux", "package", "suite", "here"):
        table.add_column(column, overflow="fold")
    for offer in offers:
        version = here.get(offer.kernel)
        table.add_row(offer.kernel, f"{offer.package} {offer.version}", offer.suite, str(version or ""))
    console = screen()
    console.print(table)
    if refused:
        say(console, f"not to be had: {', '.join(refused)}")
