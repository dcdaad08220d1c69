"""The executor of LLVM IR: the same answers as the compiled code, over thousands of inputs and every kind of
instruction; what it does not know it does not judge."""

from __future__ import annotations

import ctypes
import random
import re
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import z3

from mapleproof.impl.kernel.errors import KernelBuildError
from mapleproof.proofs.engine.paths import Explored, Paths, claim
from mapleproof.proofs.engine.words import Word
from mapleproof.proofs.ir import steps
from mapleproof.proofs.ir.cuts import Cut, Sentences
from mapleproof.proofs.ir.errors import ExecutorError, Missing, NotUnderstood
from mapleproof.proofs.ir.frame import Frame
from mapleproof.proofs.ir.instructions import OPS
from mapleproof.proofs.ir.machine import Hook, Machine, TurnOver
from mapleproof.proofs.ir.module import Program
from mapleproof.proofs.kernel import compiler

pytestmark = pytest.mark.source

SOURCE = Path(__file__).with_name("executed.c")
FLAGS = ("-O1", "-fno-strict-overflow", "-fno-strict-aliasing", "-w")
WORDS = (0, 1, 2, 7, 8, 255, 256, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 1)
INPUTS = 300
ONLY_IN_KERNELS = {"callbr", "unreachable", "freeze", "insertvalue"}
"""Kinds of instructions that no function of the file has; each has a test of its own."""


def compiled(folder: Path, text: str) -> Program:
    """A C text as a program; a skip where there is no clang."""
    try:
        clang = compiler.clang()
    except KernelBuildError as error:
        pytest.skip(str(error))
    source, made = folder / "unit.c", folder / "unit.ll"
    source.write_text(text)
    passes = ["-Xclang", "-disable-llvm-passes", "-fno-discard-value-names"]
    subprocess.run([*clang, *FLAGS, *passes, "-S", "-emit-llvm", source, "-o", made], check=True)
    return Program.read([made])


def written(folder: Path, text: str) -> Program:
    """IR that is written here."""
    path = folder / "unit.ll"
    path.write_text(text)
    return Program.read([path])


def explore(
    program: Program, name: str, *args: Any, asm: Any = None, **hooks: Hook
) -> tuple[Explored, list[Any]]:
    """A function executed on every path, and what it returns on each."""
    answers = []

    def run() -> None:
        made = [Word.named(arg).term if isinstance(arg, str) else arg for arg in args]
        answers.append(Machine(program, hooks, asm=asm).call(name, made))

    return Paths(run).explore(), answers


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Program, Any]:
    """The file as a program for the executor, and as compiled code."""
    folder = tmp_path_factory.mktemp("ir")
    program = compiled(folder, SOURCE.read_text())
    library = folder / "unit.so"
    subprocess.run(
        [*compiler.clang(), *FLAGS, "-shared", "-fPIC", folder / "unit.c", "-o", library], check=True
    )
    return program, ctypes.CDLL(str(library))


COUNTS: Counter[str] = Counter()


@pytest.mark.parametrize("name", re.findall(r"^u64 (\w+)\(", SOURCE.read_text(), re.MULTILINE))
def test_it_answers_as_the_compiled_code(both: tuple[Program, Any], name: str) -> None:
    program, library = both
    function = getattr(library, name)
    function.restype, function.argtypes = ctypes.c_uint64, (ctypes.c_uint64, ctypes.c_uint64)
    draw = random.Random(name)
    inputs = [(one, other) for one in WORDS for other in WORDS]
    inputs += [
        (draw.getrandbits(draw.randint(1, 64)), draw.getrandbits(draw.randint(1, 64))) for _ in range(INPUTS)
    ]

    def run() -> None:
        for one, other in inputs:
            machine = Machine(program)
            assert machine.call(name, [one, other]) == function(one, other), (name, one, other)
            COUNTS.update(machine.counts)

    found = Paths(run).explore()
    assert found.refuted is None, found.refuted
    assert found.proved


def test_every_kind_of_instruction_is_compared_or_tested_by_itself(both: tuple[Program, Any]) -> None:
    seen = set()
    for unit in both[0].units:
        for symbol in unit.texts:
            function = unit.function(symbol)
            for block, lines in function.blocks.items():
                seen |= {function.line(block, at).op for at in range(len(lines))}
    assert seen >= OPS - ONLY_IN_KERNELS, OPS - seen
    assert not seen & {"callbr", "unreachable"}


