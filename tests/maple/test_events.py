"""Interesting events: for each there is a smallest case in which it happens."""

from collections import Counter
from pathlib import Path

import pytest

from mapleproof.cli.check_view import event_lines
from mapleproof.props.job.check import Result
from mapleproof.props.job.subjects import read_case
from mapleproof.props.maple.events import (
    ALL,
    C_EVENTS,
    C_TREE,
    READERS,
    REFUSALS,
    SHAPE,
    WRITE_KINDS,
    missing,
    wanted,
)
from mapleproof.props.maple.ports import ImplPort
from mapleproof.props.maple.subject import MAPLE_TREE

CASES = Path(__file__).parent / "cases" / "events"


def case_of(event: str) -> Path:
    return CASES / f"event-{event.replace('_', '-').replace('.', '-')}.jsonl.gz"


@pytest.mark.parametrize("event", WRITE_KINDS + SHAPE + REFUSALS + READERS)
def test_event_happens_in_its_case(event: str) -> None:
    case = read_case(case_of(event))
    port = ImplPort(**case.header.flags)
    assert MAPLE_TREE.replay(case.steps, port, "exact").difference is None
    assert not missing(port.events(), [event])


def lines(**met: int) -> list[str]:
    """What a check says of events; two underscores stand for a dot."""
    return event_lines(
        Result(events=Counter({name.replace("__", "."): times for name, times in met.items()}))
    )


def test_what_a_check_says_of_our_own_tree() -> None:
    met, left = lines(split=2, append=1)
    assert met == "2 kinds of event met in the trees"
    assert left.startswith("not met in this run: store_root, ")
    assert "mas_split" not in left


def test_what_a_check_says_of_the_c_tree() -> None:
    """Those of our own tree are not expected of it; a tracepoint that 6.12 does not have is told too."""
    (line,) = lines(c__new_place=1, c__mas_rebalance=1, c__mas_split=2)
    assert line.startswith(
        "events met in the C tree: mas_split, mas_rebalance, new_place; not met in this run: "
    )
    assert set(line.rpartition(": ")[2].split(", ")) == {
        name.removeprefix(C_TREE) for name in C_EVENTS if name not in ("c.mas_split", "c.mas_rebalance")
    }
    assert lines(**{name.replace(".", "__"): 1 for name in C_EVENTS})[0].endswith(", height_5")


def test_nothing_is_expected_of_a_tree_that_was_not_in_the_run() -> None:
    assert wanted({}) == wanted({"live.fork": 3}) == ()
    assert wanted({"split": 1}) == ALL
    assert wanted({"c.mas_split": 1}) == C_EVENTS
    assert wanted({"split": 1, "c.mas_split": 1}) == ALL + C_EVENTS


def test_missing_events_are_told() -> None:
    assert missing({"split": 1, "append": 0}, ["split", "append", "rebalance"]) == ["append", "rebalance"]
