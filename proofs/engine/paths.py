"""Path enumeration: the code under proof is run once for each feasible path.

A run follows the decisions taken so far; at the first condition that is open both sides are tried for
feasibility, one is followed and the other is kept for a later run. So loops are unrolled as far as their
conditions allow, and budgets bound what never ends: then the exploration is not finished, and nothing is
proved by it.

A model of the path so far is kept: it shows without a query that one side can be taken.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import z3  # type: ignore[import-untyped]

from mapleproof.impl.mm.promises import Oops
from mapleproof.proofs.engine.orders import Orders
from mapleproof.proofs.engine.patience import Patience, TooLong
from mapleproof.proofs.engine.words import Condition, current, explorations, formula_of

Program = Callable[[], None]
"""Makes its inputs, assumes, runs shipped code, claims. It must do the same in every run."""

PATHS = 20_000
"""Paths after which an exploration gives up."""

DECISIONS = 200
"""Open decisions on one path after which it is given up."""

ASKED = 5_000
"""Conditions asked for on one path, open or not, after which it is given up."""

FIRST = 2_000_000
"""Effort after which a query goes from the incremental solver to one that starts afresh: some 0.3 seconds."""

EFFORT = 400_000_000
"""Effort after which a query is given up: about a minute. It is the solver's own measure of its work, which
does not depend on how busy the machine is, so a claim that is proved once is proved each time."""


Keep = Callable[[str, list[Any], str], None]
"""What is done with a question at the end of a path: its sentence, its formulas, what the solver answered."""


CRASHES = (AssertionError, Oops, AttributeError, LookupError)
"""What shipped code may end in. A TypeError is none: it is how words that are used wrongly show."""


class NotExecuted(Exception):
    """What is to be executed cannot be: so nothing is known, neither good nor bad."""


class Infeasible(Exception):
    """The path that is followed cannot be taken by any input."""


@dataclass(slots=True)
class Explored:
    """What an exploration has come to.

    ``finished``: every path was visited and every query answered. ``unknown``: what the solver did not know.
    ``refuted``: the sentence that was broken and inputs that break it; None where there is none.
    """

    paths: int = 0
    queries: int = 0
    seconds: float = 0.0
    finished: bool = True
    unknown: list[str] = field(default_factory=list)
    refuted: tuple[str, dict[str, int]] | None = None

    @property
    def proved(self) -> bool:
        """Whether all that was claimed holds for all inputs, of which there are some."""
        return self.finished and self.refuted is None and self.paths > 0


class Paths:
    """One exploration of ``program``. ``inputs`` are its symbolic inputs: variable and shift, by name.
    ``keep`` is told of every question whether a claim can be broken. With ``orders`` words are mostly
    compared and added up, and the solver is asked so (``orders.py``)."""

    def __init__(
        self,
        program: Program,
        most: int = PATHS,
        effort: int = EFFORT,
        keep: Keep | None = None,
        orders: bool = False,
    ) -> None:
        self.program = program
        self.most = most
        self.solver: Any = Orders() if orders else z3.Solver()
        self.solver.set("rlimit", min(FIRST, effort))
        self.effort = effort
        self.keep = keep
        self.found = Explored()
        self.inputs: dict[str, tuple[Any, int]] = {}
        self._taken: list[bool] = []
        self._open: list[list[bool]] = [[]]
        self._at = 0
        self._asked = 0
        self._model: Any = None
        self._last: Any = self.solver
        self._patience = Patience()

    def explore(self) -> Explored:
        """Visit every path, or as many as the budget allows, or until a claim is refuted."""
        started = time.perf_counter()
        explorations.append(self)
        try:
            with self._patience:
                while self._open and self.found.refuted is None:
                    if self.found.paths >= self.most:
                        self.found.finished = False
                        break
                    self._follow(self._open.pop())
        finally:
            explorations.pop()
        self.found.finished = self.found.finished and not self.found.unknown
        self.found.seconds = time.perf_counter() - started
        return self.found

    def _follow(self, decisions: list[bool]) -> None:
        self._taken = decisions
        self._at = self._asked = 0
        self._model = None
        self.solver.push()
        try:
            self._run()
            self._some_model()
            self.found.paths += 1
        except Infeasible:
            pass
        except TooLong:
            self.found.finished = False
        finally:
            self.solver.pop()

    def _run(self) -> None:
        """The program, once. Code that breaks a promise of its own is as wrong as one that breaks a claim."""
        try:
            self._patience.renew()
            self.program()
        except CRASHES as error:
            self.claim(f"nothing crashes, but: {error or type(error).__name__}", False)
        finally:
            self._patience.pause()

    def decide(self, formula: Any) -> bool:
        """The side of a condition that this path takes; the other one is kept where it is feasible."""
        self._asked += 1
        if self._asked > ASKED:
            raise TooLong
        formula = z3.simplify(formula)
        if z3.is_true(formula) or z3.is_false(formula):
            return bool(z3.is_true(formula))
        if self._at < len(self._taken):
            side = self._taken[self._at]
        else:
            if self._at >= DECISIONS:
                raise TooLong
            side = self._choose(formula)
            self._taken.append(side)
        self._at += 1
        self._add(formula if side else z3.Not(formula))
        return side

    def _choose(self, formula: Any) -> bool:
        """The side that the model at hand takes; the other side is a query."""
        model = self._some_model()
        if model is None:
            self._open.append([*self._taken, False])
            return True
        side = bool(z3.is_true(model.eval(formula, model_completion=True)))
        if self._ask("whether a path can be taken", z3.Not(formula) if side else formula) != z3.unsat:
            self._open.append([*self._taken, not side])
        return side

    def _some_model(self) -> Any:
        """Inputs that come here; None where the solver does not know. Raises Infeasible if there are none."""
        if self._model is None:
            answer = self._ask("whether a path can be taken")
            if answer == z3.unsat:
                raise Infeasible
            if answer == z3.sat:
                self._model = self._last.model()
        return self._model

    def _add(self, formula: Any) -> None:
        self.solver.add(formula)
        if self._model is not None and not z3.is_true(self._model.eval(formula, model_completion=True)):
            self._model = None

    def _ask(self, about: str, *formulas: Any) -> Any:
        self._patience.pause()
        self.found.queries += 1
        solver = self.solver
        answer = solver.check(*formulas)
        if answer == z3.unknown and self.effort > FIRST:
            # What the incremental solver does not find soon, one that sees it all at once may
            solver = z3.Then("simplify", "propagate-values", "solve-eqs", "bit-blast", "sat").solver()
            solver.set("rlimit", self.effort)
            solver.add(*self.solver.assertions(), *formulas)
            answer = solver.check()
        self._last = solver
        if answer == z3.unknown:
            self.found.unknown.append(about)
        self._patience.renew()
        return answer

    def assume(self, condition: Condition | bool | Any) -> None:
        """Only inputs for which this holds are looked at from here on."""
        self._add(formula_of(condition))

    def claim(self, sentence: str, condition: Condition | bool | Any) -> None:
        """This must hold for all inputs that come here."""
        formula = formula_of(condition)
        if z3.is_and(formula):
            # Several small questions are answered sooner than one large
            for each in formula.children():
                self.claim(sentence, each)
            return
        wrong = z3.simplify(z3.Not(formula))
        if z3.is_false(wrong):
            return
        answer = self._ask(sentence, wrong)
        if self.keep is not None:
            self.keep(sentence, [*self.solver.assertions(), wrong], str(answer))
        if answer == z3.sat:
            self.solver.add(wrong)
            self.found.refuted = (sentence, self._small_model())
            raise Infeasible

    def _small_model(self) -> dict[str, int]:
        """Inputs of a refutation, each as low as it can be with those before it: the first named counts
        most."""
        small: dict[str, int] = {}
        for name, (variable, shift) in self.inputs.items():
            small[name] = self._lowest(variable) << shift
        return small

    def _lowest(self, variable: Any) -> int:
        self._ask("how small it gets")
        low, high = 0, int(self._last.model().eval(variable, model_completion=True).as_long())
        while low < high:
            # What is small is found soon: try far below first
            middle = low + (high - low) // (2 if high - low < 1024 else 64)
            if self._ask("how small it gets", z3.ULE(variable, middle)) == z3.sat:
                high = int(self._last.model().eval(variable, model_completion=True).as_long())
            else:
                low = middle + 1
        self.solver.add(variable == high)
        return high


def assume(condition: Condition | bool | Any) -> None:
    """See :meth:`Paths.assume`."""
    current().assume(condition)


def claim(sentence: str, condition: Condition | bool | Any) -> None:
    """See :meth:`Paths.claim`."""
    current().claim(sentence, condition)
