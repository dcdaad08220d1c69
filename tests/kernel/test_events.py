"""What the C tree counts: numbers worked out by hand, from the reset on, and all that a check must meet."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from mapleproof.cli.cli import main
from mapleproof.impl.kernel.tree import KernelTree
from mapleproof.props.job.choose_port import choose_port
from mapleproof.props.job.units import Task, run_unit
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.events import ALL, C_EVENTS, in_c_tree, missing, wanted
from mapleproof.props.maple.lanes import bulk
from mapleproof.props.maple.mixes import draw_mix
from mapleproof.props.maple.ports import ImplPort
from mapleproof.props.maple.subject import MAPLE_TREE
from tests.kernel.conftest import tree_of

MakePort = Callable[..., KernelTree]


def store(index: int, **more: int) -> dict[str, object]:
    return {"op": "mtree_store_range", "first": index, "last": index, "entry": 1 + index, **more}


FULL_LEAF = [store(index) for index in range(0, 16, 2)]
"""[0x0]→1, [0x2]→3, ..., [0xe]→15 with a NULL behind each: the 16 slots of a leaf.

0 is a bare entry; 2 makes a leaf of it, of 4 slots (one node, untraced); each other takes two more slots.
With 4 the last slot is number 5, below a leaf's least, 6: that is written as mas_wr_node_store. 6, 8, ..., 14
are put behind what is there: five times mas_wr_append."""

SPLIT = store(16)
"""Two slots more than the leaf has: it becomes two under a new root. 2 * height + 1 = 3 nodes are asked for,
one alone, then two in bulk."""


def test_a_split_is_counted(port: str, make: MakePort) -> None:
    tree = make()
    tree.apply_many(FULL_LEAF)
    before = {"mtree_store_range": 8, "mas_wr_node_store": 1, "mas_wr_append": 5, "nodes_allocated": 1}
    assert tree.events() == before
    tree.apply(SPLIT)
    split = {"mas_wr_bnode": 1, "mas_split": 1, "bulk_requests": 1, "nodes_allocated": 1 + 3}
    after = before | split | {"mtree_store_range": 9}
    assert tree.events() == after
    assert len(tree.shape()) == 3
    tree.check()
    assert tree.events() == after | {"height_2": 1}


def test_a_refused_split_is_not_counted_as_one(port: str, make: MakePort) -> None:
    """The first of the three nodes is refused, and refused again when it is asked for with leave to sleep."""
    tree = make()
    tree.apply_many(FULL_LEAF)
    before = tree.events()
    assert tree.apply(SPLIT | {"fail_after": 0}) == {"ret": -12}
    assert tree.events() - before == {"mtree_store_range": 1, "requests_refused": 2}


def test_a_request_that_may_not_sleep_is_counted_where_it_is_refused(port: str, make: MakePort) -> None:
    """Two stores need nodes, [0x2] and the split: each is refused once, and asks again."""
    tree = make(nowait_fails=True)
    tree.apply_many([*FULL_LEAF, SPLIT])
    events = tree.events()
    assert (events["requests_refused"], events["nodes_allocated"], events["mas_split"]) == (2, 1 + 3, 1)


@pytest.mark.parametrize("variant", [{}, {"debug": True}, {"sanitize": "address,undefined"}], ids=str)
def test_a_node_freed_by_rcu_is_counted_when_the_grace_period_ends(
    port: str, make: MakePort, variant: dict[str, object]
) -> None:
    """2 makes a leaf. 4 is written into a new leaf, since readers may be in the old one, which waits."""
    tree = make(rcu=True, rcu_by_hand=True, **variant)
    tree.apply_many([store(2), store(4)])
    replaced = {"mtree_store_range": 2, "mas_wr_node_store": 1, "nodes_allocated": 2}
    assert tree.events() == replaced
    tree.apply({"op": "rcu_barrier"})
    assert tree.events() == replaced | {"nodes_freed_by_rcu": 1}


def test_counting_begins_anew_with_a_run(make: MakePort) -> None:
    tree = make()
    tree.apply_many([*FULL_LEAF, SPLIT])
    assert tree.events()["mas_split"] == 1
    tree.reset(alloc_range=True, rcu=True)
    assert tree.events() == {}
    tree.apply(store(0))
    assert tree.events()["mtree_store_range"] == 1
    tree.close()
    assert tree.events() == {}


def test_a_crash_takes_its_counts_along_and_counting_goes_on(seeded: MakePort) -> None:
    tree = seeded("dup-forgets-slot")
    tree.apply_many([*FULL_LEAF, SPLIT])
    assert tree.events()["mas_split"] == 1
    assert "crash" in tree.apply({"op": "mtree_dup", "into": 1})
    assert tree.events() == {}
    tree.apply_many([*FULL_LEAF, SPLIT, *FULL_LEAF])
    assert tree.events()["mas_split"] == 1
    assert tree.events()["mtree_store_range"] == 9 + 8


def test_the_port_names_them_as_the_c_tree_s(port: str) -> None:
    made = choose_port(port, MAPLE_TREE)(alloc_range=False, rcu=False)
    made.apply(ops.MtreeStoreRange(2, 2, 1))
    assert made.events() == {"c.mtree_store_range": 1, "c.nodes_allocated": 1}
    made.close()
    assert made.events() == {}


class OnRecord(ImplPort):
    """Our own tree, whose runs are kept as explicit operations."""


SAME = {
    "c.mas_split": "split",
    "c.mas_rebalance": "rebalance",
    "c.mas_wr_append": "append",
    "c.mas_wr_node_store": "node_store",
    "c.mas_wr_slot_store": "slot_store",
}
"""What the two trees count alike, by two names."""


@pytest.mark.parametrize("seed", [6, 9, 10, 13])
def test_both_trees_write_in_the_same_ways(port: str, seed: int) -> None:
    """On the same operations, all memory granted: a write that is tried again counts twice in C. A store over
    everything that leaves a leaf is `new_root` in our tree alone."""
    mix = draw_mix(random.Random(seed), careful=True)
    ports = [
        make(alloc_range=mix.alloc_range, rcu=mix.rcu) for make in (ImplPort, choose_port(port, MAPLE_TREE))
    ]

    class LikeTheKernel(OnRecord):
        traits = ports[1].traits

    for step in bulk.run(seed, 1500, LikeTheKernel, careful=True).steps:
        granted = replace(step.op, fail_after=None, fail_count=None, fail_nowait=None)
        for made in ports:
            made.apply(granted)
    own, in_c = (made.events() for made in ports)
    assert {name: in_c[name] for name in SAME} == {name: own[alike] for name, alike in SAME.items()}
    assert 0 <= in_c["c.mas_wr_spanning_store"] - own["spanning_store"] <= own["new_root"]
    assert in_c["c.mas_split"] > 0
    ports[1].close()


def test_a_run_counts_the_same_each_time(port: str) -> None:
    first, second = (bulk.run(2, 500, choose_port(port, MAPLE_TREE), careful=True).events for _ in range(2))
    assert first == second
    assert first["c.mas_split"] > 0


def test_a_check_meets_what_matters(port: str, tmp_path: Path) -> None:
    """The units of the bulk lane of seed 0: 14 of them suffice."""
    met: Counter[str] = Counter()
    for number in range(14):
        met += run_unit(Task("bulk", number, 0, port, str(tmp_path), careful=True)).events
    assert missing(met, C_EVENTS) == []
    assert set(met) == set(C_EVENTS)


def test_each_kernel_counts_under_the_same_names(family: str) -> None:
    """A split and a rebalance have other names in 7.x; a tracepoint that a kernel lacks is not asked for."""
    port = f"kernel:{tree_of(family)}"
    met: Counter[str] = Counter()
    for number in range(4):
        met += bulk.run(number, 3000, choose_port(port, MAPLE_TREE), careful=True).events
    assert met["c.mas_split"] > 0
    assert met["c.mas_rebalance"] > 0
    lacking = {"6.1": "c.mas_wr_append", "7.2": "c.mas_wr_bnode", "7.3": "c.mas_wr_bnode"}.get(family)
    assert set(C_EVENTS) - set(wanted(met)) - set(ALL) == ({lacking} if lacking else set())
    assert not [name for name in in_c_tree(met) if "untraced" in name]


def test_a_check_says_what_was_met(port: str, tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    limits = [
        "--seed",
        "0",
        "--seconds",
        "0",
        "--jobs",
        "1",
        "--lane",
        "machine",
        "--avoid-known",
        "--out",
        str(tmp_path),
    ]
    result = CliRunner().invoke(main, ["check", "--port", port, *limits, "--report", str(report)])
    assert result.exit_code == 0, result.output
    line = next(line for line in result.output.splitlines() if line.startswith("events met in the C tree: "))
    met, _, left = line.partition("; not met in this run: ")
    assert "mas_split, " in met
    missed = left.split(", ")[0]
    assert missed in (name.removeprefix("c.") for name in C_EVENTS)
    assert "kinds of event" not in result.output
    text = report.read_text()
    assert '<td>c.mas_split</td><td class="number">' in text
    assert f'<td>c.{missed}</td><td class="number bad">not met</td>' in text
    assert "height_up" not in text
