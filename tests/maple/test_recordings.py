"""The recordings of the C maple tree, for the model; mapleproof.tests has them for every port."""

from pathlib import Path

import pytest

from mapleproof.props.job.subjects import open_case
from mapleproof.props.maple.ports import ModelPort
from mapleproof.props.maple.subject import MAPLE_TREE

RECORDINGS = sorted((Path(__file__).parent / "cases").glob("*.jsonl*"))


def test_the_recordings_are_there() -> None:
    assert len(RECORDINGS) >= 28


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.name.partition(".")[0])
@pytest.mark.parametrize("level", ["documented", "exact"])
def test_model_answers_as_recorded(path: Path, level: str) -> None:
    case = open_case(path)
    result = MAPLE_TREE.replay(case, ModelPort(**case.header.flags), level)
    assert result.difference is None
    assert result.steps > 0
