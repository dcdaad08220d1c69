"""A case about maple trees as a function for the kernel's own tests, lib/test_maple_tree.c.

Every answer that the case expects becomes an MT_BUG_ON(), and mt_validate() looks at the nodes at the end.
Entries are value entries. A case that no such test can make is refused: requests that are refused memory,
readers beside a writer, nodes that are counted.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator
from errno import errorcode

from mapleproof.props.common.answers import ABSENT
from mapleproof.props.common.files import Case
from mapleproof.props.common.forms import form_of, spell
from mapleproof.props.common.lines import CaseError
from mapleproof.props.common.operation import Common
from mapleproof.props.common.step import Step
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.dispatch import TREE_FORMS

MOST_RANGES = 40
"""Ranges of an answer that are looked at one by one; of more, only how many there are."""

NAME = 40
"""Characters of a function's name."""

CALLS: dict[str, str] = {
    "mtree_load": "mtree_load({tree}, {index})",
    "mtree_store_range": "mtree_store_range({tree}, {first}, {last}, {entry}, GFP_KERNEL)",
    "mtree_insert_range": "mtree_insert_range({tree}, {first}, {last}, {entry}, GFP_KERNEL)",
    "mtree_erase": "mtree_erase({tree}, {index})",
    "mtree_alloc_range": "mtree_alloc_range({tree}, &index, {entry}, {size}, {min}, {max}, GFP_KERNEL)",
    "mtree_alloc_rrange": "mtree_alloc_rrange({tree}, &index, {entry}, {size}, {min}, {max}, GFP_KERNEL)",
    "mtree_alloc_cyclic": "mtree_alloc_cyclic({tree}, &index, {entry}, {min}, {max}, &next, GFP_KERNEL)",
    "mt_find": "mt_find({tree}, &index, {max})",
    "mt_find_after": "mt_find_after({tree}, &index, {max})",
    "mt_next": "mt_next({tree}, {index}, {max})",
    "mt_prev": "mt_prev({tree}, {index}, {min})",
    "mtree_dup": "mtree_dup({tree}, {into}, GFP_KERNEL)",
    "mtree_destroy": "mtree_destroy({tree})",
    "mt_set_in_rcu": "mt_set_in_rcu({tree})",
    "mt_clear_in_rcu": "mt_clear_in_rcu({tree})",
    "rcu_read_lock": "rcu_read_lock()",
    "rcu_read_unlock": "rcu_read_unlock()",
    "rcu_barrier": "rcu_barrier()",
    "mas_init": "mas_init({mas}, {tree}, {index})",
    "mas_set": "mas_set({mas}, {index})",
    "mas_set_range": "mas_set_range({mas}, {first}, {last})",
    "__mas_set_range": "__mas_set_range({mas}, {first}, {last})",
    "mas_reset": "mas_reset({mas})",
    "mas_pause": "mas_pause({mas})",
    "mas_walk": "mas_walk({mas})",
    **{
        f"mas_{name}": f"mas_{name}({{mas}}, {{max}})"
        for name in ("find", "find_range", "next", "next_range")
    },
    **{
        f"mas_{name}": f"mas_{name}({{mas}}, {{min}})"
        for name in ("find_rev", "find_range_rev", "prev", "prev_range")
    },
    "mas_empty_area": "mas_empty_area({mas}, {min}, {max}, {size})",
    "mas_empty_area_rev": "mas_empty_area_rev({mas}, {min}, {max}, {size})",
    "mas_alloc_cyclic": "mas_alloc_cyclic({mas}, &index, {entry}, {min}, {max}, &next, GFP_KERNEL)",
    "mas_store_gfp": "mas_store_gfp({mas}, {entry}, GFP_KERNEL)",
    "mas_store": "mas_store({mas}, {entry})",
    "mas_erase": "mas_erase({mas})",
    "mas_preallocate": "mas_preallocate({mas}, {entry}, GFP_KERNEL)",
    "mas_store_prealloc": "mas_store_prealloc({mas}, {entry})",
    "mas_expected_entries": "mas_expected_entries({mas}, {count})",
    "mas_destroy": "mas_destroy({mas})",
}
"""How an operation is called. Those that are not here have code of their own, or none."""

MAY_SLEEP = {"mas_preallocate", "mas_expected_entries", "mas_init"}
"""Operations through a cursor that are made without the lock."""

STARTS_AT = {"mt_find": "index", "mt_find_after": "index"}
"""Operations that are given a variable which says where they begin."""


def function(case: Case, path: object = "") -> str:
    """The function, and above it how it is called. Raises CaseError for a case that no such test can make."""
    return _Function(case, path).text()


