"""The engine itself: programs whose answer is known."""

from __future__ import annotations

from dataclasses import replace

import pytest
import z3

from mapleproof.impl.mm.words import wrap
from mapleproof.proofs.engine import patience
from mapleproof.proofs.engine.claim import Claim, Edit, Twin, describe, exit_status, judge
from mapleproof.proofs.engine.paths import Paths, Program, assume, claim
from mapleproof.proofs.engine.words import Word

pytestmark = pytest.mark.source

TOP = 2**64 - 1


def test_both_sides_of_a_branch_are_visited() -> None:
    seen: list[bool] = []

    def program() -> None:
        seen.append(bool(Word.named("x") < 5))

    found = Paths(program).explore()
    assert sorted(seen) == [False, True]
    assert (found.paths, found.proved) == (2, True)


def test_an_infeasible_side_is_dropped() -> None:
    def program() -> None:
        x = Word.named("x")
        assume(x < 3)
        claim("it is below 5", bool(x < 5))

    found = Paths(program).explore()
    assert (found.paths, found.proved) == (1, True)


def test_three_branches_of_two_words_give_the_paths_that_there_are() -> None:
    def program() -> None:
        x, y = Word.named("x"), Word.named("y")
        _ = (bool(x < y), bool(x == y), bool(x > y))

    assert Paths(program).explore().paths == 3


def test_words_wrap() -> None:
    def program() -> None:
        x = Word.named("x")
        assume(x == 0)
        claim("0 - 1 is the top", wrap(x - 1) == TOP)  # type: ignore[arg-type, operator]
        claim("top + 1 is 0", wrap(Word.named("y") - Word.named("y")) == 0)  # type: ignore[arg-type]

    assert Paths(program).explore().proved


def test_order_is_unsigned() -> None:
    def program() -> None:
        x = Word.named("x")
        assume(x >= 1 << 63)
        claim("the upper half is above the lower", x > (1 << 63) - 1)

    assert Paths(program).explore().proved


def test_a_comparison_of_what_was_not_wrapped_is_refuted() -> None:
    def program() -> None:
        _ = bool(Word.named("end") - 1 < 7)

    found = Paths(program).explore()
    assert found.refuted is not None
    assert found.refuted[1] == {"end": 0}


def test_a_sum_that_cannot_leave_64_bits_may_be_compared() -> None:
    def program() -> None:
        x = Word.named("x")
        assume(x < 100)
        _ = bool(x + 1 < 7)

    assert Paths(program).explore().proved


@pytest.mark.parametrize("bad", [1.5, None, "x", True])
def test_a_word_meets_only_words(bad: object) -> None:
    def program() -> None:
        _ = Word.named("x") < bad  # type: ignore[operator]

    with pytest.raises(TypeError, match="is no word"):
        Paths(program).explore()


def test_a_plain_number_that_64_bits_do_not_hold_is_not_compared() -> None:
    with pytest.raises(TypeError, match="64 bits do not hold"):
        Paths(lambda: assume(Word.named("x") < -1)).explore()


def test_outside_of_an_exploration_nothing_is_symbolic() -> None:
    with pytest.raises(RuntimeError, match="outside of an exploration"):
        Word.named("x")


def counting(most: int) -> Program:
    def program() -> None:
        x = Word.named("x")
        assume(x <= most)
        steps = 0
        while x != 0:
            x = Word((x - 1).term)
            steps += 1
        claim("it ends", steps <= most)

    return program


def test_a_loop_with_a_bound_is_finished() -> None:
    found = Paths(counting(10)).explore()
    assert (found.paths, found.proved) == (11, True)


def test_a_loop_without_end_is_not_finished() -> None:
    found = Paths(counting(TOP), most=20).explore()
    assert not found.finished
    assert not found.proved
    assert found.refuted is None


def test_a_path_that_never_ends_is_not_finished() -> None:
    def program() -> None:
        x = Word.named("x")
        while x >= 0:
            x = Word((x + 1).term & 1)

    found = Paths(program).explore()
    assert not found.finished
    assert not found.proved


def test_code_that_is_stuck_is_not_finished(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "SECONDS", 0.1)

    def program() -> None:
        x = Word.named("x")
        while x.term is not None:
            pass

    found = Paths(program).explore()
    assert (found.paths, found.finished, found.proved, found.refuted) == (0, False, False, None)
    assert Paths(counting(3)).explore().proved


