"""The recordings of the C maple tree, for the model; test_ports.py has them for every port."""

from pathlib import Path

import pytest

from props.cases.files import CaseReader
from props.cases.replay import replay
from props.ports import ModelPort

RECORDINGS = sorted((Path(__file__).parent / "cases").glob("*.jsonl*"))


def test_the_recordings_are_there() -> None:
    assert len(RECORDINGS) >= 28


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.name.partition(".")[0])
@pytest.mark.parametrize("level", ["documented", "exact"])
def test_model_answers_as_recorded(path: Path, level: str) -> None:
    case = CaseReader(path)
    result = replay(case, ModelPort(**case.header.flags), level)
    assert result.difference is None
    assert result.steps > 0
