"""How a campaign divides its time among arms."""

import random
from collections import Counter

import pytest

from mapleproof.bench import budget as bench_budget
from mapleproof.campaign.budget import Budget

pytestmark = pytest.mark.late

ARMS = ("rich", "poor", "barren", "empty")


def divided(budget: Budget, lots: int, news: dict[str, int]) -> Counter[str]:
    """Lots of a second that each arm gets, where a lot of an arm always brings so many news."""
    got: Counter[str] = Counter()
    for _ in range(lots):
        name = budget.choose(ARMS, {})
        got[name] += 1
        budget.learn(name, 1.0, news.get(name, 0), 0)
    return got


def made(*, even: bool = False) -> Budget:
    return Budget(ARMS, random.Random(1), even=even)


def test_an_arm_that_has_news_gets_more() -> None:
    got = divided(made(), 400, {"rich": 20, "poor": 2})
    assert got["rich"] > 2 * got["poor"], got
    assert got["rich"] > 200, got


def test_an_arm_without_news_keeps_its_even_share() -> None:
    """120 of 400 lots are divided evenly: they go to those that had least, at least a quarter to each."""
    got = divided(made(), 400, {"rich": 20})
    for name in ("poor", "barren", "empty"):
        assert got[name] >= 27, got


def test_even_gives_all_the_same() -> None:
    assert set(divided(made(even=True), 400, {"rich": 20}).values()) == {100}


@pytest.mark.parametrize("even", [False, True])
def test_each_arm_has_one_lot_before_any_has_two(even: bool) -> None:
    assert divided(made(even=even), len(ARMS), {"rich": 20}) == dict.fromkeys(ARMS, 1)


def test_what_is_under_way_counts() -> None:
    """100 workers ask before anything has come back: no arm is given them all."""
    budget, ahead = made(even=True), Counter[str]()
    for _ in range(100):
        ahead[budget.choose(ARMS, ahead)] += 1
    assert set(ahead.values()) == {25}
    budget, ahead = made(), Counter[str]()
    for _ in range(100):
        ahead[budget.choose(ARMS, ahead)] += 1
    assert min(ahead.values()) >= 10, ahead


def test_a_failure_is_worth_many_news() -> None:
    budget = made()
    for _ in range(200):
        name = budget.choose(ARMS, {})
        budget.learn(name, 1.0, int(name == "poor"), int(name == "rich"))
    assert budget.known["rich"].spent > budget.known["poor"].spent


def test_old_news_fade() -> None:
    """An arm that had much once, and nothing since, gets no more than the others in the end."""
    budget = made()
    budget.learn("rich", 1.0, 1000, 0)
    divided(budget, 8000, {})
    assert divided(budget, 400, {})["rich"] < 150


def test_a_mistake_is_found_with_either_division() -> None:
    names = ("G01_lower_bound_ignored",)
    result = bench_budget.compare(bench_budget.Size(names, (1,), 45.0))
    figures = bench_budget.as_json(result)
    assert {name: score["found"] for name, score in figures["scores"].items()} == {"news": 1, "even": 1}
    assert len(figures["runs"]) == 2


def test_a_run_that_finds_nothing_counts_its_whole_time() -> None:
    race = bench_budget.Race("X", 1, False, 8.0)
    outcomes = [bench_budget.Outcome(race, 2.0), bench_budget.Outcome(race, None)]
    assert bench_budget.score(outcomes, even=False) == bench_budget.Score(2, 1, 5.0, 5.0)
