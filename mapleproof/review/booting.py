"""Which steps of a series are booted, and what their forks say; why not, where they are not."""

from __future__ import annotations

from mapleproof.impl.kernel.errors import KernelBuildError
from mapleproof.review.forks import Kernels
from mapleproof.review.result import Review, Step, tell_news
from mapleproof.review.trees import Series, Side


def built_kernels(result: Review, series: Series, forks: list[Step], kernels: Kernels | None) -> list[Step]:
    """Those of these steps whose kernel, and that of what was there before, is built and boots."""
    if not forks:
        return []
    if kernels is None:
        for step in forks:
            step.open["fork"] = _not_booted(step, "--no-boot")
        return []
    steps = {step.side: step for step in result.steps}
    needed = _needed(result, series, forks)
    try:
        for side, why in kernels.make(needed):
            if why:
                steps[side].unbuilt, steps[side].unbooted = why, True
    except KernelBuildError as error:
        for step in forks:
            step.open["fork"] = _not_booted(step, str(error))
        return []
    return [step for step in forks if not step.unbuilt]


def _not_booted(step: Step, why: str) -> str:
    return f"{', '.join(step.touches_fork)} changed, and not booted: {why}"


def _needed(result: Review, series: Series, forks: list[Step]) -> list[Side]:
    """The base, these steps' sides and those that they follow, in order."""
    needed, before = [series.base], series.base
    for step in result.steps:
        if step in forks:
            needed += [before, step.side]
        if not step.unbuilt:
            before = step.side
    return list(dict.fromkeys(needed))


def fail_forks(result: Review, series: Series, steps: list[Step], kernels: Kernels, seconds: float) -> None:
    """Fail the forks of all sides, and say what that says of these steps."""
    try:
        kernels.run(seconds)
    except KernelBuildError as error:
        for step in steps:
            step.open["fork"] = _not_booted(step, str(error))
        return
    before = series.base
    for step in result.steps:
        if step in steps:
            step.forks = kernels.compare(series.base, before, step.side)
            tell_news(step, step.forks.news, kernels.tell)
            if step.forks.same and (left := kernels.not_built(step.touches_fork)):
                step.open["fork"] = _not_booted(step, f"User Mode Linux is built without {', '.join(left)}")
        if not step.unbuilt:
            before = step.side
