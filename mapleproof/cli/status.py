"""Exit statuses: what a command tells a program that calls it. They are the same for all commands.

0    all that was asked for was done, and holds
1    a difference, a broken promise, a refuted claim
2    bad usage or bad input
3    no answer: a proof or a part came to no end, or was asked for and could not run
70   the suite itself went wrong; a file holds the traceback
125  with --bisect: this tree cannot be judged
130  interrupted
"""

from __future__ import annotations

from collections.abc import Iterable

HOLDS = 0
DIFFERS = 1
BAD_INPUT = 2
NO_ANSWER = 3
SUITE_FAILED = 70
NOT_JUDGED = 125
INTERRUPTED = 130

GRAVITY = (HOLDS, NO_ANSWER, SUITE_FAILED, DIFFERS, INTERRUPTED)
"""Of several statuses the last one in this order is that of the whole: what was found counts more than what
was left open."""


def worst(statuses: Iterable[int]) -> int:
    """The status of a whole whose parts have these."""
    return max(statuses, key=GRAVITY.index, default=HOLDS)


def for_bisect(status: int) -> int:
    """The status that `git bisect run` is to see: whatever is no verdict on the tree is "cannot be judged",
    so that a commit is never called bad for it."""
    return status if status in (HOLDS, DIFFERS, INTERRUPTED) else NOT_JUDGED
