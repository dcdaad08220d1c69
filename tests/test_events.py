"""Interesting events: for each there is a smallest case in which it happens."""

from pathlib import Path

import pytest

from props.cases.files import read_case
from props.cases.replay import replay
from props.events import READERS, REFUSALS, SHAPE, WRITE_KINDS, missing
from props.lanes.bulk import events_of
from props.ports import ImplPort

CASES = Path(__file__).parent / "cases" / "events"


def case_of(event: str) -> Path:
    return CASES / f"event-{event.replace('_', '-').replace('.', '-')}.jsonl.gz"


@pytest.mark.parametrize("event", WRITE_KINDS + SHAPE + REFUSALS + READERS)
def test_event_happens_in_its_case(event: str) -> None:
    case = read_case(case_of(event))
    port = ImplPort(**case.header.flags)
    assert replay(case.steps, port, "exact").difference is None
    assert not missing(events_of(port), [event])


def test_missing_events_are_told() -> None:
    assert missing({"split": 1, "append": 0}, ["split", "append", "rebalance"]) == ["append", "rebalance"]
