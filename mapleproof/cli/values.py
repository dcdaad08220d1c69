"""Values on the command line: checked when they are used, and offered to a shell that completes them; and the
options that several commands have.

A shell asks at every press of the tab key, so nothing is imported here before it is asked for. A folder that
cannot be read, or a build that is damaged, is not told of: it is not offered.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches
from functools import cached_property
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click
from click.shell_completion import CompletionItem

from mapleproof.props.common.answers import Level

if TYPE_CHECKING:
    StringType = click.ParamType[str]
    FloatType = click.ParamType[float]
    Item = CompletionItem[str]
else:
    StringType = FloatType = click.ParamType
    Item = CompletionItem

CASE_NAMES = (".jsonl", ".jsonl.gz")
"""How the names of case files end."""

TARBALL_NAMES = (".tar.xz", ".tar.gz", ".tar.bz2")
"""How the names of kernel sources end where they are packed."""

KERNEL = "kernel:"


def nearest(name: str, names: Iterable[str]) -> str:
    """What to add to a message about a mistyped name: the one that is nearest, if one is near."""
    near = get_close_matches(name, list(names), n=1)
    return f"; did you mean {near[0]}?" if near else ""


class Seconds(FloatType):
    """A time in seconds: a number, not infinite."""

    name = "SECONDS"

    def __init__(self, above: float = 0.0, open_end: bool = False) -> None:
        self.least = above
        self.is_open = open_end

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            seconds = float(value)
        except ValueError:
            self.fail(f"{value!r} is no number of seconds.", param, ctx)
        if not isfinite(seconds) or seconds < self.least or (self.is_open and seconds == self.least):
            more = "more than" if self.is_open else "at least"
            self.fail(f"{value} is no time: it must be {more} {self.least:g} seconds, and end.", param, ctx)
        return seconds


class Once(click.Option):
    """An option that may be given once: a second value is refused, and does not replace the first."""

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        super().add_to_parser(parser, ctx)
        for name in self.opts:
            taken = parser._long_opt.get(name) or parser._short_opt.get(name)
            taken.process = self._refusing(taken.process)

    def _refusing(self, process: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
        def once(value: Any, state: Any) -> None:
            if self.name in state.opts:
                raise click.UsageError(f"{self.opts[0]} is given twice: one at a time.")
            process(value, state)

        return once


class LateChoice(StringType):
    """One of several names, which are found out when they are needed."""

    name = "choice"

    def __init__(self, names: Callable[[], Iterable[str]]) -> None:
        self.names = names

    @cached_property
    def choice(self) -> Any:
        return click.Choice(tuple(self.names()))

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return str(self.choice.convert(value, param, ctx))
        except click.BadParameter as error:
            names = self.choice.choices
            known = f"{', '.join(names)}{nearest(str(value), names)}"
            raise click.BadParameter(f"{value!r} is none of {known}", error.ctx, error.param) from None

    def get_metavar(self, *of: Any, **named: Any) -> str | None:
        found: str | None = self.choice.get_metavar(*of, **named)
        return found

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Item]:
        found: list[Item] = self.choice.shell_complete(ctx, param, incomplete)
        return found


class LateDefault(click.Option):
    """An option whose ``default`` is a function, called when the default is used or shown in help, and not
    for a shell that wants words completed."""

    def get_default(self, ctx: click.Context, call: bool = True) -> Any:
        if call and ctx.resilient_parsing:
            return None
        return super().get_default(ctx, call=True)


def lane_names() -> Iterable[str]:
    """The parts of the main job."""
    from mapleproof.props.job.names import CHECK_LANES

    return CHECK_LANES


def recovery_names() -> Iterable[str]:
    """The recoveries that a check judges."""
    from mapleproof.impl.mm.recovery import RECOVERIES

    return RECOVERIES


def most_failures() -> int:
    """Sorts of failure after which a check ends."""
    from mapleproof.props.job.options import MOST_FAILURES

    return MOST_FAILURES


def complete_port(_ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Item]:
    """The ports that the option's metavar names, and kernel:PATH for each tree that was built; folders and
    tarballs for a path that is begun."""
    names = (param.metavar or "").split("|")
    offered = [CompletionItem(name) for name in names if ":" not in name]
    if len(offered) < len(names):
        offered += _builds()
        path = incomplete.removeprefix(KERNEL)
        begun = incomplete.startswith(KERNEL) and path
        folders = (
            _entered(path, TARBALL_NAMES, _is_kernel_tree) if begun else [f".{os.sep}", os.sep, f"~{os.sep}"]
        )
        known = {item.value for item in offered}
        offered += [CompletionItem(KERNEL + folder) for folder in folders if KERNEL + folder not in known]
    return _beginning(incomplete, offered)


def _builds() -> list[Item]:
    from mapleproof.impl.kernel.build import list_builds

    try:
        sources = {built.source: built.version for built in list_builds()}
    except (OSError, ValueError, LookupError, TypeError):
        return []
    return [CompletionItem(KERNEL + source, help=f"Linux {version}") for source, version in sources.items()]


def _is_kernel_tree(folder: str) -> bool:
    return (Path(folder).expanduser() / "lib" / "maple_tree.c").exists()


def seeds_of(port: str) -> Iterator[tuple[str, str]]:
    """Names of the mistakes that can be seeded into what is behind a port, and what each breaks or does."""
    from mapleproof.cli.known_seeds import KNOWN
    from mapleproof.impl.kernel.mistakes import SEEDS
    from mapleproof.props.job.choose_port import is_kernel
    from mapleproof.props.mm.booted_port import is_booted

    if is_booted(port):
        from mapleproof.impl.kernel.booted.planted import PLANTED
        from mapleproof.impl.kernel.booted.recoveries import RECOVERIES

        yield from ((seed.name, seed.what) for seed in (*PLANTED, *RECOVERIES))
    elif is_kernel(port):
        yield from ((seed.name, f"{seed.function}(): {seed.promise}, but not with this") for seed in SEEDS)
    else:
        yield from ((seed.name, seed.what) for seed in KNOWN.values())


def complete_seed(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[Item]:
    """The mistakes that can be planted behind the port that is named; CLAIM.TWIN once the dot is there, since
    claims bring the solver with them."""
    port = ctx.params.get("port_name") or next(iter(ctx.params.get("ports") or ()), "")
    offered = [CompletionItem(name, help=what) for name, what in seeds_of(port)]
    if ctx.command.name == "check":
        offered.append(CompletionItem("list", help="name them all"))
    if "." in incomplete:
        from mapleproof.proofs.registry import CLAIMS

        twins = ((claim.name, twin) for claim in CLAIMS.values() for twin in claim.twins if twin.edits)
        offered += [CompletionItem(f"{name}.{twin.name}", help=twin.what) for name, twin in twins]
    return _beginning(incomplete, offered)


def complete_kernel_seed(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[Item]:
    """The mistakes that can be built into a kernel's tree."""
    return _beginning(incomplete, [CompletionItem(name, help=what) for name, what in seeds_of(KERNEL)])


