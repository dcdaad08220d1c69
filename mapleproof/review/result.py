"""What came of a review: of each step, and of all."""

from __future__ import annotations

from dataclasses import dataclass, field

from mapleproof.review.beside import Beside
from mapleproof.review.code import Change
from mapleproof.review.forks import Forks
from mapleproof.review.power import Mistake
from mapleproof.review.proofs import Claimed
from mapleproof.review.sides import News, Shown, Tell
from mapleproof.review.trees import TREE, Side


@dataclass(slots=True)
class Step:
    """One commit, held against what it follows.

    `same_machine`: the tree's machine code is the same, so there is nothing to run. `unbuilt` says why the
    side cannot be built, or, with `unbooted`, why its kernel cannot be built or booted. `open` are parts that
    were wanted and could not be done, each with its reason.
    """

    side: Side
    changes: list[Change] = field(default_factory=list)
    same_machine: bool = False
    unbuilt: str = ""
    unbooted: bool = False
    news: list[tuple[News, Shown]] = field(default_factory=list)
    beside: Beside | None = None
    mistakes: list[Mistake] = field(default_factory=list)
    all_mistakes: int = 0
    open: dict[str, str] = field(default_factory=dict)
    claims: list[Claimed] = field(default_factory=list)
    forks: Forks | None = None

    @property
    def touches_fork(self) -> list[str]:
        """The files of fork and of page tables that it changes."""
        return sorted({change.path for change in self.changes if change.path not in TREE})

    @property
    def stops(self) -> str:
        """Why nothing can be said of it, in a few words; empty where something can."""
        if not self.unbuilt:
            return ""
        return "its kernel does not build or boot" if self.unbooted else "does not build"

    @property
    def breaks(self) -> int:
        """How many sorts of failure and claims it breaks."""
        return len(self.shown(News.BROKEN)) + sum(claim.broken for claim in self.claims)

    @property
    def mends(self) -> int:
        """How many it mends."""
        return len(self.shown(News.MENDED)) + sum(claim.mended for claim in self.claims)

    @property
    def is_alike(self) -> bool:
        """Whether nothing that was looked at differs: failures, answers, nodes, claims."""
        if self.same_machine:
            return self.forks is None or self.forks.same
        found = self.beside
        alike = found is not None and not found.behaviours and not found.shapes
        nodes = [] if found is None else found.nodes
        return (
            alike
            and bool(nodes)
            and all(before == after for before, after in nodes)
            and not self.breaks
            and not self.mends
            and not self.open
            and (self.forks is None or self.forks.same)
        )

    def shown(self, kind: News) -> list[Shown]:
        """The failures of this kind, of forks first."""
        forks = [] if self.forks is None else self.forks.news
        return [shown for one, shown in (*forks, *self.news) if one is kind]

    @property
    def touched(self) -> list[str]:
        """The functions that it changes."""
        named = [name for change in self.changes for name in (*change.text, *(change.machine or ()))]
        return list(dict.fromkeys(named))


@dataclass(slots=True)
class Review:
    """The whole of it. `version` is that of what is reviewed, `subject` its name; `operations` are those of
    the trees of all sides; `own` is whether it is a review of our own sources."""

    base: Side
    version: str
    seed: int
    subject: str = "Linux"
    own: bool = False
    steps: list[Step] = field(default_factory=list)
    skipped: int = 0
    seconds: float = 0.0
    operations: int = 0
    interrupted: bool = False
    suite: str = ""

    @property
    def unchanged(self) -> bool:
        """Whether no step changes what the machine does."""
        return all(step.same_machine for step in self.steps)


def tell_news(step: Step, news: list[tuple[News, Shown]], tell: Tell) -> None:
    """Say what a step breaks and mends."""
    for kind, shown in news:
        if kind is not News.BOTH:
            tell(f"{step.side.name}: {kind.value}: {shown.sort}")
