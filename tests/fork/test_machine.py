"""The state machine over whole histories, and that it did what it is for."""

from props.address_space_machine import COUNTS, AddressSpaceMachine

TestAddressSpaces = AddressSpaceMachine.TestCase


def test_forks_failed_and_went_well() -> None:
    """Runs after the machine, which stands above."""
    assert COUNTS["fork"] > 0
    assert COUNTS["failed fork"] > 0
    assert COUNTS["exit"] > 0
