"""What a case can be about, and reading one."""

from collections.abc import Mapping
from pathlib import Path

from mapleproof.props.common.files import Case, CaseReader
from mapleproof.props.common.subject import Subject
from mapleproof.props.maple.subject import MAPLE_TREE
from mapleproof.props.mm.subject import ADDRESS_SPACE

SUBJECTS: Mapping[str, Subject] = {subject.name: subject for subject in (MAPLE_TREE, ADDRESS_SPACE)}


def open_case(path: str | Path) -> CaseReader:
    """A case file, to be read step by step. Raises CaseError."""
    return CaseReader(path, SUBJECTS)


def read_case(path: str | Path) -> Case:
    """A whole case file. Raises CaseError."""
    reader = open_case(path)
    return Case(reader.header, list(reader))
