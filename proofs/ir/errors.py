"""What keeps C from being executed. None of these says anything about the C: a claim is left open by them."""

from __future__ import annotations

from mapleproof.proofs.engine.paths import NotExecuted


class NotUnderstood(NotExecuted):
    """The reader or the executor does not know what this means."""


class Missing(NotExecuted):
    """A function, a loop or a variable that a claim speaks of is not in the sources."""


class ExecutorError(NotExecuted):
    """The executor itself went wrong."""
