"""What a change of our own sources touches: functions whose code differs, and whether that is anything to
Python.

Two functions are the same where their compiled code is: whatever their local variables are called, whatever
docstrings, comments and annotations say, and wherever they stand. The name of a parameter is no local one.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from types import CodeType

from mapleproof.review.code import Change, differing

MODULE = "the module"
"""What stands outside of functions and classes."""

Normal = tuple[object, ...]
"""Code without what makes no difference."""


class _Plain(ast.NodeTransformer):
    """A module without docstrings, and without annotations where nothing reads them."""

    def __init__(self) -> None:
        self.in_function = False

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._function(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        outside, self.in_function = self.in_function, False
        node.body = _without_docstring(node.body)
        self.generic_visit(node)
        self.in_function = outside
        return node

    def visit_Module(self, node: ast.Module) -> ast.AST:
        node.body = _without_docstring(node.body)
        self.generic_visit(node)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        self.generic_visit(node)
        if not self.in_function:
            return node
        if node.value is None:
            return ast.copy_location(ast.Pass(), node)
        return ast.copy_location(ast.Assign([node.target], node.value), node)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        outside, self.in_function = self.in_function, True
        node.returns = None
        for argument in ast.walk(node.args):
            if isinstance(argument, ast.arg):
                argument.annotation = None
        node.body = _without_docstring(node.body)
        self.generic_visit(node)
        self.in_function = outside
        return node


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    """A body without strings that stand for themselves."""
    kept = [
        one
        for one in body
        if not (
            isinstance(one, ast.Expr)
            and isinstance(one.value, ast.Constant)
            and isinstance(one.value.value, str)
        )
    ]
    return kept or [ast.Pass(lineno=1, col_offset=0, end_lineno=1, end_col_offset=0)]


def functions(text: str) -> dict[str, Normal]:
    """The code of each function of a module by its name (``Class.function``), and of what stands outside of
    them. Raises SyntaxError."""
    tree = ast.fix_missing_locations(_Plain().visit(ast.parse(text)))
    whole = compile(tree, "module", "exec", dont_inherit=True)
    return dict(_named(whole, "")) | {MODULE: _normal(whole, nested=False)}


def _named(code: CodeType, above: str) -> Iterator[tuple[str, Normal]]:
    """The functions in a piece of code; what stands in a function is a part of it."""
    for inner in code.co_consts:
        if isinstance(inner, CodeType) and not inner.co_name.startswith("<"):
            name = f"{above}{inner.co_name}"
            is_function = bool(inner.co_flags & 2)  # CO_NEWLOCALS: a class body has no fast locals
            if is_function:
                yield name, _normal(inner)
            else:
                yield name, _normal(inner, nested=False)
                yield from _named(inner, f"{name}.")


def _normal(code: CodeType, nested: bool = True) -> Normal:
    """Code without names of local variables and numbers of lines; what is nested in it is told by itself
    where it is not a part of it."""
    consts = tuple(
        (_normal(one) if nested or one.co_name.startswith("<") else one.co_name)
        if isinstance(one, CodeType)
        else (type(one).__name__, repr(one))
        for one in code.co_consts
    )
    parameters = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return (
        *(code.co_code, consts, code.co_names, parameters, code.co_posonlyargcount, code.co_flags),
        *(len(code.co_freevars), len(code.co_cellvars), getattr(code, "co_exceptiontable", b"")),
    )


def change_of(before: Path, after: Path, path: str) -> Change:
    """What differs in a file between two trees: functions as "module.function", the module's path below
    ``impl``. A file that is no Python is changed as a whole."""
    old, new = (_text(folder / path) for folder in (before, after))
    module = path.removeprefix("impl/").removesuffix(".py").replace("/", ".")
    try:
        names = differing(functions(old), functions(new))
    except (SyntaxError, ValueError):
        names = iter((MODULE,))
    touched = tuple(sorted(f"{module}.{name}" if name != MODULE else module for name in names))
    return Change(path, touched, touched)


def _text(path: Path) -> str:
    return path.read_text(errors="replace") if path.is_file() else ""
