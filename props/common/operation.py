"""What every operation on a maple tree can say."""

from dataclasses import dataclass, field

Entry = int | None
"""1..2**62-1, or None for NULL."""


@dataclass(frozen=True, slots=True)
class Common:
    """Which tree, which cursor (where one is used), when memory ends, and when a reader looks.

    With `fail_after` N node allocations succeed within this operation and every later one fails; with
    `fail_count` so many fail and those after them succeed again (on trees one). With `fail_nowait` every
    request fails that may not sleep, and those that may are granted (on trees only). A reader's
    operation that has `within` is carried out in the middle of the write that follows it: at the N-th point,
    from 0, at which a reader without a lock could see the write half done, or after it if it has fewer. With
    `access` the rest of the write comes after so many accesses of the reader to shared memory; with
    `held_back` that store of the write, counted from 1, is not seen yet. A port that cannot tell accesses
    ignores the two.
    """

    tree: int = field(default=0, kw_only=True)
    cursor: int = field(default=0, kw_only=True)
    fail_after: int | None = field(default=None, kw_only=True)
    fail_count: int | None = field(default=None, kw_only=True)
    fail_nowait: int | None = field(default=None, kw_only=True)
    within: int | None = field(default=None, kw_only=True)
    access: int | None = field(default=None, kw_only=True)
    held_back: int | None = field(default=None, kw_only=True)

    @property
    def short_of_memory(self) -> bool:
        """Whether any request for memory is refused within it."""
        return self.fail_after is not None or self.fail_nowait is not None
