"""Tiny worlds, visited whole: every tree over a few indices, every operation on each."""

import pytest

from mapleproof.impl.maple import Geometry
from mapleproof.props.common.planting import planted
from mapleproof.props.maple.lanes.tiny import explore
from mapleproof.props.maple.seeds import BY_NAME


def fibonacci(n: int) -> int:
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a


# States (shapes of nodes) by number of indices: counted once, and the same ever since. Steps are states times
# operations, of which there are n erasures and n (n + 3) stores: to each later index and to the top, of an
# entry and of NULL.
STATES = {3: 36, 4: 91, 5: 351, 6: 1058}


def holds(indices: int, rcu: bool) -> None:
    found = explore(indices, rcu=rcu)
    assert found.failure is None
    assert found.states == STATES[indices]
    assert found.steps == found.states * (indices + indices * (indices + 3))
    # Each index may begin a new range and each range holds an entry or NULL, touching NULLs being one: every
    # second Fibonacci number.
    assert found.contents == fibonacci(2 * indices + 3)


@pytest.mark.parametrize("rcu", [False, True])
@pytest.mark.parametrize("indices", [3, 4, 5])
def test_whole_worlds(indices: int, rcu: bool) -> None:
    holds(indices, rcu)


@pytest.mark.deep
@pytest.mark.parametrize("rcu", [False, True])
def test_a_larger_world(rcu: bool) -> None:
    holds(6, rcu)


def test_worlds_of_two_levels_meet_what_matters() -> None:
    found = explore(5)
    assert set(found.heights) == {0, 1, 2}
    for event in ("split", "rebalance", "spanning_store", "new_root", "height_up", "height_down"):
        assert found.events[event], event


@pytest.mark.source
@pytest.mark.parametrize("name", ["W15_leaf_overflows", "W20_split_at_null", "G12_first_slot_from_zero"])
def test_a_tiny_world_finds_a_seed(name: str) -> None:
    with planted(BY_NAME[name]):
        assert explore(5).failure is not None


@pytest.mark.parametrize(
    "shape",
    [
        (3, 4, 1, 1),
        (4, 4, 2, 2),
        (5, 4, 3, 2),
        (16, 10, 8, 5),
        (16, 10, 7, 6),
        (5, 3, 2, 1),
        (5, 17, 2, 2),
        (5, 4, 0, 2),
    ],
)
def test_fan_outs_that_no_split_could_keep_are_refused(shape: tuple[int, int, int, int]) -> None:
    """(4, 4, 2, 2): a store into a full leaf makes 5 or 6 slots; 5 are 3 and 2, or 4 and 1 if a NULL would
    end the first."""
    with pytest.raises(ValueError, match="cannot be balanced"):
        Geometry(*shape)


@pytest.mark.parametrize("shape", [(5, 4, 2, 2), (6, 5, 2, 2), (6, 4, 2, 2), (16, 10, 7, 5)])
def test_those_that_are_taken_are_kept(shape: tuple[int, int, int, int]) -> None:
    assert explore(4, rcu=True, geometry=Geometry(*shape)).failure is None
