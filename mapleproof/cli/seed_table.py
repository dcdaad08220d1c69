"""The table of docs/seeds.md: each known mistake, and what it takes to find it.

Run as ``python -m mapleproof.cli.seed_table > docs/seeds.md``. Times are of one machine; all else is not.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from hypothesis import Phase, seed, settings

from mapleproof.impl import compiled

if __name__ == "__main__":
    compiled.take_source()  # what is compiled has no code to plant a mistake in

from mapleproof.props.common.planting import Seed, planted
from mapleproof.props.maple.lanes import bulk
from mapleproof.props.maple.lanes.machines import run_machine, smallest
from mapleproof.props.maple.lanes.rcu_machine import RcuMachine
from mapleproof.props.maple.seeds import EQUIVALENT, SEEDS
from mapleproof.props.mm import seeds as fork_seeds
from mapleproof.props.mm import seek as fork_seek

OPERATIONS = 3000
HEAD = """# Seeds: the mistakes that the suite must find

Each is a named change of shipped code, planted only while a test or `mapleproof check --seeded NAME` runs.
The first word of a name is the entry of the catalogue of mistakes that were really made in this code, or are
the natural slip at a place where the kernel has a special case. `tests/maple/test_seeds.py`,
`tests/job/test_seeded_units.py` and `tests/mm/test_seeds.py` show that each is found; the table is made by
`python -m mapleproof.cli.seed_table`.

*Operations* are those of the bulk lane or of the readers' state machine until it was met; *steps* the length
of its smallest case; *seconds* include making it small.
"""

AT_RANDOM = """
## Mistakes put in at random

`python -m tests.mutants --sample 44 --seed 11` draws one-line mistakes (a comparison turned, a constant
dropped, a call left out) in `impl/maple` and `impl/mm`, and gives the main job 30 seconds on two cores for
each. Of these 44, 36 were noticed (34 before two properties were added); of the 8 that are left

- 3 change nothing: `high_of` at a slot that is never the first, the limit of `exit_mmap` behind the last
  address, `is_gathered` where two page tables cannot meet;
- 3 stand in lines that no run comes to: the release of a tally, two checks of a geometry's arguments;
- 1 changes a count of an event and nothing else (`set_root`);
- 1 makes a flaw of the past that is known worse (`exit_marker_v2`), and is taken for it.

So 36 of the 38 that change what is run, 95%. Of another draw (seed 12, the first 29) 12 were not noticed: 6
change nothing, 1 is for benchmarks, and 5 remain: `Cursor.go_next` from a cursor that found nothing at a bare
entry, `highest()` two levels up in a tall tree, the estimate in `nodes_for()`, a limit in `narrow()` and the
size by which `free_pgtables()` gathers.

## Other shrinkers

`shrinkray`, given a run of 205 steps that meets `W20_split_at_null`, and told that a case counts which
fails with the mistake and passes without it, was at 84 steps after 300 seconds on one core, when it was
stopped; each try is two replays, which start two processes. Ours makes 2 steps of it in under 0.1
seconds. (Runs that meet `G12_trailing_null_ignored` and `C10_range_changed_in_place_is_a_new_place`: 205
steps to 4 in 0.1 s, 344 to 6 in 3.6 s.) What sets them apart: a general shrinker may drop a step only
where all later answers stay the same; ours asks the model for them anew, and knows a fill, a range and
an index. Hypothesis shrinks what its own state machines draw, and is used there; to it, a run of the
bulk lane is one number.
"""


def _bulk(known: Seed) -> tuple[str, int]:
    done = 0
    for number in range(1000):
        run = bulk.run(number, OPERATIONS)
        done += run.operations
        if run.finding is not None:
            return f"{done:,}", len(run.finding.difference.steps)
    return "not found", 0


def _readers(known: Seed) -> tuple[str, int]:
    @seed(1)
    class Machine(RcuMachine):
        operations = 0

    limits = settings(max_examples=400, stateful_step_count=40, database=None, phases=(Phase.generate,))
    met = run_machine(Machine, limits)
    if met is None:
        return "not found", 0
    return f"{Machine.operations:,}", len(smallest(Machine, met).steps)


def _row(known: Seed, where: str, found: str, steps: int, seconds: float) -> str:
    return f"| `{known.name}` | {known.what} | {where} | {found} | {steps or ''} | {seconds:.1f} |"


def rows() -> Iterator[str]:
    """The lines of the document."""
    yield HEAD
    yield "## The tree\n"
    yield "| seed | the mistake | found by | operations | steps | seconds |\n|---|---|---|---:|---:|---:|"
    finders = {"bulk": ("bulk lane", _bulk), "rcu": ("readers", _readers)}
    for known in SEEDS:
        began = time.perf_counter()
        if known.lane not in finders:
            yield f"| `{known.name}` | {known.what} | a test of its own | | | |"
            continue
        where, find = finders[known.lane]
        with planted(known):
            found, steps = find(known)
        yield _row(known, where, found, steps, time.perf_counter() - began)
    yield "\nNot put in:\n"
    for bug, reason in EQUIVALENT.items():
        yield f"- {bug}: {reason}."
    yield "\n## Fork\n"
    yield "| seed | the mistake | in the recovery | steps | seconds |\n|---|---|---|---:|---:|"
    for known in fork_seeds.SEEDS:
        began = time.perf_counter()
        broken = fork_seek.find(known)
        steps = len(broken.program) if broken else 0
        took = time.perf_counter() - began
        yield f"| `{known.name}` | {known.what} | `{known.lane}` | {steps or 'not found'} | {took:.1f} |"
    yield (
        "\nRecoveries of the past that are entries of the catalogue themselves: "
        + ", ".join(f"{bug} is `{name}`" for bug, name in fork_seeds.BY_RECOVERY.items())
        + "."
    )
    yield AT_RANDOM.rstrip()


if __name__ == "__main__":
    for line in rows():
        print(line, flush=True)
