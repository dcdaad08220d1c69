"""Every claim is proved, and every twin of it refuted; what it says it executes is what runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from mapleproof.cli.prove import prove as command
from mapleproof.proofs import observers
from mapleproof.proofs.engine.claim import Wanted, describe, do, judge, judged_of, units
from mapleproof.proofs.engine.paths import Paths
from mapleproof.proofs.registry import CLAIMS
from tests.mutation import mutants
from tests.proofs.mutants import location, run, short

pytestmark = pytest.mark.source

QUICK = {
    "free_pgtables_gathering": ("1 VMAs", "2 VMAs", "any number, level 1", "any number, early"),
    "munmap_exact": ("1 VMAs", "any number, inside", "any number, 0 left, 0 right"),
    "undo_exact": ("bulk_insert, 1", "zero_marker, 1", "exit_marker", "unmap_in_place, 2", "any number"),
    "write_kinds": (
        "entry, leaf of 3 slots",
        "NULL, leaf of 3 slots",
        "NULL, tree (2, 2)",
        "split of 17 slots",
        "levelling out of 6 slots",
        "cut of",
        "entry, no node yet",
        "NULL, no node yet",
        "entry, requests in (2, 2)",
    ),
    "gap_is_exact": (
        "leaf of 5 slots",
        "store of NULL in (2, 2), in place",
        "lowest in (2, 2)",
        "highest in 4",
    ),
    "words_suffice": (
        "write_kinds: NULL, leaf of 2",
        "write_kinds: NULL, tree (2, 2)",
        "gap_is_exact: lowest in (2, 2)",
        "gap_is_exact: highest in 3",
    ),
    "replace_needs_no_memory": ("replaced, 16 slots", "cleared, 4 slots", "cleared, last of 7 slots"),
    "observers": (
        "the lock",
        "who may walk",
        "unmap_in_place: file",
        "zero_marker_6_17: anonymous",
        "undo_v4: pfnmap",
    ),
}
"""Of claims that take long, the parts that are proved each time; the deep profile proves all."""


@pytest.mark.late
@pytest.mark.parametrize("name", CLAIMS)
def test_it_is_proved(name: str) -> None:
    claim = CLAIMS[name]
    chosen = QUICK.get(name, ("",))
    wanted = Wanted()
    work = [unit for unit in units(claim, wanted) if unit[0] == "twin" or unit[1].startswith(chosen)]
    judged = judged_of(claim, wanted, (do(claim, unit, wanted) for unit in work))
    assert judged.verdict == "proved", "\n".join(describe(judged))
    assert judged.twins_refuted == len(claim.twins) >= 2


@pytest.mark.deep
@pytest.mark.parametrize("name", QUICK)
def test_all_of_it_is_proved(name: str) -> None:
    judged = judge(CLAIMS[name])
    assert judged.verdict == "proved", "\n".join(describe(judged))


def test_every_state_of_a_failing_fork_was_looked_at() -> None:
    part = "unmap_in_place: file"
    observers.STATES.pop(part, None)
    found = Paths(CLAIMS["observers"].parts[part]).explore()
    assert found.proved
    assert (found.paths, observers.STATES[part]) == STATES


STATES = (13, 529)
"""Failure points and success of a fork of one VMA of a file; pairs of a lock operation and who looks then."""


PATHS = 12
"""Of each part so many paths are walked to see what it executes."""


@pytest.mark.late
@pytest.mark.parametrize("name", CLAIMS)
def test_it_executes_nothing_that_it_does_not_name(name: str) -> None:
    """Nothing, at least, that decides anything, but what stands around it."""
    around = tuple(f"{one}." for one in CLAIMS[name].around)
    seen = walked(name)
    inside = [one for one in seen if not one.startswith(around) and not short(one).startswith(around)]
    assert [
        one
        for one in inside
        if any(mutants(one, conditions_only=True)) and short(one) not in CLAIMS[name].executes
    ] == []
    assert len(seen & set(map(location, CLAIMS[name].executes))) >= 2


@pytest.mark.deep
@pytest.mark.parametrize("name", CLAIMS)
def test_it_executes_what_it_says(name: str) -> None:
    seen = set().union(*(run((name, part)).functions for part in CLAIMS[name].parts))
    assert [one for one in CLAIMS[name].executes if location(one) not in seen] == []


def walked(name: str) -> set[str]:
    """What the parts of a claim run; of many that are alike, not all."""
    parts = list(CLAIMS[name].parts)
    some = parts if len(parts) < 60 else [*parts[:20], *parts[20:-12:9], *parts[-12:]]
    return set().union(*(run((name, part), PATHS).functions for part in some))


def test_no_claim_by_that_name() -> None:
    result = CliRunner().invoke(command, ["nonsense"])
    assert result.exit_code == 2
    assert "no claim is called 'nonsense'" in result.output


def test_the_list_proves_nothing() -> None:
    result = CliRunner().invoke(command, ["--list"])
    assert result.exit_code == 0
    assert all(name in result.output for name in CLAIMS)


def test_one_claim_with_its_figures(tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    result = CliRunner().invoke(command, ["recoveries_agree", "--json", str(path)])
    assert result.exit_code == 0, result.output
    (figures,) = json.loads(path.read_text())["claims"]
    assert figures["verdict"] == "proved"
    assert figures["paths"] > 10
    assert all(figures["twins"].values())
