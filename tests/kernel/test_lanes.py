"""The lanes on the C tree: the loop does what single steps do, only what is known is found, seeds are."""

import random
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import settings

from mapleproof.cli.cli import main
from mapleproof.impl.compiled import is_compiled
from mapleproof.impl.kernel.build import Variant, build
from mapleproof.impl.kernel.mistakes import SEEDS
from mapleproof.impl.kernel.seed import KernelSeed
from mapleproof.impl.kernel.seeds import seed_named
from mapleproof.impl.kernel.wire import STEP
from mapleproof.props.common.guard import WALL, OutOfTime, budget
from mapleproof.props.common.port import PortError
from mapleproof.props.job.choose_port import choose_port
from mapleproof.props.job.kernel_seeds import search
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.kernel_port import KernelPort
from mapleproof.props.maple.lanes import bulk
from mapleproof.props.maple.lanes.bulk import NEVER
from mapleproof.props.maple.lanes.machines import run_machine
from mapleproof.props.maple.lanes.maple_machine import MapleMachine
from mapleproof.props.maple.lanes.sides_recorded import step
from mapleproof.props.maple.lockstep import Lockstep
from mapleproof.props.maple.loop.again import operations
from mapleproof.props.maple.loop.seat import Seat, run_on, wanted_of
from mapleproof.props.maple.loop.tape import Tape
from mapleproof.props.maple.mixes import draw_mix
from mapleproof.props.maple.rules import Rules
from mapleproof.props.maple.subject import MAPLE_TREE
from tests.kernel.conftest import tree_of

QUICK = ("gap-too-exact", "find-repeats", "subtree-leak", "dup-forgets-slot", "no-node-to-pop")
"""One seed of each kind: a wrong answer, a leak, a crash, a failed assertion."""

BESIDE = ("append-beside-readers", "dead-load", "dead-mark-unordered")
"""One of each kind that only a reader beside a writer meets: changed, looked at, seen in another order."""


@pytest.mark.parametrize("number", range(12))
def test_the_loop_is_the_same_run_within_through_a_pipe_and_step_by_step(port: str, number: int) -> None:
    """And no step of it breaks a rule of use."""
    mix = draw_mix(random.Random(number), careful=True)
    make_port = choose_port(port, MAPLE_TREE)
    piped_port, single = (make_port(mix.alloc_range, mix.rcu) for _ in range(2))
    assert isinstance(piped_port, KernelPort)
    wanted = wanted_of(piped_port, number, 600, careful=True)
    tape = Tape(piped_port.kernel.exchange)
    through = run_on(wanted, tape)
    assert through is not None
    steps = list(STEP.iter_unpack(tape.encoded(0)))
    if is_compiled():
        seat = Seat(piped_port.kernel.build)
        within = seat.run(wanted)
        assert within is not None
        assert (within.operations, within.events) == (through.operations, through.events)
        assert list(seat.steps()) == steps
        seat.close()
    lockstep = Lockstep(single, alloc_range=mix.alloc_range, rcu=mix.rcu, rhythm=NEVER)
    rules = Rules(mix.alloc_range, mix.rcu, careful=True, traits=single.traits)
    for op in operations(steps):
        if isinstance(op, ops.Snapshot):
            lockstep.verify(op.tree)
        else:
            assert rules.refusal(op, lockstep.model) is None
            step(lockstep, rules, op)
    lockstep.finish()


@pytest.mark.skipif(not is_compiled(), reason="nothing is compiled here")
def test_a_run_that_was_given_up_answers_nobody_later(port: str) -> None:
    kernel_port = choose_port(port, MAPLE_TREE)(False, False)
    assert isinstance(kernel_port, KernelPort)
    seat = Seat(kernel_port.kernel.build)
    with pytest.raises(OutOfTime), budget(0.3, WALL):
        seat.run(wanted_of(kernel_port, 3, 1_000_000_000, careful=True))
    small = wanted_of(kernel_port, 0, 600, careful=True)
    again = seat.run(small)
    assert again is not None
    other = Seat(kernel_port.kernel.build)  # forked later, it holds the first one's pipe open
    assert other.run(small) is not None
    seat.close()
    other.close()


def test_nothing_but_what_is_known_is_found(port: str) -> None:
    runs = [bulk.run(number, 4000, choose_port(port, MAPLE_TREE), careful=True) for number in range(50)]
    assert [run.finding for run in runs if run.finding] == []
    assert sum(run.operations for run in runs) > 150_000


@pytest.mark.late
def test_what_is_known_is_found_without_care(port: str) -> None:
    """In a few runs, and told apart by kind, operation and place."""
    findings = [bulk.run(number, 2000, choose_port(port, MAPLE_TREE)).finding for number in range(16)]
    sorts = {finding.difference.sort for finding in findings if finding}
    assert len(sorts) >= 3
    assert any(sort.startswith("SIGSEGV in mas_") and "maple_tree.c:" in sort for sort in sorts)


