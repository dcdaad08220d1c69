"""What is carried out in a process of its own on one side of a change of our own sources.

It is a script: its `mapleproof` is the one that PYTHONPATH names, the judge of the state before and the
implementation of one side. What it is told and what it says is JSON.

    own_lot.py draw FILE SEED RUNS        runs on trees, drawn here; what was done goes to FILE
    own_lot.py again FILE                 what is in FILE, carried out once more
    own_lot.py claims                     which functions each claim executes
    own_lot.py prove JOBS NAME...         these claims, without their twins

Costs are counts that come out the same each time: nodes asked for, and lines of `impl` executed.
"""

from __future__ import annotations

import itertools
import json
import pickle
import random
import sys
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

import mapleproof

OPERATIONS = 400
"""Operations of a run on trees."""

SCENARIOS = 1
"""Scenarios of forks, under each recovery that holds."""

HISTORIES = 2
"""Histories of address spaces to each run on trees."""

IMPL = str(Path(mapleproof.__file__).resolve().parent.parent / "impl")


class Lines:
    """Counts lines of the implementation that are executed while it is on."""

    def __init__(self) -> None:
        self.count = 0

    def __enter__(self) -> Lines:
        sys.settrace(self._called)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)

    def _called(self, frame: FrameType, event: str, _: Any) -> Callable[..., Any] | None:
        return self._line if _is_tested(frame.f_code.co_filename) else None

    def _line(self, frame: FrameType, event: str, _: Any) -> Callable[..., Any]:
        self.count += event == "line"
        return self._line


@cache
def _is_tested(file: str) -> bool:
    return "/impl/m" in file and str(Path(file).resolve()).startswith(IMPL)


def drawn(seed: str) -> tuple[dict[str, bool], list[Any]]:
    """The operations of a run and the flags of its tree; none where it is not as it must be, which is for
    other parts to tell."""
    from mapleproof.props.maple.lanes import bulk
    from mapleproof.props.maple.mixes import draw_mix
    from mapleproof.props.maple.ports import ImplPort

    number = random.Random(seed).getrandbits(48)
    mix = draw_mix(random.Random(number), False)
    run = bulk.recorded(number, OPERATIONS, ImplPort)
    steps = [] if run.finding is not None else run.steps
    return {"alloc_range": mix.alloc_range, "rcu": mix.rcu}, [step.op for step in steps]


def carried_out(flags: dict[str, bool], operations: Iterable[Any]) -> dict[str, Any]:
    """Operations on the tree: what they answer, the nodes that were asked for, and what the tree is at the
    end."""
    from mapleproof.impl.failure import FailurePlan
    from mapleproof.props.common.forms import spell
    from mapleproof.props.maple.ports import ImplPort

    port = ImplPort(**flags)
    nodes, answers = 0, []
    with Lines() as lines:
        for op in operations:
            plan = FailurePlan()
            if not op.short_of_memory:
                for tree in port.trees.values():
                    tree.plan = plan
            said = [port.apply(op), *port.late_answers()]
            for tree in port.trees.values():
                tree.plan = None
            nodes += plan.units
            answers.append([spell(op), [{k: str(v) for k, v in one.given().items()} for one in said]])
    shape = [
        [port.trees[at].live_nodes(), port.trees[at].height, port.borders(at)] for at in sorted(port.trees)
    ]
    return {"answers": answers, "nodes": nodes, "lines": lines.count, "shape": shape}


def histories(seed: str) -> dict[str, Any]:
    """Histories of address spaces: how often each operation went well, and lines executed."""
    from mapleproof.props.mm.histories import history

    done: dict[str, int] = {}
    with Lines() as lines:
        for number in range(HISTORIES):
            came = history(f"{seed}/{number}")
            for name, count in came.done.items():
                done[name] = done.get(name, 0) + count
    return {"done": dict(sorted(done.items())), "lines": lines.count}


def forks(seed: int) -> dict[str, Any]:
    """Scenarios whose forks fail at every request: how many requests of each kind there are to refuse, and
    lines executed, by recovery."""
    from mapleproof.impl.mm.recovery import HOLDING
    from mapleproof.props.mm.sweep import sweep
    from mapleproof.props.mm.verdicts import random_scenarios

    found = {}
    for name in HOLDING:
        for number, (program, geometry) in enumerate(itertools.islice(random_scenarios(seed), SCENARIOS)):
            with Lines() as lines:
                swept = sweep(program, geometry, name)
            refused = dict(sorted(swept.refused.items()))
            found[f"{name} {number}"] = {"refused": refused, "lines": lines.count}
    return found


def on_both(runs: list[tuple[str, dict[str, bool], list[Any]]], seed: int) -> dict[str, Any]:
    """All that is compared."""
    return {
        "runs": [carried_out(flags, operations) for _, flags, operations in runs],
        "histories": [histories(name) for name, _, _ in runs],
        "forks": forks(seed),
    }


def draw(file: Path, seed: int, count: int) -> dict[str, Any]:
    """Draw runs, keep them in a file, and carry them out."""
    runs = [(f"{seed}/{number}", *drawn(f"{seed}/{number}")) for number in range(count)]
    file.write_bytes(pickle.dumps((seed, runs)))
    return on_both(runs, seed)


def again(file: Path) -> dict[str, Any]:
    """Carry out what the other side has drawn."""
    seed, runs = pickle.loads(file.read_bytes())
    return on_both(runs, seed)


def claims() -> dict[str, Any]:
    """What each claim executes."""
    from mapleproof.proofs.registry import CLAIMS

    return {name: list(claim.executes) for name, claim in CLAIMS.items()}


def prove(jobs: int, names: list[str]) -> list[dict[str, str]]:
    """The verdicts on claims."""
    from mapleproof.proofs.engine.claim import Wanted
    from mapleproof.proofs.prove import prove as judged

    found = judged(names, jobs, Wanted(twins=False), lambda done, of: None)
    return [
        {
            "name": one.claim.name,
            "sentence": one.claim.sentence,
            "verdict": one.verdict,
            "told": str(one.refutation or "") or "; ".join(one.unknown[:1]),
        }
        for one in found
    ]


def main(words: list[str]) -> None:
    """Do what is asked for, and say it as JSON."""
    what, rest = words[0], words[1:]
    if what == "draw":
        said: Any = draw(Path(rest[0]), int(rest[1]), int(rest[2]))
    elif what == "again":
        said = again(Path(rest[0]))
    elif what == "claims":
        said = claims()
    else:
        said = prove(int(rest[0]), rest[1:])
    print(json.dumps(said))


if __name__ == "__main__":
    main(sys.argv[1:])
