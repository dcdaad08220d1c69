"""From a case file to its picture: which subject, which port, which mistake is planted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path

from mapleproof.cli.known_seeds import known_seed
from mapleproof.props.common.answers import Level
from mapleproof.props.common.files import Case
from mapleproof.props.common.planting import planted
from mapleproof.props.common.port import MakePort, NotOffered, PortError
from mapleproof.props.job.choose_port import choose_port
from mapleproof.props.job.subjects import read_case
from mapleproof.props.maple.subject import MAPLE_TREE
from mapleproof.props.mm.subject import ADDRESS_SPACE
from mapleproof.show.picture import Picture
from mapleproof.show.space_case import space_picture
from mapleproof.show.tree_case import tree_picture

PICTURES: Mapping[str, Callable[[Case, str, MakePort, Level], Picture]] = {
    MAPLE_TREE.name: tree_picture,
    ADDRESS_SPACE.name: space_picture,
}
"""How each subject is shown."""


def picture_of_file(
    path: Path, port: str = "impl", level: Level = "exact", seeded: str | None = None
) -> Picture:
    """Carry a case file out. Raises CaseError, PortError and UnknownSeed."""
    return picture_of(read_case(path), port, level, seeded)


def picture_of(case: Case, port: str = "impl", level: Level = "exact", seeded: str | None = None) -> Picture:
    """Carry a case out on a port, with the mistake planted that is named. Raises PortError, UnknownSeed."""
    subject = case.header.subject
    make_port = choose_port(port, subject)
    seed = None if seeded is None else known_seed(seeded)
    with nullcontext() if seed is None else planted(seed):
        try:
            picture = PICTURES[subject.name](case, port, make_port, level)
        except NotOffered as refused:
            raise PortError(f"{case.header.name}: {refused}") from None
    if seed is not None:
        picture.told = (f"planted mistake {seeded}: {seed.what}", *picture.told)
    return picture
