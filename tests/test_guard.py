"""The limit on a run's time."""

import threading

import pytest

from props.difference import CRASH, Difference
from props.guard import Hang, time_limit
from props.lockstep import Lockstep
from props.ops import operations as ops
from props.ports import ImplPort


def forever() -> None:
    while True:
        pass


def test_what_hangs_is_ended() -> None:
    with pytest.raises(Hang), time_limit(0.01):
        forever()


def test_an_implementation_that_hangs_is_a_crash_of_its_operation() -> None:
    port = ImplPort()
    port.trees[0].load = lambda index: forever()
    with pytest.raises(Difference) as raised, time_limit(0.01):
        Lockstep(port).apply(ops.MtreeLoad(3))
    assert raised.value.kind == CRASH
    assert "Hang" in str(raised.value.actual.crash)


def test_other_threads_go_without() -> None:
    done: list[int] = []

    def run() -> None:
        with time_limit(0.01):
            done.append(1)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert done == [1]