def complete_claim(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[Item]:
    """The claims that can be proved."""
    from mapleproof.proofs.registry import CLAIMS

    return _beginning(incomplete, [CompletionItem(name, help=one.sentence) for name, one in CLAIMS.items()])


def complete_sanitizers(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[Item]:
    """Lists of sanitizers."""
    return _beginning(incomplete, map(CompletionItem, ("address", "undefined", "address,undefined")))


def complete_case(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[Item]:
    """Case files, and the folders on the way to them."""
    return [CompletionItem(path) for path in _entered(incomplete, CASE_NAMES)]


def complete_any_file(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[Item]:
    """Any file; the shell itself lists them."""
    return [CompletionItem(incomplete, type="file")]


def _entered(
    begun: str, endings: tuple[str, ...], is_value: Callable[[str], bool] = lambda _: False
) -> list[str]:
    """What a path can go on to. A folder that is all there is to offer is entered unless it is a value
    itself: the one thing that a shell is offered it takes for finished."""
    found = _below(begun, endings)
    while len(found) == 1 and found[0].endswith(os.sep) and not is_value(found[0]):
        found = _below(found[0], endings)
    return found


def _below(begun: str, endings: tuple[str, ...]) -> list[str]:
    """Folders, with a slash at the end, and files whose names end so, that go on from a path. Hidden ones
    where the dot is given."""
    folder, name = os.path.split(begun)
    try:
        entries = sorted(Path(folder or ".").expanduser().iterdir())
    except OSError:
        return []
    found = []
    for entry in entries:
        if entry.name.startswith(name or ".") == bool(name):
            path = os.path.join(folder, entry.name)
            if entry.is_dir():
                found.append(path + os.sep)
            elif path.endswith(endings):
                found.append(path)
    return found


def _beginning(incomplete: str, offered: Iterable[Item]) -> list[Item]:
    """Those that go on from what is there."""
    return [item for item in offered if item.value.startswith(incomplete)]


level_option = click.option(
    "--level",
    type=click.Choice(get_args(Level)),
    default="exact",
    show_default=True,
    help="What of an answer must be the same: what the kernel's documentation promises, or all of it.",
)
"""How exactly answers are compared."""

seeded_option = click.option(
    "--seeded",
    metavar="NAME",
    shell_complete=complete_seed,
    help="Plant a known mistake first: one that check --seeded list names, or CLAIM.TWIN of prove --twins.",
)
"""A mistake under which a case is carried out."""

out_option = click.option(
    "--out",
    default="mapleproof-out",
    show_default=True,
    metavar="DIR",
    type=click.Path(file_okay=False),
    help="Where cases are written.",
)
"""The folder for cases."""

json_option = click.option(
    "--json",
    "json_file",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path, allow_dash=True),
    help="Write every figure; '-' is standard output.",
)
"""A file for a program to read."""

junit_option = click.option(
    "--junit",
    "junit_file",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the verdicts as JUnit's XML, which CI servers read.",
)
"""The verdicts for a CI server."""

bisect_option = click.option(
    "--bisect",
    is_flag=True,
    help="For git bisect run: end with 125 where there is no verdict, such as on a tree that does not build.",
)
"""Exit statuses as `git bisect run` takes them; `outermost` looks for it."""
