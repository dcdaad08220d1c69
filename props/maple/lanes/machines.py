"""Running the state machines: what Hypothesis finds is made small, written as a case, and told."""

import contextlib
import io
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from mapleproof.props.common.difference import Difference
from mapleproof.props.common.found import OUT, found_case, replay_command, write_found
from mapleproof.props.maple.lanes import bulk, rcu_run
from mapleproof.props.maple.lanes.maple_machine import MapleMachine
from mapleproof.props.maple.lanes.rcu_machine import RcuMachine
from mapleproof.props.maple.subject import MAPLE_TREE


def run_machine(machine: type[RuleBasedStateMachine], limits: settings | None = None) -> Difference | None:
    """Run a machine as far as the settings say. The first difference, if there is one.

    Hypothesis prints the failing rules; they are left out, since operations tell more.
    """
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            run_state_machine_as_test(machine, settings=limits)
        except Difference as difference:
            return difference
    return None


def smallest(machine: type[Any], difference: Difference) -> Difference:
    """The smallest run found that fails in the same way."""
    flags = difference.flags
    make_port = machine.make_port
    if issubclass(machine, RcuMachine):
        return rcu_run.smallest(difference, make_port, flags["alloc_range"])
    assert issubclass(machine, MapleMachine)
    return bulk.reduced(difference, make_port, machine.careful)


def report_failure(machine: type[Any], difference: Difference, name: str, out: Path = OUT) -> str:
    """Make a failure small and write it as a case. What to tell of it."""
    small = smallest(machine, difference)
    path = write_found(
        found_case(small, name, difference.flags, {"machine": machine.__name__}, MAPLE_TREE), out
    )
    return "\n".join([*MAPLE_TREE.explain(small, name), f"replay it with: {replay_command(path)}"])
