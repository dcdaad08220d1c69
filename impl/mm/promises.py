"""What a fork promises, by name, and the alarms that go off where a promise is broken.

Most broken promises are noted and the run goes on, as the kernel does, so that one run shows all of them.
Only what would crash the kernel ends a run: an Oops.
"""

from __future__ import annotations

from typing import NamedTuple

TABLES = "page tables freed exactly"
ZAPPED = "pages zapped"
RELEASED = "VMAs released once"
CHARGE = "charge zero"
COUNT = "map_count agrees"
NODES = "tree nodes freed"
PARENT = "parent untouched"
OBSERVERS = "observers safe"
ANSWERED = "fails if refused"
CRASH = "no crash"

PROMISES = (TABLES, ZAPPED, RELEASED, CHARGE, COUNT, NODES, PARENT, OBSERVERS, ANSWERED, CRASH)
"""All of them, in the order in which tables show them."""


class Alarm(NamedTuple):
    """One broken promise and what was seen."""

    promise: str
    what: str


class Oops(Exception):
    """The kernel would have crashed here: a pointer that is none was followed, or freed memory used."""
