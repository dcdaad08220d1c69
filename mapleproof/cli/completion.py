"""`mapleproof completion`: completion in a shell, by what click brings with it."""

from __future__ import annotations

import os

import click
from click.shell_completion import (
    BashComplete,
    add_completion_class,
    get_completion_class,
    split_arg_string,
)

from mapleproof.cli.values import Item

PROGRAM = "mapleproof"
VARIABLE = "_MAPLEPROOF_COMPLETE"
"""Where click looks for what a shell wants."""

BREAKS = (":", "=")
"""Where Bash breaks a word, of what stands in our values."""

SHELLS = ("bash", "zsh", "fish")


class Bash(BashComplete):
    """Bash breaks words at colons and equals signs too, and puts what it is offered in the place of the last
    piece alone: `--port=kernel:PATH` comes as five pieces, of which PATH is completed."""

    kept = ""
    """What stands before that piece, of the value that is completed."""

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the one that is completed, and that one, put together again."""
        pieces = split_arg_string(os.environ["COMP_WORDS"])
        at = int(os.environ["COMP_CWORD"])
        words: list[str] = []
        glue = False
        for piece in pieces[1 : at + 1]:
            if piece == "=" and words and words[-1].startswith("--"):
                words.append("")
            elif words and (glue or piece in BREAKS):
                words[-1] += piece
            else:
                words.append(piece)
            glue = piece in BREAKS
        if at >= len(pieces):
            return words, ""
        self.kept = words[-1] if glue else words[-1].removesuffix(pieces[at])
        return words[:-1], words[-1]

    def format_completion(self, item: Item) -> str:
        """As click does, without what is there already."""
        return f"{item.type},{item.value.removeprefix(self.kept)}"


add_completion_class(Bash)


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print a script that completes commands, options and values in a shell.

    It completes ports, the kernel trees that were built, seeds, claims, recoveries and case files as well.
    Put one line into the shell's start file:

    \b
    bash  ~/.bashrc                   source <(mapleproof completion bash)
    zsh   ~/.zshrc, after compinit    source <(mapleproof completion zsh)
    fish  ~/.config/fish/config.fish  mapleproof completion fish | source

    Exit status: 0 printed; 2 bad usage.
    """
    made = get_completion_class(shell)
    assert made is not None
    click.echo(made(ctx.find_root().command, {}, PROGRAM, VARIABLE).source(), nl=False)
