"""The reference of the command, made of click's own objects: `python -m props.reference` writes it.

Nothing is told here that help does not tell. A docstring's paragraph `Exit status: 0 ...; 1 ...` becomes a
section of its own; a command without one has that of the group it belongs to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path

import click

from props.cli import main
from props.cli_completion import PROGRAM

FILE = Path(__file__).parents[1] / "docs" / "reference.md"

RENEW = "python -m props.reference"
"""What makes the file."""

EXIT_STATUS = "Exit status: "

HEAD = f"""# Reference

Every command of `{PROGRAM}`, with what `--help` says of it. Made by `{RENEW}`: edit docstrings and help
texts, not this file.
"""


def reference(command: click.Command, name: str = PROGRAM) -> str:
    """The reference of a command and of all below it, in Markdown."""
    contexts = list(_contexts(command, name, None))
    contents = [f"- [{ctx.command_path}](#{_anchor(ctx)}): {_first_sentence(ctx)}" for ctx in contexts]
    sections = (line for ctx in contexts for line in _section(ctx))
    return "\n".join([HEAD, *contents, *sections]) + "\n"


def _contexts(command: click.Command, name: str, parent: click.Context | None) -> Iterator[click.Context]:
    ctx = click.Context(command, info_name=name, parent=parent)
    yield ctx
    for below, each in _commands(ctx):
        yield from _contexts(each, below, ctx)


def _commands(ctx: click.Context) -> list[tuple[str, click.Command]]:
    group = ctx.command
    if not isinstance(group, click.Group):
        return []
    found = ((name, group.get_command(ctx, name)) for name in group.list_commands(ctx))
    return [(name, command) for name, command in found if command is not None and not command.hidden]


def _section(ctx: click.Context) -> Iterator[str]:
    """The lines about one command."""
    yield from ("", f"## {ctx.command_path}")
    yield from _titled("NAME", [f"{ctx.command_path} - {_first_sentence(ctx)}"])
    yield from _titled("SYNOPSIS", [f"    {' '.join([ctx.command_path, *_usage(ctx)])}"])
    yield from _titled("DESCRIPTION", _description(ctx))
    yield from _titled("COMMANDS", [_link(ctx, name) for name, _ in _commands(ctx)])
    yield from _titled("OPTIONS", list(_options(ctx)))
    yield from _titled("EXIT STATUS", _exit_status(ctx))


def _titled(title: str, lines: list[str]) -> list[str]:
    return ["", f"**{title}**", "", *lines] if lines else []


def _usage(ctx: click.Context) -> list[str]:
    return ctx.command.collect_usage_pieces(ctx)


def _link(ctx: click.Context, name: str) -> str:
    path = f"{ctx.command_path} {name}"
    return f"- [{path}](#{path.replace(' ', '-')})"


def _anchor(ctx: click.Context) -> str:
    return ctx.command_path.replace(" ", "-")


def _paragraphs(command: click.Command) -> list[str]:
    return re.split(r"\n\s*\n", cleandoc(command.help or ""))


def _first_sentence(ctx: click.Context) -> str:
    words = " ".join(_paragraphs(ctx.command)[0].split())
    return _escaped(re.split(r"(?<=\.)\s", words)[0])


def _description(ctx: click.Context) -> list[str]:
    """The paragraphs of the docstring; what click is not to wrap stays as it is."""
    lines: list[str] = []
    for paragraph in _paragraphs(ctx.command):
        if paragraph.startswith(EXIT_STATUS):
            continue
        if paragraph.startswith("\b"):
            lines += ["", *(f"    {line.strip()}" for line in paragraph.splitlines()[1:])]
        else:
            lines += ["", _escaped(" ".join(paragraph.split()))]
    return lines[1:]


def _options(ctx: click.Context) -> Iterator[str]:
    """A line for each option, and for each argument that has help. The option --help has none."""
    for param in ctx.command.get_params(ctx):
        record = param.get_help_record(ctx)
        is_told = isinstance(param, click.Option) or (record is not None and record[1])
        if record is None or not is_told or set(param.opts) & set(ctx.help_option_names):
            continue
        yield f"- `{record[0]}`: {_escaped(re.sub(r'  +', ' ', record[1]))}"


def _exit_status(ctx: click.Context) -> list[str]:
    """A line for each status, of the command itself or of what it belongs to."""
    for paragraph in _paragraphs(ctx.command):
        if paragraph.startswith(EXIT_STATUS):
            words = " ".join(paragraph.split()).removeprefix(EXIT_STATUS).removesuffix(".")
            return [f"- {_escaped(status)}" for status in re.split(r"; (?=\d )", words)]
    return _exit_status(ctx.parent) if ctx.parent is not None else []


def _escaped(text: str) -> str:
    """Plain text as Markdown."""
    return re.sub(r"([*<`]|__)", r"\\\1", text)


if __name__ == "__main__":
    FILE.write_text(reference(main))
    print(FILE)
