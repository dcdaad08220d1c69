"""Every command and option has a help text, from which the site's reference and the man pages are made."""

from __future__ import annotations

import click
import pytest

from mapleproof.cli.cli import main


def every_command(group: click.Group) -> list[click.Command]:
    below = [one for one in group.commands.values() if isinstance(one, click.Group)]
    return [*group.commands.values(), *(one for each in below for one in every_command(each))]


@pytest.mark.parametrize("command", every_command(main), ids=lambda command: command.name)
def test_all_of_it_has_help(command: click.Command) -> None:
    options = [one for one in command.params if isinstance(one, click.Option)]
    assert [one.name for one in options if not one.help] == []
    assert command.help
