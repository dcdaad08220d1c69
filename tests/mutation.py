"""One-line mistakes: every way to change one place of a function, and planting such a change.

A comparison turned, a word between conditions exchanged or one of them left out, a condition negated, a
number left out or off by one, an error code for another, a call left out.
"""

from __future__ import annotations

import ast
import copy
import importlib
import inspect
import itertools
import textwrap
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, NamedTuple

import mapleproof
from mapleproof.props.common.planting import StaleSeed, Swap, function_at, swapped

COMPARED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.Gt, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
"""What a comparison is changed to."""

ERRNO = {"ENOMEM": "EINVAL", "EINVAL": "ENOMEM", "EINTR": "ENOMEM", "EBUSY": "ENOMEM", "EFAULT": "EINVAL"}
"""What an error code is changed to."""

LEFT_OUT = (ast.Add, ast.Sub, ast.BitAnd, ast.BitOr)
"""Operations whose right side may be left out."""


class Mutant(NamedTuple):
    """One change: in which function, what stood there and what stands there now, and the function then."""

    where: str
    old: str
    new: str
    tree: ast.FunctionDef

    def __str__(self) -> str:
        return f"{self.where}: {self.old}  ->  {self.new}"


class Place(NamedTuple):
    """Where a function may be changed: the number of the node in it, and of the change of that node."""

    where: str
    node: int
    change: int

    def mutant(self) -> Mutant:
        """The change."""
        tree = definition_of(self.where)
        target = next(itertools.islice(ast.walk(tree), self.node, None))
        old = ast.unparse(target)
        change = [*in_conditions(target), *elsewhere(target)][self.change]
        changed = change(target)
        if changed is not target:
            _Replace(target, changed).visit(tree)
        return Mutant(self.where, old, ast.unparse(changed), tree)


def definition_of(where: str) -> ast.FunctionDef:
    """The source of a function, parsed anew."""
    definition = ast.parse(textwrap.dedent(inspect.getsource(function_at(where)))).body[0]
    assert isinstance(definition, ast.FunctionDef)
    return definition


def places(where: str, *, conditions_only: bool = False) -> Iterator[Place]:
    """All places of a function ("package.module:Class.function") that can be changed, or its conditions."""
    for number, node in enumerate(ast.walk(definition_of(where))):
        changes = [*in_conditions(node), *([] if conditions_only else elsewhere(node))]
        yield from (Place(where, number, change) for change in range(len(changes)))


def mutants(where: str, *, conditions_only: bool = False) -> Iterator[Mutant]:
    """All changes of one function, or those of its conditions."""
    return (place.mutant() for place in places(where, conditions_only=conditions_only))


def in_conditions(node: ast.AST) -> Iterator[Any]:
    """Functions that change a condition, each in its own way, and give what stands there then."""
    if isinstance(node, ast.Compare):
        for at, op in enumerate(node.ops):
            for other in COMPARED[type(op)]:
                yield lambda target, at=at, other=other: _compare(target, at, other)
    elif isinstance(node, ast.BoolOp):
        yield _other_word
        for at in range(len(node.values)):
            yield lambda target, at=at: _without(target, at)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield lambda target: target.operand
    elif isinstance(node, (ast.If, ast.While)) and not isinstance(node.test, (ast.Compare, ast.BoolOp)):
        yield _negated


def elsewhere(node: ast.AST) -> Iterator[Any]:
    """The same for numbers, error codes, and calls that stand for themselves."""
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield lambda target: ast.Constant(not target.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        for by in (1, -1):
            yield lambda target, by=by: ast.Constant(target.value + by)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, LEFT_OUT) and _is_constant(node.right):
        yield lambda target: target.left
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield lambda _: ast.Pass()
    elif isinstance(node, ast.AugAssign) and isinstance(node.op, (ast.Add, ast.Sub)):
        yield _other_sign
        yield lambda _: ast.Pass()
    elif isinstance(node, ast.Attribute) and node.attr in ERRNO and _names(node.value, "errno"):
        yield lambda target: ast.Attribute(target.value, ERRNO[target.attr], ast.Load())


def _is_constant(node: ast.expr) -> bool:
    """A number, or a name that is written as constants are."""
    if isinstance(node, ast.UnaryOp):
        return _is_constant(node.operand)
    named = isinstance(node, ast.Name) and node.id.isupper()
    return named or (isinstance(node, ast.Constant) and isinstance(node.value, int))


def _names(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _compare(target: ast.Compare, at: int, other: type[ast.cmpop]) -> ast.AST:
    target.ops[at] = other()
    return target


def _other_word(target: ast.BoolOp) -> ast.AST:
    target.op = ast.Or() if isinstance(target.op, ast.And) else ast.And()
    return target


def _without(target: ast.BoolOp, at: int) -> ast.AST:
    rest = target.values[:at] + target.values[at + 1 :]
    return rest[0] if len(rest) == 1 else ast.BoolOp(target.op, rest)


def _negated(target: ast.If | ast.While) -> ast.AST:
    target.test = ast.UnaryOp(ast.Not(), target.test)
    return target


def _other_sign(target: ast.AugAssign) -> ast.AST:
    target.op = ast.Sub() if isinstance(target.op, ast.Add) else ast.Add()
    return target


class _Replace(ast.NodeTransformer):
    """Puts one node in the place of another."""

    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self.old = old
        self.new = new

    def visit(self, node: ast.AST) -> Any:
        return self.new if node is self.old else self.generic_visit(node)


def planted(mutant: Mutant) -> AbstractContextManager[None]:
    """The change is in the code while the context lasts."""
    function = function_at(mutant.where)
    return swapped([Swap(function, function.__code__, _compiled(mutant))])


def _compiled(mutant: Mutant) -> CodeType:
    definition = copy.deepcopy(mutant.tree)
    definition.decorator_list = []
    # The function keeps its own defaults; only their number matters to its code
    definition.args.defaults = [ast.Constant(None) for _ in definition.args.defaults]
    definition.args.kw_defaults = [one and ast.Constant(None) for one in definition.args.kw_defaults]
    future = ast.ImportFrom(module="__future__", names=[ast.alias("annotations")], level=0)
    module = ast.fix_missing_locations(ast.Module([future, definition], []))
    scope: dict[str, FunctionType] = {}
    exec(compile(module, f"<changed {mutant.where}>", "exec"), {}, scope)
    return scope[definition.name].__code__


def functions(package: str) -> list[str]:
    """The functions and methods of a package such as "impl.maple", as package.module:path. Those that hold on
    to variables around them cannot be changed in place, and are left out."""
    root = Path(mapleproof.__file__).parent.joinpath(*package.split("."))
    found = []
    for path in sorted(root.rglob("*.py")):
        module = ".".join([package, *path.relative_to(root).with_suffix("").parts]).removesuffix(".__init__")
        for name in _paths(ast.parse(path.read_text()).body):
            where = f"{module}:{name}"
            try:
                function = function_at(where)
            except (StaleSeed, AttributeError):
                continue
            plain = function.__module__ == importlib.import_module(f"mapleproof.{module}").__name__
            if plain and not function.__code__.co_freevars and not hasattr(function, "__wrapped__"):
                found.append(where)
    return found


def _paths(body: list[ast.stmt], above: str = "") -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.FunctionDef):
            yield above + node.name
        elif isinstance(node, ast.ClassDef):
            yield from _paths(node.body, f"{above}{node.name}.")
