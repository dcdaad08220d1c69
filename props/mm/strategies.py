"""Hypothesis strategies for operations on address spaces: ranges around the borders of page tables."""

from hypothesis import strategies as st

from mapleproof.impl.mm.flags import (
    VM_EXEC,
    VM_GROWSDOWN,
    VM_HUGETLB,
    VM_LOCKED,
    VM_PFNMAP,
    VM_READ,
    VM_SHARED,
    VM_WRITE,
)
from mapleproof.impl.mm.geometry import GEOMETRIES, PageGeometry
from mapleproof.impl.mm.recovery import HOLDING
from mapleproof.model.address_space import ADVICE

RW = VM_READ | VM_WRITE

geometries = st.sampled_from(list(GEOMETRIES.values()))
recoveries_that_hold = st.sampled_from(HOLDING[::-1])
advices = st.sampled_from(list(ADVICE))
protections = st.sampled_from([0, VM_READ, RW, VM_READ | VM_EXEC])
files = st.sampled_from([None, None, 1, 2])
flag_sets = st.sampled_from(
    [
        *[RW] * 4,
        0,
        VM_READ,
        VM_READ | VM_EXEC,
        RW | VM_SHARED,
        RW | VM_GROWSDOWN,
        RW | VM_LOCKED,
        RW | VM_HUGETLB,
        RW | VM_PFNMAP | VM_SHARED,
    ]
)
fail_points = st.sampled_from([None, *range(14)])


@st.composite
def ranges(draw: st.DrawFn, shape: PageGeometry) -> tuple[int, int]:
    """A range (start, size) of a few pages beside a border of some level, or of a whole table."""
    page = shape.page
    borders = [0, *(shape.span(level) * k for level in range(1, shape.levels) for k in (1, 2))]
    border = draw(st.sampled_from([at for at in borders if at + 8 * page <= shape.task_size]))
    if draw(st.integers(0, 7)) == 0:
        return border & -shape.span(1), min(shape.span(1), 64 * page if shape.bits < 9 else shape.span(1))
    start = max(0, border + draw(st.integers(-3, 4)) * page)
    return start, draw(st.integers(1, 4)) * page