def hard() -> None:
    """The product of two words is a prime of 64 bits: not with little effort."""
    x, y = Word.named("x"), Word.named("y")
    wide = [z3.ZeroExt(64, word.term) for word in (x, y)]
    assume(x > 1)
    assume(y > 1)
    claim("a prime has no factors", wide[0] * wide[1] != 18446744073709551557)


def test_an_unknown_is_not_proved() -> None:
    found = Paths(hard, effort=1000).explore()
    assert found.unknown
    assert not found.finished
    assert not found.proved
    assert found.refuted is None


def test_a_refutation_is_made_small() -> None:
    def program() -> None:
        x, y = Word.named("x", shift=12), Word.named("y")
        claim("they are never far apart", z3.Not(z3.And(z3.UGT(y.term, x.term + 1000), z3.UGT(x.term, 5000))))

    found = Paths(program).explore()
    assert found.refuted == ("they are never far apart", {"x": 0x2000, "y": 0x2000 + 1001})


def test_assumptions_that_nothing_fulfils_prove_nothing() -> None:
    def program() -> None:
        x = Word.named("x")
        assume(x < 1)
        assume(x > 1)
        claim("anything", False)

    found = Paths(program).explore()
    assert (found.paths, found.refuted, found.proved) == (0, None, False)


def test_code_that_crashes_is_refuted() -> None:
    def program() -> None:
        x = Word.named("x")
        assert not x == 77  # noqa: SIM201

    found = Paths(program).explore()
    assert found.refuted is not None
    assert found.refuted[1] == {"x": 77}


def wraps() -> None:
    claim("it wraps", wrap(Word.named("x") - 1) <= TOP)  # type: ignore[arg-type]


def small_claim(*twins: Twin, program: Program = wraps) -> Claim:
    return Claim("small", "a sentence", "a formula", "none", ("words.wrap",), {"all": program}, twins)


def steps_up() -> None:
    from mapleproof.impl.mm.limits import is_gathered

    x = Word.named("x")
    assume(x < 100)
    claim("it begins within the size", bool(is_gathered(x, Word.named("y"), 1)) or x > 0)  # type: ignore[arg-type]


def test_a_claim_without_twins_is_void() -> None:
    assert judge(small_claim()).verdict == "void"


def test_a_claim_with_a_twin_that_holds_is_void() -> None:
    judged = judge(small_claim(Twin("same", "nothing", programs=(wraps,))))
    assert judged.verdict == "void"
    assert judged.twins == {"same": None}


def test_a_twin_is_planted_and_taken_out_again() -> None:
    twin = Twin("mask", "no mask", (Edit("impl.mm.words:wrap", "word & MAX", "word"),))
    assert judge(small_claim(twin)).verdict == "proved"
    assert wrap(-1) == TOP


def test_a_refuted_claim_says_where() -> None:
    judged = judge(small_claim(program=lambda: claim("x is 0", Word.named("x") == 0)))
    assert judged.verdict == "refuted"
    assert str(judged.refutation) == "all: x is 0; not for x=0x1"


def test_what_the_engine_cannot_execute_is_inconclusive_and_refutes_no_twin() -> None:
    def breaks() -> None:
        _ = Word.named("x") < "one"  # type: ignore[operator]

    judged = judge(small_claim(Twin("breaks", "a string", programs=(breaks,)), program=breaks))
    assert judged.verdict == "inconclusive"
    assert judged.twins == {"breaks": None}
    assert [what.split(", in ")[0] for what in judged.unknown] == [
        "all: TypeError: 'one' is no word",
        "twin breaks: breaks 1: TypeError: 'one' is no word",
    ]


def test_what_is_not_of_a_kernel_is_not_tried() -> None:
    """Nothing of it runs, not even what would be refuted."""
    wrong = replace(
        small_claim(program=lambda: claim("x is 0", Word.named("x") == 0)), absent="it has other()"
    )
    judged = judge(wrong)
    assert judged.verdict == "not of this kernel"
    assert judged.paths == 0
    assert describe(judged) == [f"{wrong.name}: not of this kernel: it has other()"]


def test_exit_status() -> None:
    assert exit_status(["proved", "not of this kernel"]) == 0
    assert exit_status(["not of this kernel", "refuted"]) == 1
    assert exit_status(["not of this kernel"]) == 3
    assert exit_status(["proved", "proved"]) == 0
    assert exit_status(["proved", "inconclusive"]) == 3
    assert exit_status(["inconclusive", "refuted"]) == 1
    assert exit_status(["void"]) == 1
    assert exit_status([]) == 0
