"""The explorer that belongs to a port on a kernel's tree, and what runs the same with threads: built when
they are first asked for, one process of each for each of ours."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from mapleproof.impl.kernel.build import Build, Variant, build
from mapleproof.impl.kernel.errors import KernelBuildError
from mapleproof.impl.kernel.explore_build import Beside
from mapleproof.impl.kernel.explorer import Explorer
from mapleproof.impl.kernel.stress import Stress
from mapleproof.props.common.port import MakePort, PortError
from mapleproof.props.maple.kernel_port import KernelPort


def explorer_of(make_port: MakePort) -> Explorer:
    """The explorer for what makes a port on a kernel's tree. Raises PortError where there is none."""
    built = build_behind(make_port)
    if built is None:
        raise PortError("interleavings are those of a kernel's tree, not of another port")
    return explorer_for(built)


def build_behind(make_port: MakePort) -> Build | None:
    """What a port on a kernel's tree was built as; None for other ports."""
    if getattr(make_port, "func", None) is not KernelPort:
        return None
    built: Build = make_port.args[0]  # type: ignore[attr-defined]
    return built


def explorer_for(built: Build) -> Explorer:
    """The explorer of the same tree, with the same mistake seeded. Raises PortError."""
    return _explorer(built.source, built.variant.seed, built.key, os.getpid())


def stress_of(make_port: MakePort) -> Stress:
    """What runs scenarios with threads on a port's tree. Raises PortError where there is none."""
    built = build_behind(make_port)
    if built is None:
        raise PortError("threads run on a kernel's tree, not on another port")
    return stress_for(built)


def stress_for(built: Build) -> Stress:
    """What runs scenarios with threads on the same tree, with the same mistake seeded. Raises PortError."""
    return _stress(built.source, built.variant.seed, built.key, os.getpid())


@lru_cache(maxsize=4)
def _explorer(source: str, seed: str, key: str, process: int) -> Explorer:
    return Explorer(_built(source, seed, "coroutines"))


@lru_cache(maxsize=4)
def _stress(source: str, seed: str, key: str, process: int) -> Stress:
    return Stress(_built(source, seed, "threads"))


def _built(source: str, seed: str, beside: Beside) -> Build:
    try:
        return build(Path(source), Variant(seed=seed, beside=beside))
    except KernelBuildError as error:
        raise PortError(str(error)) from None
