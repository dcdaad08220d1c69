"""Cases on every kernel at hand: which does what the case promises, and what the others do instead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from mapleproof.props.common.difference import INVARIANT
from mapleproof.props.common.port import Lacking
from mapleproof.props.job.choose_port import KERNEL
from mapleproof.props.job.replay import replay_file

PASSES = "as promised"


def outcome(case: Path, tree: Path) -> str:
    """What a kernel's tree makes of a case, in a few words: PASSES, the kind of difference, or what it
    lacks."""
    try:
        difference = replay_file(case, f"{KERNEL}{tree}", "documented").difference
    except Lacking as lacking:
        return f"no {str(lacking).rpartition(' ')[2]}"
    if difference is None:
        return PASSES
    return difference.kind if difference.kind == INVARIANT else difference.sort.partition(" in ")[0]


def outcomes(cases: Iterable[Path], trees: Mapping[str, Path]) -> dict[str, dict[str, str]]:
    """The outcome of each case by its name, and within by the kernel's version."""
    return {
        case.name.partition(".")[0]: {version: outcome(case, tree) for version, tree in trees.items()}
        for case in cases
    }


def markdown(found: Mapping[str, Mapping[str, str]]) -> str:
    """The table of `outcomes` as docs/findings.md holds it."""
    versions = list(next(iter(found.values())))
    lines = [f"| case | {' | '.join(versions)} |", "|---" * (1 + len(versions)) + "|"]
    lines += [f"| `{name}` | {' | '.join(row.values())} |" for name, row in found.items()]
    return "\n".join(lines) + "\n"
