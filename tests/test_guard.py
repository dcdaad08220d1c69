"""The limit on a run's time."""

import signal
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


def test_a_limit_within_another() -> None:
    """The outer one goes on when the inner one has ended; whichever ends first holds."""

    def within() -> None:
        with pytest.raises(Hang, match=r"0\.01 seconds"), time_limit(0.01):
            forever()
        with time_limit(0.01):
            pass
        with time_limit(60):
            forever()

    with pytest.raises(Hang, match=r"0\.05 seconds"), time_limit(0.05):
        within()
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
