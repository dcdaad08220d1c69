"""The limits on what steps and runs may take."""

import gc
import signal
import threading
import time

import pytest

from mapleproof.props.common.difference import CRASH, Difference
from mapleproof.props.common.guard import PROCESSOR, Hang, OutOfTime, budget, limited_steps, step, time_limit
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.lockstep import Lockstep
from mapleproof.props.maple.ports import ImplPort


def forever() -> None:
    while True:
        pass


def test_what_hangs_is_ended() -> None:
    with pytest.raises(Hang), time_limit(0.01):
        forever()


def test_an_implementation_that_hangs_is_a_crash_of_its_operation() -> None:
    port = ImplPort()
    port.trees[0].load = lambda index: forever()
    with pytest.raises(Difference) as raised, time_limit(0.1, PROCESSOR):
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


def test_each_step_has_its_limit() -> None:
    with limited_steps(0.05):
        for _ in range(2):
            with pytest.raises(Hang, match=r"within 0\.05 seconds"), step():
                forever()
        end = time.process_time() + 0.2
        while time.process_time() < end:
            pass  # between steps there is none
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_a_step_may_not_fill_the_memory() -> None:
    held = []

    def grow() -> None:
        while True:
            held.append(bytearray(1 << 20))

    with pytest.raises(Hang, match="before it had taken"), limited_steps(60, memory=30 << 20), step():
        grow()
    assert 20 < len(held) < 2000


def test_a_budget_ends_a_run_and_is_no_answer_of_a_port() -> None:
    port = ImplPort()
    port.trees[0].load = lambda index: forever()
    with pytest.raises(OutOfTime), budget(0.05):
        port.apply(ops.MtreeLoad(3))


def test_the_collector_does_not_swallow_it() -> None:
    """What a callback of the garbage collector raises is lost, and a run that grows is mostly in there."""

    def callback(phase: str, info: object) -> None:
        end = time.process_time() + 0.002
        while time.process_time() < end:
            pass

    def collect() -> None:
        while True:
            gc.collect(0)

    gc.callbacks.append(callback)
    try:
        with pytest.raises(Hang), time_limit(0.05):
            collect()
    finally:
        gc.callbacks.remove(callback)