class _Function:
    def __init__(self, case: Case, path: object) -> None:
        self.case = case
        self.path = path
        words = re.sub(r"\W+", "_", case.header.name.lower()).strip("_")
        self.name = f"check_{words}"[:NAME].rstrip("_")
        self.lines: list[str] = []
        self.used: set[str] = set()
        self.cursors: dict[int, str] = {}
        self.trees: dict[int, str] = {0: "mt"}
        self.locked = ""

    def text(self) -> str:
        for number, step in enumerate(self.case.steps, start=1):
            why = _why_not(step.op)
            if why:
                raise CaseError(str(self.path), number + 1, f"{spell(step.op)} is no kernel's test: {why}")
            self._step(step)
        self._unlock()
        self._say("mt_validate(mt);")
        for tree in list(self.trees.values())[1:]:
            self._say(f"mt_validate({tree});")
            self._say(f"mtree_destroy({tree});")
        return "\n".join([*self._head(), *self._declared(), *self.lines, "}"]) + "\n"

    def _head(self) -> Iterator[str]:
        header = self.case.header
        flags = [
            flag
            for key, flag in (("alloc_range", "MT_FLAGS_ALLOC_RANGE"), ("rcu", "MT_FLAGS_USE_RCU"))
            if header.flags[key]
        ]
        yield "/*"
        yield from textwrap.wrap(
            header.verdict or header.name, 76, initial_indent=" * ", subsequent_indent=" * "
        )
        yield " * To be called so:"
        yield f" *	mt_init_flags(&tree, {' | '.join(flags) or '0'});"
        yield f" *	{self.name}(&tree);"
        yield " *	mtree_destroy(&tree);"
        yield " */"
        yield f"static noinline void __init {self.name}(struct maple_tree *mt)"
        yield "{"

    def _declared(self) -> Iterator[str]:
        longs = [name for name in ("index", "next", "count", "i") if name in self.used]
        if longs:
            yield f"\tunsigned long {', '.join(longs)};"
        if "entry" in self.used:
            yield "\tvoid *entry;"
        for number, tree in list(self.trees.items())[1:]:
            yield f"\tstruct maple_tree {tree[1:]}; /* tree {number} of the case */"
        for cursor in self.cursors.values():
            yield f"\tMA_STATE({cursor[1:]}, mt, 0, 0);"
        if longs or "entry" in self.used or self.cursors or len(self.trees) > 1:
            yield ""

    def _say(self, *lines: str) -> None:
        self.lines += [f"\t{line}" for line in lines]

    def _step(self, step: Step) -> None:
        op, name = step.op, form_of(step.op).name
        tree = self.trees[op.tree]
        words = {key: _c(key, getattr(op, key)) for key in form_of(op).arguments}
        words |= {"tree": tree, "mas": self._cursor(op)}
        if isinstance(op, ops.MtreeDup):
            words["into"] = self.trees[op.into] = f"&tree{op.into}"
            self._say(f"mt_init_flags({words['into']}, mt_attr({tree}));")
        self._hold(op, name)
        special = _SPECIAL.get(name)
        if special is not None:
            special(self, step, words)
            return
        call = CALLS[name].format(**words)
        for variable in ("index", "next"):
            if f"&{variable}" in call:
                self.used.add(variable)
        if name in STARTS_AT:
            self._say(f"index = {words['index']};")
        if "&next" in call:
            self._say(f"next = {words['next']};")
        self._check(step, call, words["mas"], tree)

    def _check(self, step: Step, call: str, cursor: str, tree: str) -> None:
        answer, form = step.expect, TREE_FORMS.of(type(step.op))
        if answer.ret is not ABSENT and "ret" in form.answers and not call.startswith("mas_store("):
            self._say(f"MT_BUG_ON({tree}, {call} != {_ret(answer.ret)});")
        elif answer.entry is not ABSENT:
            self._say(f"MT_BUG_ON({tree}, {call} != {_c('entry', answer.entry)});")
        else:
            self._say(f"{call};")
        failed = isinstance(answer.ret, int) and answer.ret < 0
        if failed or (answer.entry is None and not form.moves):
            return
        for key, where in (("start", "index"), ("next", "next")):
            if getattr(answer, key) is not ABSENT:
                self._say(f"MT_BUG_ON({tree}, {where} != {_c(key, getattr(answer, key))});")
        for key in ("index", "last"):
            if getattr(answer, key) is not ABSENT:
                where = f"{cursor[1:]}.{key}" if form.uses_cursor else key
                self._say(f"MT_BUG_ON({tree}, {where} != {_c(key, getattr(answer, key))});")

    def _cursor(self, op: Common) -> str:
        if not form_of(op).uses_cursor:
            return ""
        return self.cursors.setdefault(op.cursor, f"&mas{op.cursor or ''}")

    def _hold(self, op: Common, name: str) -> None:
        """Have the lock for what goes through a cursor, and nothing else."""
        wanted = self._cursor(op) if form_of(op).uses_cursor and name not in MAY_SLEEP else ""
        if wanted != self.locked:
            self._unlock()
            if wanted:
                self._say(f"mas_lock({wanted});")
            self.locked = wanted

    def _unlock(self) -> None:
        if self.locked:
            self._say(f"mas_unlock({self.locked});")
        self.locked = ""

    def fill(self, step: Step, words: dict[str, str]) -> None:
        self.used.add("i")
        first = f"{words['first']} + i * {words['stride']}"
        self._say(f"for (i = 0; i < {words['count']}; i++)")
        call = f"mtree_store_range({words['tree']}, {first},"
        self._say(f"\tMT_BUG_ON({words['tree']}, {call}")
        self._say(f"\t\t  {first} + {words['length']} - 1, xa_mk_value(i + 1), GFP_KERNEL) != 0);")

    def mas_fill(self, step: Step, words: dict[str, str]) -> None:
        self.used.add("i")
        first = f"{words['first']} + i * {words['stride']}"
        self._say(f"for (i = 0; i < {words['count']}; i++) {{")
        self._say(f"\tmas_set_range({words['mas']}, {first}, {first} + {words['length']} - 1);")
        self._say(f"\tmas_store({words['mas']}, xa_mk_value(i + 1));", "}")

    def all_of(self, step: Step, words: dict[str, str]) -> None:
        """What a tree holds, and how many ranges."""
        if step.expect.entries is ABSENT:
            return
        self.used |= {"index", "count", "entry"}
        tree = words["tree"]
        self._say("index = count = 0;", f"mt_for_each({tree}, entry, index, ULONG_MAX)", "\tcount++;")
        self._say(f"MT_BUG_ON({tree}, count != {len(step.expect.entries)});")
        for first, last, entry in step.expect.entries[:MOST_RANGES]:
            for index in sorted({first, last}):
                self._say(f"MT_BUG_ON({tree}, mtree_load({tree}, {index:#x}UL) != {_c('entry', entry)});")

    def loop(self, step: Step, words: dict[str, str]) -> None:
        """How many entries a loop meets."""
        if step.expect.entries is ABSENT:
            return
        self.used |= {"count", "entry"}
        name = form_of(step.op).name
        limit = words["max" if "max" in words else "min"]
        self._say("count = 0;", f"{name}({words['mas']}, entry, {limit})", "\tcount++;")
        self._say(f"MT_BUG_ON({words['tree']}, count != {len(step.expect.entries)});")

    def by_hand(self, step: Step, words: dict[str, str]) -> None:
        """A copy, or an end, with the locks held by the caller."""
        tree, into = words["tree"], words.get("into", "")
        if not into:
            self._say(f"mtree_lock({tree});", f"__mt_destroy({tree});", f"mtree_unlock({tree});")
            return
        self._say(f"mtree_lock({into});", f"mtree_lock_nested({tree}, SINGLE_DEPTH_NESTING);")
        self._say(f"MT_BUG_ON({tree}, __mt_dup({tree}, {into}, GFP_KERNEL) != {_ret(step.expect.ret)});")
        self._say(f"mtree_unlock({tree});", f"mtree_unlock({into});")


