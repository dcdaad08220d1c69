"""The form of operations on address spaces in case files; docs/address-space-cases.md tells it to people."""

from dataclasses import replace

from impl.mm.geometry import TINY, TINY_5, X86_64, X86_64_LA57, PageGeometry
from impl.mm.recovery import RECOVERIES
from model.address_space import ADVICE
from props.fork import operations as ops
from props.ops.forms import Form, register

FLAGS = ("tiny", "five_levels", "hugepd")
"""What a case's header says of the page tables."""

RET = ("ret",)
ENTRIES = ("entries",)

SPACE_FORMS = register(
    (
        Form("commit_limit", ops.CommitLimit),
        Form("mmap", ops.Mmap, RET, writes=True),
        Form("mmap_each", ops.MmapEach, RET, writes=True),
        Form("munmap", ops.Munmap, RET, writes=True),
        Form("mprotect", ops.Mprotect, RET, writes=True),
        Form("mremap", ops.Mremap, RET, writes=True),
        Form("madvise", ops.Madvise, RET, writes=True),
        Form("touch", ops.Touch, RET, writes=True),
        Form("mbind", ops.Mbind, writes=True),
        Form("userfaultfd", ops.Userfaultfd, writes=True),
        Form("fork", ops.Fork, RET, writes=True),
        Form("exit", ops.Exit, RET, writes=True),
        Form("areas", ops.Areas, ENTRIES),
        Form("pages", ops.Pages, ENTRIES),
        Form("page_tables", ops.PageTables, ENTRIES),
        Form("committed", ops.Committed, ("index",)),
        Form("vmas", ops.Vmas, ENTRIES),
        Form("table_bytes", ops.TableBytes, ("index",)),
        Form("write", ops.Write, RET, writes=True),
        Form("read", ops.Read, ("ret", "entry")),
    ),
    {"recovery": tuple(RECOVERIES), "advice": tuple(ADVICE)},
)
"""The forms by name."""

_BASES = {
    (False, False): X86_64,
    (False, True): X86_64_LA57,
    (True, False): TINY,
    (True, True): TINY_5,
}


def geometry_of(flags: dict[str, bool]) -> PageGeometry:
    """The page tables that a header's flags stand for."""
    base = _BASES[flags["tiny"], flags["five_levels"]]
    return replace(base, hugepd=True) if flags["hugepd"] else base


def flags_of(geometry: PageGeometry) -> dict[str, bool]:
    """The header's flags for page tables that it can name. Raises KeyError for others."""
    plain = replace(geometry, hugepd=False)
    for (tiny, five), base in _BASES.items():
        if base == plain:
            return {"tiny": tiny, "five_levels": five, "hugepd": geometry.hugepd}
    raise KeyError(geometry)
