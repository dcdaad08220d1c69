"""The seeded mistakes: that each fits, that one that does not is refused, and that one is found."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from mapleproof.impl.kernel.build import Variant, compile_flags, compiler
from mapleproof.impl.kernel.errors import KernelBuildError
from mapleproof.impl.kernel.mistakes import SEEDS
from mapleproof.impl.kernel.probe import probe
from mapleproof.impl.kernel.seed import KernelSeed, Spot
from mapleproof.impl.kernel.seeds import body_of, fitting, plant, seed_named
from mapleproof.impl.kernel.tree import BrokenInvariant, KernelTree
from tests.kernel.conftest import tree_of

SOURCE = """
static int near(struct tree *tree);

static int near(struct tree *tree)
{
	if (tree->size >= 3)
		return 1;
	return tree->size;
}

int
far(void)
{
	return near(0);
}
"""


def test_a_function_is_found_by_its_definition() -> None:
    start, end = body_of(SOURCE, "near")
    assert SOURCE[start:end].count("tree->size") == 2
    assert "near(0)" in SOURCE[slice(*body_of(SOURCE, "far"))]


def test_one_line_changes() -> None:
    planted = plant(SOURCE, KernelSeed("late", "near", "size >= 3", "size > 3", ""))
    changed = [
        pair for pair in zip(SOURCE.splitlines(), planted.splitlines(), strict=True) if len(set(pair)) == 2
    ]
    assert [new.strip() for _, new in changed] == ["if (tree->size > 3)"]


@pytest.mark.parametrize(
    ("seed", "reason"),
    [
        (KernelSeed("twice", "near", "tree->size", "0", ""), r"2 places in near\(\)"),
        (KernelSeed("never", "near", "tree->height", "0", ""), r"0 places in near\(\)"),
        (KernelSeed("nowhere", "mas_walk", "x", "y", ""), r"mas_walk\(\) is defined 0 times"),
    ],
)
def test_a_seed_that_does_not_fit_is_refused(seed: KernelSeed, reason: str) -> None:
    with pytest.raises(KernelBuildError, match=reason):
        plant(SOURCE, seed)


def test_an_unknown_seed_is_refused() -> None:
    with pytest.raises(KernelBuildError, match="no seed is named nothing; there are: gap-too-exact, "):
        seed_named("nothing")


def test_names_differ_and_fragments_are_short() -> None:
    assert len({seed.name for seed in SEEDS}) == len(SEEDS) >= 20
    assert all("\n" not in seed.find and len(seed.find) < 65 for seed in SEEDS)


FEWEST = {"6.1": 35, "6.12": len(SEEDS), "7.2": 44, "7.3": 44}


def test_most_seeds_fit_each_kernel(family: str) -> None:
    source = (tree_of(family) / "lib/maple_tree.c").read_text()
    fit = fitting(source)
    assert len(fit) >= FEWEST[family] > 30
    assert all(plant(source, seed) != source for seed in fit)


def test_the_first_place_that_fits_is_taken() -> None:
    seed = KernelSeed(
        "late", "gone", "x", "y", "", (Spot("near", "size >= 3", "size > 3"), Spot("far", "0", "1"))
    )
    assert "size > 3" in plant(SOURCE, seed)
    assert "near(0)" in plant(SOURCE, seed)


def test_a_wrong_gap_is_found(seeded: Callable[..., KernelTree]) -> None:
    port = seeded("first-gap-short", alloc_range=True)
    for i in range(30):
        port.apply({"op": "mtree_store_range", "first": 90 + 10 * i, "last": 99 + 10 * i, "entry": i + 1})
    with pytest.raises(BrokenInvariant, match="a gap is the largest run of NULL below"):
        port.check()


def test_a_leak_is_counted(seeded: Callable[..., KernelTree]) -> None:
    port = seeded("dup-leaks-child")
    for i in range(300):
        port.apply({"op": "mtree_store_range", "first": 10 * i, "last": 10 * i + 4, "entry": i + 1})
    assert port.apply({"op": "mtree_dup", "into": 1, "fail_after": 18}) == {"ret": -12}
    assert port.close() > 0


def test_what_relies_on_zeroes_shows(seeded: Callable[..., KernelTree]) -> None:
    port = seeded("relies-on-zeroes")
    port.apply({"op": "mtree_store_range", "first": 3, "last": 5, "entry": 1})
    with pytest.raises(BrokenInvariant):
        port.check()


@pytest.mark.late
def test_what_fits_can_be_compiled(family: str, tmp_path: Path) -> None:
    tree = tree_of(family)
    text = (tree / "lib/maple_tree.c").read_text()
    command = [compiler(), *compile_flags(tree, Variant(), probe(tree)), "-fsyntax-only"]
    source = tmp_path / "maple_tree.c"

    def compiles(text: str) -> bool:
        source.write_text(text)
        return subprocess.run([*command, str(source)], capture_output=True, check=False).returncode == 0

    assert not compiles(text.replace("return", "return no_such_word;", 1))
    assert [seed.name for seed in fitting(text) if not compiles(plant(text, seed))] == []
