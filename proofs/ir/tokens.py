"""The text of LLVM IR as tokens, and types and operands read from them.

An operand is a tuple, of which the first says what it is: ``("local", "%name")``, ``("global", "@name")``,
``("int", value)``, ``("zero",)``, ``("undef",)``, ``("bytes", text)``, ``("aggregate", ((type, operand),
...))``, and calculated by the compiler ``("gep", type, operands)``, ``("cast", how, from, operand, to)``,
``("bin", how, operands)``. Pointers may have a type, as before LLVM 15, or none.
"""

from __future__ import annotations

import re
from typing import Any

from mapleproof.proofs.ir.errors import NotUnderstood
from mapleproof.proofs.ir.types import LABEL, METADATA, POINTER, VOID, Type

Operand = tuple[Any, ...]

TOKEN = re.compile(
    r'\s*(?:c?"(?:[^"\\]|\\.)*"|[%@](?:"[^"]*"|[-\w$.]+)|![\w.]*|\#\d+'
    r"|0x[0-9A-Fa-f]+|-?\d+(?:\.\d+(?:e[+-]?\d+)?)?|\.\.\.|[A-Za-z_][\w.]*|[<>{}\[\](),*=:|])"
)


def _named(words: str) -> frozenset[str]:
    return frozenset(words.split())


ATTRIBUTES = _named(
    """noundef zeroext signext nonnull noalias nocapture readonly writeonly readnone immarg returned inreg
    nofree nest swiftself noreturn dso_local internal tail musttail notail fastcc coldcc ccc inbounds
    nuw nsw exact volatile sideeffect alignstack inteldialect unwind disjoint samesign nneg allocsize
    nusw dead_on_unwind writable hidden weak linkonce_odr local_unnamed_addr unnamed_addr cold
    preemptable protected available_externally linkonce extern_weak common private external"""
)
WITH_ARGUMENT = _named(
    """align dereferenceable dereferenceable_or_null byval sret elementtype range captures preallocated
    byref initializes inrange nofpclass"""
)
FLOATS = {"half": 16, "float": 32, "double": 64, "x86_fp80": 128, "fp128": 128}
CASTS = _named("""bitcast inttoptr ptrtoint addrspacecast trunc zext sext""")
BINARY = _named("""add sub mul and or xor shl lshr ashr udiv sdiv urem srem""")


def tokens(text: str) -> list[str]:
    """The tokens of a text, up to a comment. Raises NotUnderstood."""
    found, at = [], 0
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            rest = text[at:].strip()
            if not rest or rest.startswith(";"):
                break
            raise NotUnderstood(f"IR at {rest[:60]!r}")
        found.append(match.group().strip())
        at = match.end()
    return found


class Reader:
    """A place in a row of tokens."""

    def __init__(self, row: list[str], at: int = 0) -> None:
        self.row, self.at = row, at

    def peek(self, ahead: int = 0) -> str:
        """The token at hand, or behind it; "" at the end."""
        return self.row[self.at + ahead] if self.at + ahead < len(self.row) else ""

    def next(self) -> str:
        """The token at hand, and on. Raises NotUnderstood at the end."""
        if self.at >= len(self.row):
            raise NotUnderstood(f"IR ends too early: {' '.join(self.row)[:120]}")
        self.at += 1
        return self.row[self.at - 1]

    def take(self, what: str) -> bool:
        """Whether this is the token at hand; then on."""
        if self.peek() == what:
            self.at += 1
            return True
        return False

    def want(self, what: str) -> None:
        """On, over this token. Raises NotUnderstood where it is another."""
        if not self.take(what):
            raise NotUnderstood(
                f"{what!r} is wanted in IR at {' '.join(self.row[self.at - 4 : self.at + 6])}"
            )

    def attributes(self) -> None:
        """Over attributes, none of which changes what is executed here."""
        while True:
            word = self.peek()
            if word in ATTRIBUTES:
                self.at += 1
            elif word in WITH_ARGUMENT:
                self.at += 1
                if self.peek() == "(":
                    self.skip()
                elif word == "align":
                    self.at += 1
            else:
                return

    def skip(self) -> None:
        """Over one pair of brackets and what is in it."""
        deep = 0
        while True:
            token = self.next()
            deep += (token in ("(", "[", "{", "<")) - (token in (")", "]", "}", ">"))
            if not deep:
                return

    def type(self) -> Type:
        """A type."""
        base = self._base()
        while True:
            if self.peek() == "addrspace":
                self.at += 1
                self.skip()
            elif self.take("*"):
                base = POINTER
            elif self.peek() == "(" and self.row[self.at - 1] != "ptr":
                self.skip()
                base = Type("func", parts=(base,))
            else:
                return base

    def _base(self) -> Type:
        word = self.next()
        plain = {"void": VOID, "ptr": POINTER, "label": LABEL, "metadata": METADATA, "opaque": Type("opaque")}
        if word in plain:
            return plain[word]
        if re.fullmatch(r"i\d+", word):
            return Type("int", int(word[1:]))
        if word in FLOATS:
            return Type("float", FLOATS[word])
        if word[0] == "%":
            return Type("named", name=word)
        if word == "{":
            return Type("struct", parts=self._members("}"))
        if word == "<" and self.take("{"):
            parts = self._members("}")
            self.want(">")
            return Type("struct", parts=parts, packed=True)
        if word in ("[", "<"):
            count = int(self.next())
            self.want("x")
            of = self.type()
            self.want("]" if word == "[" else ">")
            return Type("array" if word == "[" else "vector", count, (of,))
        raise NotUnderstood(f"type {word!r} in {' '.join(self.row)[:120]}")

    def _members(self, end: str) -> tuple[Type, ...]:
        found = []
        while not self.take(end):
            found.append(self.type())
            self.take(",")
        return tuple(found)

    def typed(self) -> tuple[Type, Operand]:
        """A type and an operand of it."""
        kind = self.type()
        return kind, self.operand()

    def operand(self) -> Operand:
        """An operand."""
        self.attributes()
        word = self.next()
        if word[0] == "%":
            return ("local", word)
        if word[0] == "@":
            return ("global", word)
        if word in ("true", "false"):
            return ("int", int(word == "true"))
        if word in ("null", "zeroinitializer", "none"):
            return ("zero",)
        if word in ("undef", "poison"):
            return ("undef",)
        if re.fullmatch(r"-?\d+", word):
            return ("int", int(word))
        if word.startswith(('c"', '"')):
            return ("bytes", word)
        if word in ("{", "[", "<"):
            return self._aggregate(word)
        return self._calculated(word)

    def _aggregate(self, opening: str) -> Operand:
        packed = opening == "<" and self.take("{")
        end = "}" if packed else {"{": "}", "[": "]", "<": ">"}[opening]
        parts = self._list(end)
        if packed:
            self.want(">")
        return ("aggregate", parts)

    def _calculated(self, word: str) -> Operand:
        self.attributes()
        if word == "getelementptr":
            self.want("(")
            of = self.type()
            self.want(",")
            return ("gep", of, self._list(")"))
        if word in CASTS:
            self.want("(")
            kind, value = self.typed()
            self.want("to")
            to = self.type()
            self.want(")")
            return ("cast", word, kind, value, to)
        if word in BINARY:
            self.want("(")
            return ("bin", word, self._list(")"))
        raise NotUnderstood(f"operand {word!r} in {' '.join(self.row)[:160]}")

    def _list(self, end: str) -> tuple[tuple[Type, Operand], ...]:
        found = []
        while not self.take(end):
            self.attributes()
            found.append(self.typed())
            self.take(",")
        return tuple(found)
