"""The state machine over whole histories, and that it did what it is for."""

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from props.fork.machine import COUNTS, AddressSpaceMachine


def test_histories_of_address_spaces() -> None:
    before = dict(COUNTS)
    run_state_machine_as_test(AddressSpaceMachine, settings=settings())
    assert COUNTS["fork"] > before["fork"] + 10
    assert COUNTS["failed fork"] > before["failed fork"] + 10
    assert COUNTS["exit"] > before["exit"] + 10
