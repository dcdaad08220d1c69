"""`mapleproof bench`: how fast it all is, beside what else there is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mapleproof.cli.values import Seconds

if TYPE_CHECKING:
    from rich.console import Console

JSON = click.option(
    "--json",
    "json_path",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write every figure.",
)
QUICK = click.option("--quick", is_flag=True, help="Small sizes and few rounds: a look, not a measurement.")


@click.group()
def bench() -> None:
    """How fast it all is, in one run on one core, beside what else there is.

    Exit status: 0 measured; 2 bad usage, or no kernel tree to measure.
    """


@bench.command("tree")
@JSON
@QUICK
def bench_tree_command(json_path: Path | None, quick: bool) -> None:
    """The maple tree beside interval maps that Python users have, and beside the C tree."""
    from mapleproof.bench import report as bench_report
    from mapleproof.bench import tree as bench_tree
    from mapleproof.bench.measure import Limits

    progress = _progress()
    sizes = bench_tree.QUICK_SIZES if quick else bench_tree.SIZES
    limits = Limits(rounds=3, seconds=0.3) if quick else Limits()
    result = bench_tree.run(sizes, limits, tell=lambda line: progress.print(line, markup=False))
    bench_report.show(result, wide())
    _write(json_path, bench_report.as_json(result))


@bench.command("check")
@JSON
@QUICK
def bench_check_command(json_path: Path | None, quick: bool) -> None:
    """Checked operations per second beside an empty Hypothesis state machine; memory over a long run."""
    from mapleproof.bench import check as bench_check

    pace = bench_check.run(bench_check.QUICK if quick else None)
    bench_check.show(pace, wide())
    _write(json_path, pace.as_json())


@bench.command("kernel")
@click.option(
    "--path",
    metavar="PATH",
    type=click.Path(),
    help="Kernel tree; default: $MAPLEPROOF_KERNEL or Debian's linux-source.",
)
@JSON
@QUICK
def bench_kernel_command(path: str | None, json_path: Path | None, quick: bool) -> None:
    """The bulk lane on a kernel's own tree: operations per second, in one process and through a pipe."""
    from mapleproof.bench import bulk_kernel
    from mapleproof.impl.kernel.build import build
    from mapleproof.impl.kernel.errors import KernelBuildError
    from mapleproof.impl.kernel.source import find, resolve

    try:
        built = build(resolve(path) if path else find())
    except KernelBuildError as error:
        raise click.UsageError(str(error)) from None
    parts = bulk_kernel.run(built, bulk_kernel.QUICK if quick else None)
    bulk_kernel.show(parts, wide())
    _write(json_path, parts.as_json())


@bench.command("fork")
@JSON
@QUICK
@click.option("--plot", "plot_path", type=click.Path(path_type=Path), metavar="FILE", help="Draw the curves.")
def bench_fork_command(json_path: Path | None, quick: bool, plot_path: Path | None) -> None:
    """Forks in ten seconds by number of VMAs, by the old strategy and by __mt_dup()."""
    from mapleproof.bench import fork as bench_fork

    counts = bench_fork.COUNTS[:3] if quick else bench_fork.COUNTS
    bench_fork.main(json_path, plot_path, counts=counts, seconds=0.1 if quick else 1.0)


@bench.command("prove")
@JSON
@QUICK
def bench_prove_command(json_path: Path | None, quick: bool) -> None:
    """How a proof grows with the VMAs executed one by one, and by induction; and with the fan-out."""
    from mapleproof.proofs import growth

    progress = _progress()

    def tell(line: str) -> None:
        progress.print(line, markup=False)

    done = growth.run(growth.COUNTS[:2] if quick else growth.COUNTS, tell)
    leaves = growth.run_leaves(growth.FAN_OUTS[:2] if quick else growth.FAN_OUTS, tell)
    growth.show(done, leaves, wide())
    figures = {"undo_exact": done, "write_kinds": leaves}
    _write(json_path, {name: [one._asdict() for one in rows] for name, rows in figures.items()})


@bench.command("campaign")
@JSON
@QUICK
def bench_campaign_command(json_path: Path | None, quick: bool) -> None:
    """What a lot of a campaign costs apart from its work, and from that, simulated: up to 4,000 workers."""
    try:
        from mapleproof.bench import campaign as bench_campaign
    except ImportError as error:
        raise click.UsageError(f"{error.name} is not installed: pip install 'mapleproof[bench]'") from None
    from mapleproof.bench.campaign_cluster import ClusterError

    progress = _progress()
    try:
        result = bench_campaign.run(
            bench_campaign.QUICK if quick else None, tell=lambda line: progress.print(line, markup=False)
        )
    except ClusterError as error:
        raise click.ClickException(str(error)) from None
    bench_campaign.show(result, wide())
    _write(json_path, result.as_json())


@bench.command("budget")
@JSON
@QUICK
@click.option("--jobs", type=click.IntRange(1, 256), default=1, show_default=True, help="Runs at a time.")
@click.option("--seeded", "names", multiple=True, metavar="NAME", help="Only this mistake; repeatable.")
@click.option(
    "--seed", "seeds", multiple=True, type=int, help="A campaign's seed; repeatable.  [default: 1, 2]"
)
@click.option("--seconds", type=Seconds(open_end=True), help="Of each run.  [default: 15]")
def bench_budget_command(
    json_path: Path | None,
    quick: bool,
    jobs: int,
    names: tuple[str, ...],
    seeds: tuple[int, ...],
    seconds: float | None,
) -> None:
    """Known mistakes that a campaign finds in equal time: its budget beside an even split."""
    from mapleproof.bench import budget as bench_budget
    from mapleproof.cli.known_seeds import UnknownSeed, known_seed

    try:
        for name in names:
            known_seed(name)
    except UnknownSeed as error:
        raise click.UsageError(str(error)) from None
    progress = _progress()
    base = bench_budget.QUICK if quick else bench_budget.Size()
    size = bench_budget.Size(names or base.names, seeds or base.seeds, seconds or base.seconds)
    result = bench_budget.compare(size, jobs, tell=lambda line: progress.print(line, markup=False))
    bench_budget.show(result, wide())
    _write(json_path, bench_budget.as_json(result))


def _write(path: Path | None, figures: dict[str, Any]) -> None:
    if path is not None:
        path.write_text(json.dumps(figures, indent=1) + "\n")


def _progress() -> Console:
    from rich.console import Console

    return Console(stderr=True)


def wide() -> Console:
    """Where it goes to a file, tables as wide as they are."""
    from rich.console import Console

    console = Console()
    return console if console.is_terminal else Console(width=160)