def test_the_state_machine_agrees(port: str) -> None:
    class Machine(MapleMachine):
        make_port = staticmethod(choose_port(port, MAPLE_TREE))
        careful = True

    assert run_machine(Machine, settings(max_examples=2 * settings().max_examples)) is None


@pytest.mark.parametrize("name", [*QUICK, *BESIDE])
def test_a_seed_is_found_and_its_case_confirmed(port: str, name: str, tmp_path: Path) -> None:
    _found(port, next(seed for seed in SEEDS if seed.name == name), tmp_path)


@pytest.mark.deep
@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.name)
def test_every_seed_is_found(port: str, seed: KernelSeed, tmp_path: Path) -> None:
    _found(port, seed, tmp_path)


def _found(port: str, seed: KernelSeed, out: Path) -> None:
    found = search(port, seed, 120, out)
    assert found.case is not None
    assert found.confirmed


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, list(arguments))
    return result.exit_code, result.output


def test_check_plants_a_seed_in_the_c_tree(port: str, tmp_path: Path) -> None:
    limits = ("--seconds", "4", "--jobs", "1", "--lane", "bulk", "--avoid-known", "--out", str(tmp_path))
    status, output = run("check", "--port", port, *limits, "--seeded", "cyclic-repeats")
    assert status == 1
    case = next(path for path in tmp_path.glob("*.jsonl") if str(path) in output)
    assert f"mapleproof replay {case} --port '{port}?seed=cyclic-repeats'" in output
    assert run("replay", str(case), "--port", port, "--seeded", "cyclic-repeats")[0] == 1
    assert run("replay", str(case), "--port", f"{port}?seed=cyclic-repeats")[0] == 1
    assert run("replay", str(case), "--port", port)[0] == 0


def test_a_seed_that_cannot_be_built_is_told_and_the_others_are_looked_for(
    port: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = seed_named("cyclic-repeats")._replace(name="broken", replace="no such word")
    monkeypatch.setattr("mapleproof.impl.kernel.seeds.SEEDS", (broken, *SEEDS))
    tree = port.removeprefix("kernel:")
    names = ("broken", "metadata-short")
    status, output = run("kernel", "seeds", *names, "--path", tree, "--out", str(tmp_path))
    assert status == 2
    assert "broken: " in output
    assert "does not compile" in output
    assert "metadata-short: broken invariant" in output
    assert output.splitlines()[-1].startswith("Not built with broken; 1 of 1 mistakes are found")


def test_seeds_of_the_c_tree_are_named(port: str) -> None:
    status, output = run("check", "--port", port, "--seeded", "list")
    assert status == 0
    assert [line.split()[0] for line in output.splitlines()] == [seed.name for seed in SEEDS]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--port", "kernel:/nowhere/at/all"), "/nowhere/at/all: no such folder"),
        (
            ("--port", "kernel:{folder}"),
            "not a kernel source tree with a maple tree: lib/maple_tree.c is missing",
        ),
        (
            ("--port", "kernel:{kernel}?sanitise=address"),
            "no such option: sanitise; there are sanitize, debug, seed, bits",
        ),
        (("--port", "kernel:{kernel}", "--seeded", "nothing"), "no seed is named nothing"),
        (("--port", "kernel:{kernel}", "--sanitize", "nonsense"), "does not compile: "),
        (("--debug",), "--sanitize and --debug are for the port kernel:PATH, not for impl"),
    ],
)
def test_bad_input_is_one_line(kernel: Path, tmp_path: Path, arguments: tuple[str, ...], told: str) -> None:
    given = [argument.format(folder=tmp_path, kernel=kernel) for argument in arguments]
    status, output = run("check", "--seconds", "0", *given)
    assert status == 2
    assert told in output
    assert len(output.splitlines()) == 1


def test_a_missing_compiler_is_one_line(kernel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    status, output = run("kernel", "build", str(kernel))
    assert (status, output) == (2, "no C compiler: no-such-compiler is not installed\n")


def test_port_errors_have_a_class_of_their_own() -> None:
    with pytest.raises(PortError, match=r"there is no port .kernal:x.; did you mean kernel:PATH"):
        choose_port("kernal:x", MAPLE_TREE)


@pytest.mark.late
def test_the_first_harm_is_made_small_not_what_came_of_it() -> None:
    """A run that crashes after thousands of steps over a tree that was broken long before."""
    seeded = build(tree_of("6.12"), Variant(seed="root-expand"))
    finding = bulk.run(2, 10_000, lambda *flags: KernelPort(seeded, *flags), careful=True).finding
    assert finding is not None
    assert finding.after > 1000
    assert len(finding.difference.steps) <= 12