_SPECIAL: dict[str, Callable[[_Function, Step, dict[str, str]], None]] = {
    "fill": _Function.fill,
    "mas_fill": _Function.mas_fill,
    "snapshot": _Function.all_of,
    "mas_for_each": _Function.loop,
    "mas_for_each_rev": _Function.loop,
    "__mt_dup": _Function.by_hand,
    "__mt_destroy": _Function.by_hand,
}


def _why_not(op: Common) -> str:
    """Why no test of the kernel's own can do this; "" where one can."""
    name = form_of(op).name
    if op.within is not None:
        return "a reader beside a writer; its test is `mapleproof replay`"
    if op.short_of_memory:
        return "memory is refused at a request of one's choice, which the harness there cannot do"
    if name not in CALLS and name not in _SPECIAL:
        return "the harness there has nothing of the kind"
    return ""


def _ret(ret: object) -> str:
    if isinstance(ret, int) and ret < 0:
        return f"-{errorcode.get(-ret, str(-ret))}"
    return "0" if not isinstance(ret, int) else str(ret)


def _c(key: str, value: object) -> str:
    """A value as C spells it."""
    if key == "entry":
        return "NULL" if value is None else f"xa_mk_value({value})"
    assert isinstance(value, int)
    if key == "count":
        return str(value)
    return "ULONG_MAX" if value == 2**64 - 1 else f"{value:#x}UL" if value > 9 else str(value)
