"""The page of a campaign: what ran, what was met, how far proofs and worlds came, each failure with its
picture."""

from __future__ import annotations

from pathlib import Path

from mapleproof.campaign.folder import REPORT
from mapleproof.campaign.ledger import Ledger
from mapleproof.campaign.status import Status, status_of
from mapleproof.campaign.view import rows as arm_rows
from mapleproof.campaign.view import span
from mapleproof.props.common.files import write_whole
from mapleproof.show.run_page import RunPage

MOST_PICTURES = 100
"""Failures with a picture: the smallest."""


def write_report(folder: Path, ledger: Ledger) -> None:
    """Write the page into the campaign's folder. Raises OSError."""
    write_whole(folder / REPORT, campaign_page(folder, status_of(folder, ledger)).encode())


def campaign_page(folder: Path, status: Status) -> str:
    """The page of a campaign that stands so."""
    made = RunPage()
    made.title("What was run")
    rows = [
        (
            arm.name,
            f"{arm.units:,}",
            f"{arm.operations:,}",
            f"{arm.pace:,.0f}",
            f"{arm.share:.0%}",
            f"{arm.news:,}",
            f"{arm.failures:,}",
            arm.ended,
        )
        for arm in arm_rows(status)
    ]
    headings = ("arm", "units", "operations", "a second", "share of time", "new", "failures", "")
    made.table(headings, rows, numbers=(1, 2, 3, 4, 5, 6))
    if status.cases:
        made.title(f"Sorts of failure: {len(status.cases)}")
    seeded = status.settings["seeded"]
    for case in sorted(status.cases, key=lambda case: case["steps"])[:MOST_PICTURES]:
        title = f"{case['sort']} on {case['port']}, {case['times']:,} times ({case['lane']})"
        path = str(folder / case["file"]) if case["steps"] else None
        made.failure(title, case["told"], path, case["port"], seeded)
    if status.swept:
        made.title("Forks that were made to fail")
        swept = [(name, *(f"{number:,}" for number in numbers)) for name, *numbers in status.swept]
        made.table(("recovery", "forks", "failed forks", "failure points"), swept, numbers=(1, 2, 3))
    if status.proofs:
        made.title("Proofs of growing bounds")
        proofs = [
            (proof["series"], str(proof["size"]), proof["verdict"], f"{proof['seconds']:.1f}", proof["told"])
            for proof in status.proofs
        ]
        made.table(("series", "size", "verdict", "seconds", ""), proofs, numbers=(1, 3))
    if status.worlds:
        made.title("Tiny worlds, state by state")
        worlds = [(name, f"{met:,}", f"{expanded:,}") for name, met, expanded in status.worlds]
        made.table(("world", "states met", "expanded"), worlds, numbers=(1, 2))
    if status.events:
        made.title("Events reached")
        missing = dict.fromkeys(status.missing(), "not met")
        met = {name: f"{count:,}" for name, count in sorted(status.events.items())}
        made.table(("event", "times"), list((missing | met).items()), numbers=(1,))
    sorts = len(status.cases)
    ports = ", ".join(status.settings["ports"])
    about = f"seed {status.settings['seed']}, ports {ports}, {span(status.seconds)} in all"
    about += f", {status.operations:,} operations"
    if seeded:
        about += f", planted mistake {seeded}"
    return made.written(
        f"campaign: {sorts} sorts of failure" if sorts else "campaign: all agrees", not sorts, [about]
    )
