"""From a case file to its picture: which subject, which port, which mistake is planted."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

from props.cases.files import Case, read_case
from props.choose_port import PortError, choose_port
from props.ops.answers import Level
from props.ops.subjects import ADDRESS_SPACE
from props.seeded.planting import known_seed
from props.seeded.seeding import planted
from props.show.picture import Picture
from props.show.space_case import MAKE, space_picture
from props.show.tree_case import tree_picture


def picture_of_file(
    path: Path, port: str = "impl", level: Level = "exact", seeded: str | None = None
) -> Picture:
    """Carry a case file out. Raises CaseError, PortError and UnknownSeed."""
    return picture_of(read_case(path), port, level, seeded)


def picture_of(case: Case, port: str = "impl", level: Level = "exact", seeded: str | None = None) -> Picture:
    """Carry a case out on a port, with the mistake planted that is named. Raises PortError, UnknownSeed."""
    make_port = choose_port(port)
    seed = None if seeded is None else known_seed(seeded)
    with nullcontext() if seed is None else planted(seed):
        if case.header.subject is not ADDRESS_SPACE:
            picture = tree_picture(case, port, make_port, level)
        elif port in MAKE:
            picture = space_picture(case, port)
        else:
            raise PortError(f"{case.header.name} is about address spaces, which only {', '.join(MAKE)} have")
    if seed is not None:
        picture.told = (f"planted mistake {seeded}: {seed.what}", *picture.told)
    return picture
