"""The state machine over whole histories, and that it did what it is for."""

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from mapleproof.props.mm.machine import COUNTS, AddressSpaceMachine


def test_histories_of_address_spaces() -> None:
    before = dict(COUNTS)
    run_state_machine_as_test(
        AddressSpaceMachine, settings=settings(max_examples=settings().max_examples * 4)
    )
    assert COUNTS["fork"] > before["fork"]
    assert COUNTS["failed fork"] > before["failed fork"]
    assert COUNTS["exit"] > before["exit"]