def test_a_wrong_step_is_noticed(both: tuple[Program, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison can fail."""
    program, library = both
    library.arithmetic.restype = ctypes.c_uint64
    right = library.arithmetic(ctypes.c_uint64(5), ctypes.c_uint64(9))
    assert explore(program, "arithmetic", 5, 9)[1] == [right]
    monkeypatch.setitem(steps.STEPS, "binary", lambda machine, frame, line: 0)
    assert explore(program, "arithmetic", 5, 9)[1] != [right]


@pytest.mark.parametrize(("one", "other"), [(3, 9), (2**64 - 1, 5), (2**40 + 6, 2**63)])
def test_symbolic_answers_hold_for_the_same_inputs(both: tuple[Program, Any], one: int, other: int) -> None:
    """What is calculated over words is what the compiled code calculates."""
    program, library = both
    for name in ("arithmetic", "shifts", "narrow", "compared", "chosen", "handed_over"):
        function = getattr(library, name)
        function.restype, function.argtypes = ctypes.c_uint64, (ctypes.c_uint64, ctypes.c_uint64)
        right = function(one, other)

        def run(name: str = name, right: int = right) -> None:
            words = [Word.named(each).term for each in ("one", "other")]
            given = z3.And(words[0] == one, words[1] == other)
            claim(name, z3.Implies(given, Machine(program).call(name, words) == right))

        found = Paths(run).explore()
        assert found.proved, (name, found)


def test_a_branch_on_a_word_takes_both_sides(tmp_path: Path) -> None:
    program = compiled(
        tmp_path, "unsigned long f(unsigned long a) { if (a < 5) return 1; if (a == 7) return 2; return 3; }"
    )
    found, answers = explore(program, "f", "a")
    assert (found.paths, sorted(answers)) == (3, [1, 2, 3])


OUTSIDE = """
unsigned long null(unsigned long *a) { return *a; }
unsigned long beside(unsigned long a) { unsigned long row[4] = { 0 }; return row[a]; }
unsigned long shift(unsigned long a) { return 1UL << a; }
unsigned long divided(unsigned long a) { return 7 / a; }
unsigned long far(void) { return *(unsigned long *)0xffff800000000000; }
unsigned long unknown(unsigned long a) { extern unsigned long other(unsigned long); return other(a); }
unsigned long pointed(unsigned long (*a)(void)) { return a(); }
"""


@pytest.mark.parametrize(
    ("name", "args", "told"),
    [
        ("null", (0x406,), "is not followed"),
        ("beside", (4,), "stays inside"),
        ("beside", ("a",), "stays inside"),
        ("shift", ("a",), "by less than the width"),
        ("divided", ("a",), "divided by 0"),
    ],
)
def test_what_the_code_does_wrong_refutes(tmp_path: Path, name: str, args: Any, told: str) -> None:
    found, _ = explore(compiled(tmp_path, OUTSIDE), name, *args)
    assert found.refuted is not None
    assert told in found.refuted[0]


@pytest.mark.parametrize(("name", "args"), [("far", ()), ("unknown", (1,)), ("pointed", (2**40,))])
def test_what_is_not_known_does_not(tmp_path: Path, name: str, args: Any) -> None:
    with pytest.raises(NotUnderstood):
        explore(compiled(tmp_path, OUTSIDE), name, *args)


def test_an_error_of_the_executor_is_no_crash_of_the_code(tmp_path: Path) -> None:
    def fails(machine: Machine, args: list[Any]) -> int:
        return [][1]

    with pytest.raises(ExecutorError, match="IndexError"):
        explore(compiled(tmp_path, OUTSIDE), "unknown", 1, other=fails)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    program = compiled(tmp_path, OUTSIDE)
    with pytest.raises(Missing, match=r"no function gone\(\)"):
        program.function("gone")


JUMP = r"""
define i64 @f(i64 %a) {
entry:
  %b = freeze i64 %a
  %two = insertvalue { i64, i64 } undef, i64 %b, 1
  %c = extractvalue { i64, i64 } %two, 1
  callbr void asm sideeffect "jmp ${1:l}", "r,!i,!i"(i64 %c)
          to label %on [label %there, label %never]

on:
  ret i64 1

there:
  ret i64 %c

never:
  unreachable
}
"""


def test_assembly_that_jumps_goes_where_its_hook_says(tmp_path: Path) -> None:
    program = written(tmp_path, JUMP)
    assert explore(program, "f", 9, asm=lambda machine, text, args: 0)[1] == [1]
    assert explore(program, "f", 9, asm=lambda machine, text, args: 1)[1] == [9]
    found, _ = explore(program, "f", 9, asm=lambda machine, text, args: 2)
    assert found.refuted is not None
    assert "cannot be reached" in found.refuted[0]
    with pytest.raises(NotUnderstood, match="assembly in f"):
        explore(program, "f", 9)


def test_pointers_may_have_types(tmp_path: Path) -> None:
    """As clang wrote them before version 15."""
    text = """
%struct.s = type { i32, i64* }
define i64 @f(%struct.s* nocapture readonly %p) {
  %at = getelementptr inbounds %struct.s, %struct.s* %p, i64 0, i32 1
  %q = load i64*, i64** %at, align 8
  %v = load i64, i64* %q, align 8
  ret i64 %v
}
"""
    program = written(tmp_path, text)

    def run() -> None:
        machine = Machine(program)
        pointed, block = machine.block("pointed", 8), machine.block("s", 16)
        pointed.store(0, 8, 77)
        block.store(8, 8, pointed.base)
        claim("it follows the pointer", machine.call("f", [block.base]) == 77)

    assert Paths(run).explore().proved


THROUGH = """
define i64 @f(ptr %p) {
  %v = call i64 %p(i64 5)
  ret i64 %v
}
"""


def test_a_call_through_a_pointer_is_of_what_stands_at_its_address(tmp_path: Path) -> None:
    program = written(tmp_path, THROUGH)

    def run() -> None:
        machine = Machine(program)
        machine.pointers[0x5000] = lambda machine, args: args[0] + 2
        claim("it is called with the arguments", machine.call("f", [0x5000]) == 7)

    assert Paths(run).explore().proved
    with pytest.raises(NotUnderstood, match=r"through a pointer in f\(\)"):
        explore(program, "f", 0x6000)


SUM = """
unsigned long total;
unsigned long f(unsigned long n)
{
	unsigned long i = 0, sum = 0;

	while (i < n) {
		sum += 2;
		i++;
		EXTRA
	}
	return sum;
}
"""


class Doubled(Cut):
    """sum is twice i, which is not above n."""

    def __init__(self, factor: int) -> None:
        self.factor = factor

    def holds(self, machine: Machine, frame: Frame) -> Sentences:
        i, n, total = (frame.get(name) for name in ("i", "n", "sum"))
        at = i if not isinstance(i, int) else z3.BitVecVal(i, 64)
        return [("sum is so many times i", total == self.factor * at), ("i is not above n", z3.ULE(at, n))]


def by_induction(program: Program, factor: int = 2, number: int = 0) -> Explored:
    """f() returns twice its argument, by the invariant of its loop."""

    def run() -> None:
        n = Word.named("n").term
        machine = Machine(program)
        machine.cuts = {f"f:{number}": Doubled(factor)}
        try:
            claim("it is twice the argument", machine.call("f", [n]) == factor * n)
        except TurnOver:
            return

    return Paths(run).explore()


def test_a_loop_is_proved_by_its_invariant(tmp_path: Path) -> None:
    assert by_induction(compiled(tmp_path, SUM.replace("EXTRA", ""))).proved


def test_an_invariant_that_does_not_hold_is_refuted(tmp_path: Path) -> None:
    found = by_induction(compiled(tmp_path, SUM.replace("EXTRA", "")), 3)
    assert found.refuted is not None
    assert "after a turn" in found.refuted[0]


def test_what_the_invariant_is_silent_about_must_not_change(tmp_path: Path) -> None:
    with pytest.raises(NotUnderstood, match="the invariant is silent"):
        by_induction(compiled(tmp_path, SUM.replace("EXTRA", "total++;")))


def test_a_loop_that_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(Missing, match=r"f\(\) has 1 loops, not 2"):
        by_induction(compiled(tmp_path, SUM.replace("EXTRA", "")), number=1)
