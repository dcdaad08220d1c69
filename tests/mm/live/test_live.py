"""The running kernel's address spaces beside reference and implementation; recordings of it for anywhere."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mapleproof.cli.cli import main
from mapleproof.impl.kernel.live import REGION, AgentDied, LiveSpaces, why_not
from mapleproof.props.common.answers import Answer
from mapleproof.props.common.found import found_case, write_found
from mapleproof.props.common.operation import Common
from mapleproof.props.common.port import NotOffered
from mapleproof.props.job.replay import replay_file
from mapleproof.props.job.subjects import read_case
from mapleproof.props.mm import live_failing as failing
from mapleproof.props.mm import operations as ops
from mapleproof.props.mm.live_lockstep import FLAGS, LiveLockstep
from mapleproof.props.mm.live_port import LivePort
from mapleproof.props.mm.live_run import carry_out, history
from mapleproof.props.mm.subject import ADDRESS_SPACE

RECORDINGS = sorted((Path(__file__).parent / "recordings").glob("*.gz"))
PAGE = 4096
BASE = REGION.start
RW = 3

needs_kernel = pytest.mark.skipif(bool(why_not()), reason=why_not() or "live spaces can be had")


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.name.partition(".")[0])
@pytest.mark.parametrize("port", ["model", "impl"])
def test_recordings_of_the_running_kernel(path: Path, port: str) -> None:
    result = replay_file(path, port)
    assert result.difference is None
    assert result.steps > 50


def test_recordings_hold_what_matters() -> None:
    assert len(RECORDINGS) >= 12
    kinds = Counter(type(step.op) for path in RECORDINGS for step in read_case(path).steps)
    assert min(kinds[kind] for kind in (ops.Fork, ops.Mremap, ops.Read, ops.Madvise, ops.TableBytes)) >= 10


@needs_kernel
@pytest.mark.parametrize("path", RECORDINGS[:4], ids=lambda path: path.name.partition(".")[0])
def test_recordings_replay_on_the_running_kernel(path: Path) -> None:
    assert replay_file(path, "live").difference is None


@needs_kernel
def test_histories_agree() -> None:
    runs = [history(f"test/{number}") for number in range(150)]
    assert [run.difference for run in runs if run.difference] == []
    kinds: Counter[str] = sum((run.kinds for run in runs), Counter())
    assert kinds.total() == 150 * 25
    assert min(kinds[name] for name in ("fork", "exit", "mremap", "madvise", "mprotect", "read")) > 50


@needs_kernel
@pytest.mark.deep
def test_ten_thousand_histories_agree() -> None:
    assert [run.difference for run in (history(f"deep/{n}") for n in range(10_000)) if run.difference] == []


def _leaves_tables(apply: Callable[..., Answer]) -> Callable[..., Answer]:
    """A kernel that keeps a page table at every munmap."""

    def wrong(port: LivePort, op: Common) -> Answer:
        answer = apply(port, op)
        if isinstance(op, ops.Munmap):
            port.kept = getattr(port, "kept", 0) + PAGE  # type: ignore[attr-defined]
        if isinstance(op, ops.TableBytes) and isinstance(answer.index, int) and answer.index:
            return Answer(index=answer.index + getattr(port, "kept", 0))
        return answer

    return wrong


def _forgets_wipe(apply: Callable[..., Answer]) -> Callable[..., Answer]:
    """A kernel that does not heed MADV_WIPEONFORK."""

    def wrong(port: LivePort, op: Common) -> Answer:
        wipes = isinstance(op, ops.Madvise) and op.advice == "wipeonfork"
        return apply(port, replace(op, advice="keeponfork") if wipes else op)

    return wrong


@needs_kernel
@pytest.mark.parametrize(("mistake", "most"), [(_leaves_tables, 10), (_forgets_wipe, 6)])
def test_a_wrong_kernel_is_found_and_its_case_is_small(
    mistake: Any, most: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(LivePort, "apply", mistake(LivePort.apply))
        found = next(run.difference for run in map(history, range(100)) if run.difference)
        asked = (ops.Vmas, ops.TableBytes)
        program = [step.op for step in found.steps if not isinstance(step.op, asked)]
        assert len(program) <= most
        assert carry_out(program) is not None
        path = write_found(found_case(found, "wrong", FLAGS, {}, ADDRESS_SPACE), tmp_path)
        assert replay_file(path, "live").difference is not None
    assert replay_file(path, "live").difference is None


@needs_kernel
def test_copy_on_write() -> None:
    sides = LiveLockstep()
    program = [
        ops.Mmap(0, BASE, 4 * PAGE, RW, None),
        ops.Write(0, BASE, 5),
        ops.Fork(0, 1, "unmap_in_place"),
        ops.Write(1, BASE, 6),
        ops.Read(0, BASE),
        ops.Read(1, BASE),
    ]
    answers = [sides.apply(op) for op in program]
    sides.close()
    assert [answer.entry for answer in answers[-2:]] == [5, 6]


@needs_kernel
def test_a_process_that_dies_is_an_answer() -> None:
    live = LiveSpaces()
    with pytest.raises(AgentDied, match="the process of space 0 died"):
        live.read(0, BASE)  # nothing is mapped there
    live.close()


@needs_kernel
@pytest.mark.parametrize(
    ("op", "reason"),
    [
        (ops.Mmap(0, 0, PAGE, RW, None), "a live space has addresses from 0x8000000000"),
        (ops.Mmap(0, BASE, PAGE, RW | 0x400000, None), "only protection and VM_SHARED"),
        (ops.Fork(0, 1, "undo_v4", fail_after=3), "is not asked this"),
        (ops.Committed(), "is not asked this"),
    ],
)
def test_what_is_not_offered(op: Common, reason: str) -> None:
    port = LivePort()
    with pytest.raises(NotOffered, match=reason):
        port.apply(op)
    port.close()


@needs_kernel
@pytest.mark.skipif(bool(failing.why_not()), reason=failing.why_not() or "forks can be made to fail")
def test_forks_that_fail_leave_nothing() -> None:
    came = failing.failing_forks(rounds=2)
    assert came.wrong == []
    assert 0 < came.failed < came.tried or came.how == "a limit to the number of tasks"
    assert set(came.errors) <= {-12, -11}


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, list(arguments))
    return result.exit_code, result.output


@needs_kernel
def test_check_on_the_running_kernel(tmp_path: Path) -> None:
    status, output = run("check", "--port", "live", "--seconds", "1", "--jobs", "1", "--out", str(tmp_path))
    assert status == 0
    assert "on the running kernel: " in output
    assert (
        "forks of it failed half-way, and left nothing" in output or "no fork can be made to fail" in output
    )


def test_what_live_cannot_replay_is_one_line(tmp_path: Path) -> None:
    tree = Path(__file__).parents[2] / "kernel" / "findings" / "insert-over-everything.jsonl"
    status, output = run("replay", str(tree), "--port", "live")
    assert status == 2
    assert len(output.splitlines()) == 1
