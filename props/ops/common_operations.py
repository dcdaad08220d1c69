"""What every operation on a maple tree can say."""

from dataclasses import dataclass, field

Entry = int | None
"""1..2**62-1, or None for NULL."""


@dataclass(frozen=True, slots=True)
class Common:
    """Which tree, which cursor (where one is used), when memory ends, and when a reader looks.

    With `fail_after` N node allocations succeed within this operation and every later one fails. A reader's
    operation that has `within` is carried out in the middle of the write that follows it: at the N-th point,
    from 0, at which a reader without a lock could see the write half done, or after it if it has fewer.
    """

    tree: int = field(default=0, kw_only=True)
    cursor: int = field(default=0, kw_only=True)
    fail_after: int | None = field(default=None, kw_only=True)
    within: int | None = field(default=None, kw_only=True)
