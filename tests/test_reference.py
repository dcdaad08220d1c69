"""docs/reference.md is what the command says of itself."""

from __future__ import annotations

import click
import pytest

from props.cli import main
from props.reference import EXIT_STATUS, FILE, RENEW, reference


def test_it_is_what_the_command_says_now() -> None:
    assert FILE.read_text() == reference(main), f"docs/reference.md is old: run {RENEW}"


def every_command(group: click.Group) -> list[click.Command]:
    below = [one for one in group.commands.values() if isinstance(one, click.Group)]
    return [*group.commands.values(), *(one for each in below for one in every_command(each))]


@pytest.mark.parametrize("command", every_command(main), ids=lambda command: command.name)
def test_all_of_it_has_help(command: click.Command) -> None:
    options = [one for one in command.params if isinstance(one, click.Option)]
    assert [one.name for one in options if not one.help] == []
    assert command.help


@click.group("shop")
def shop() -> None:
    """Sell things.

    Exit status: 0 sold; 1 not
    sold.
    """


@shop.command()
@click.argument("thing")
@click.option("--price", default=3, show_default=True, help="In *coins*.")
@click.option("--secret", hidden=True)
def sell(thing: str, price: int, secret: str) -> None:
    """Sell one. It is wrapped
    first.

    \b
    price  what
    3      __tea__

    Exit status: 0 sold; 2 no such thing; no refund.
    """


@shop.command()
def close() -> None:
    """Close the shop."""


@shop.command(hidden=True)
def burgle() -> None:
    """Nobody is told of this."""


def test_a_command_that_is_added_is_in_it() -> None:
    text = reference(shop, "shop")
    assert "- [shop sell](#shop-sell): Sell one.\n" in text
    section = text.split("\n## ")[3]
    assert section == SELL
    assert "secret" not in text
    assert "burgle" not in text


def test_a_command_without_exit_status_has_that_of_its_group() -> None:
    section = reference(shop, "shop").split("\n## shop close\n")[1].split("\n## ")[0]
    assert section.endswith("**EXIT STATUS**\n\n- 0 sold\n- 1 not sold\n")
    assert EXIT_STATUS not in section


SELL = """shop sell

**NAME**

shop sell - Sell one.

**SYNOPSIS**

    shop sell [OPTIONS] THING

**DESCRIPTION**

Sell one. It is wrapped first.

    price  what
    3      __tea__

**OPTIONS**

- `--price INTEGER`: In \\*coins\\*. [default: 3]

**EXIT STATUS**

- 0 sold
- 2 no such thing; no refund
"""
