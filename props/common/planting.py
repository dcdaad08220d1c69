"""Planting a known mistake: a named change of shipped code that only a test or `--seeded` switches on.

A seed says which function it changes and how, as an exact piece of its source and what stands there
instead. Planting compiles the changed function and swaps its code object, so every caller gets it, and
shipped code has no switch for it. A seed whose piece is not found exactly once is refused: it went stale.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any, NamedTuple

from mapleproof.impl import compiled

PARTS = ("model", "impl", "props", "proofs")
"""What an edit may name without the package before it: `impl.maple.write:classify`."""


class StaleSeed(Exception):
    """The source that a seed changes is no longer what the seed was written for."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One change: in function ``where`` ("package.module:Class.function") ``old`` becomes ``new``."""

    where: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Seed:
    """A mistake: ``name``, the catalogue entry it stands for, what it does, and how it is put in.

    ``lane`` is the part of the suite that finds it. ``steps`` is the most steps that its smallest case may
    have.
    """

    name: str
    bug: str
    what: str
    edits: tuple[Edit, ...]
    lane: str = "bulk"
    steps: int = 12


def function_at(where: str) -> FunctionType:
    """The function at "package.module:path". Raises StaleSeed where there is none."""
    module_name, _, path = where.partition(":")
    part = module_name.partition(".")[0]
    found: Any = importlib.import_module(f"mapleproof.{module_name}" if part in PARTS else module_name)
    for part in path.split("."):
        found = inspect.getattr_static(found, part)
    if isinstance(found, property):
        found = found.fget
    if not isinstance(found, FunctionType):
        raise StaleSeed(f"{where} is no function")
    return found


def _changed(function: FunctionType, edits: list[Edit]) -> CodeType:
    source = textwrap.dedent(inspect.getsource(function))
    for edit in edits:
        found = source.count(edit.old)
        if found != 1:
            raise StaleSeed(f"{edit.where}: {edit.old!r} is there {found} times, not once")
        source = source.replace(edit.old, edit.new)
    tree = ast.parse(source)
    definition = tree.body[0]
    if not isinstance(definition, ast.FunctionDef):
        raise StaleSeed(f"{edits[0].where} is no plain function")
    definition.decorator_list = []
    future = ast.ImportFrom(module="__future__", names=[ast.alias("annotations")], level=0)
    module = ast.fix_missing_locations(ast.Module([future, definition], []))
    scope: dict[str, FunctionType] = {}
    exec(compile(module, f"<seeded {edits[0].where}>", "exec"), {}, scope)
    return scope[definition.name].__code__


class Swap(NamedTuple):
    """A function, its shipped code and the changed one."""

    function: Any
    shipped: CodeType
    changed: CodeType


_active: list[list[Swap]] = []
"""What is planted, the latest last."""


def is_hot(where: str) -> bool:
    """Whether that function is in a module that is compiled, where anything is."""
    return where.partition(":")[0] in compiled.HOT


@contextmanager
def planted(seed: Seed) -> Iterator[None]:
    """The mistake is in the code while the context lasts. Raises StaleSeed where it cannot be put in: what is
    compiled has no code to swap."""
    if compiled.is_compiled() and any(is_hot(edit.where) for edit in seed.edits):
        raise StaleSeed(f"{seed.name} cannot be planted in what is compiled: set {compiled.PURE}=1")
    by_function: dict[str, list[Edit]] = {}
    for edit in seed.edits:
        by_function.setdefault(edit.where, []).append(edit)
    changes = [
        (function, _changed(function, edits))
        for where, edits in by_function.items()
        for function in [function_at(where)]
    ]
    with swapped([Swap(function, function.__code__, code) for function, code in changes]):
        yield


@contextmanager
def swapped(swaps: list[Swap]) -> Iterator[None]:
    """Functions have their changed code while the context lasts."""
    try:
        for swap in swaps:
            swap.function.__code__ = swap.changed
        _active.append(swaps)
        yield
    finally:
        _active.remove(swaps)
        for swap in swaps:
            swap.function.__code__ = swap.shipped


@contextmanager
def as_shipped() -> Iterator[None]:
    """The code is as it is shipped while the context lasts, whatever is planted: for who asks what is
    right."""
    every = [swap for swaps in _active for swap in swaps]
    try:
        for swap in reversed(every):
            swap.function.__code__ = swap.shipped
        yield
    finally:
        for swap in every:
            swap.function.__code__ = swap.changed
