"""What a kernel tree has, of all that a kernel tree may lack.

Definitions are looked for, in lib/maple_tree.c and in the inline functions and macros of its header: a header
may still declare a function whose code is gone.
"""

from __future__ import annotations

import re
from pathlib import Path

from mapleproof.impl.kernel.errors import KernelBuildError

NEEDED = (
    "lib/maple_tree.c",
    "include/linux/maple_tree.h",
    "include/linux/xarray.h",
    "tools/include/linux/kernel.h",
)
"""Without these files a folder is no kernel tree with a maple tree in it."""


def _defines(function: str) -> str:
    """A function's definition: its name at the left, arguments, then its body."""
    return rf"^[a-z_][\w \t*]*\b{function}\([^;{{}}]*\)[\w\s()>&.-]*\{{"


PROBES = {
    "mtree_dup": _defines("mtree_dup"),
    "mtree_alloc_cyclic": _defines("mtree_alloc_cyclic"),
    "mas_alloc_cyclic": _defines("mas_alloc_cyclic"),
    "mas_find_range": _defines("mas_find_range"),
    "mas_for_each_rev": r"^#define mas_for_each_rev\(",
    "mas_expected_entries": _defines("mas_expected_entries"),
    "mas_nomem_nofail": _defines("mas_nomem_nofail"),
    "__mas_set_range": _defines("__mas_set_range"),
    "mas_init": _defines("mas_init"),
    "mt_set_in_rcu": _defines("mt_set_in_rcu"),
    "big_nodes": r"^struct maple_big_node\b",
    "maple_status": r"^enum maple_status\b",
    "preallocate_entry": r"^int mas_preallocate\(struct ma_state \*mas, void \*entry",
    "no_gap_mark": r"\bMAPLE_ARANGE64_META_MAX\b",
}
"""Names of what there may be, and the text that shows it is there."""


def check_tree(tree: Path) -> None:
    """KernelBuildError unless this folder is a kernel tree with a maple tree in it."""
    if not tree.is_dir():
        raise KernelBuildError(f"{tree}: no such folder")
    missing = [name for name in NEEDED if not (tree / name).is_file()]
    if missing:
        raise KernelBuildError(f"{tree}: not a kernel source tree with a maple tree: {missing[0]} is missing")


def tree_version(tree: Path) -> str:
    """The version that the tree's Makefile states, ``unknown`` where there is none."""
    try:
        text = (tree / "Makefile").read_text(errors="replace")
    except OSError:
        return "unknown"
    found = dict(re.findall(r"^(VERSION|PATCHLEVEL|SUBLEVEL|EXTRAVERSION) *= *(\S*)", text, re.MULTILINE))
    numbers = ".".join(found[key] for key in ("VERSION", "PATCHLEVEL", "SUBLEVEL") if found.get(key))
    return numbers + found.get("EXTRAVERSION", "") or "unknown"


def probe(tree: Path) -> tuple[str, ...]:
    """The names of what this tree has."""
    names = ("lib/maple_tree.c", "include/linux/maple_tree.h")
    text = "\n".join((tree / name).read_text(errors="replace") for name in names)
    return tuple(name for name, pattern in PROBES.items() if re.search(pattern, text, re.MULTILINE))


def traced(tree: Path) -> tuple[str, ...]:
    """The functions of this tree that have a tracepoint, which the shim counts."""
    found: dict[str, None] = {}
    function = ""
    for line in (tree / "lib/maple_tree.c").read_text(errors="replace").splitlines():
        if head := re.match(r"[a-z][\w \t*]*?\b(\w+)\(", line):
            function = head[1]
        elif re.search(r"\btrace_ma_\w+\(", line):
            found[function] = None
    return tuple(found)
