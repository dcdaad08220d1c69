"""A kernel source tree to build, or a skip that says what is missing."""

import gzip
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mapleproof.impl.kernel import build, source
from mapleproof.impl.kernel.errors import KernelBuildError
from mapleproof.impl.kernel.tree import KernelTree

FAMILIES = ("6.1", "6.12", "7.2", "7.3")
"""The kernels whose behaviour is told of in docs/findings.md and docs/deviations.md."""


@pytest.fixture(scope="session")
def kernel() -> Path:
    """The kernel source tree that most is known of: Linux 6.12, or else whichever there is."""
    try:
        build.compiler()
        if os.environ.get(source.VARIABLE):
            return source.find()
        try:
            return source.resolve("6.12")
        except KernelBuildError:
            return source.find()
    except KernelBuildError as error:
        pytest.skip(str(error))


def tree_of(family: str) -> Path:
    """The sources of a family of kernels; a skip that says how to get them."""
    try:
        build.compiler()
        return source.resolve(family)
    except KernelBuildError as error:
        pytest.skip(str(error))


@pytest.fixture(params=FAMILIES)
def family(request: pytest.FixtureRequest) -> str:
    """Each family of kernels in turn, where its sources are at hand."""
    tree_of(request.param)
    return str(request.param)


@pytest.fixture
def make(kernel: Path) -> Iterator[Callable[..., KernelTree]]:
    """Make ports that end with the test."""
    made: list[KernelTree] = []

    def port(**options: object) -> KernelTree:
        made.append(KernelTree(kernel, **options))  # type: ignore[arg-type]
        return made[-1]

    yield port
    for each in made:
        each.close()


@pytest.fixture
def port(kernel: Path) -> str:
    """The name of the port on this machine's kernel tree, where that is 6.12."""
    if "PATCHLEVEL = 12" not in (kernel / "Makefile").read_text():
        pytest.skip("what is known is known of 6.12")
    return f"kernel:{kernel}"


@pytest.fixture
def seeded(make: Callable[..., KernelTree]) -> Callable[..., KernelTree]:
    """Make ports of a build with a mistake in it; skip where the mistake does not fit this kernel."""

    def port(seed: str, **options: object) -> KernelTree:
        try:
            return make(seed=seed, **options)
        except KernelBuildError as error:
            pytest.skip(str(error))

    return port


@pytest.fixture
def copy_of_kernel(kernel: Path, tmp_path: Path) -> Path:
    """As much of the kernel tree as a build needs, to be spoilt."""
    copy = tmp_path / "linux"
    for name in ("lib/maple_tree.c", "Makefile"):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(kernel / name, copy / name)
    (copy / "include/linux").mkdir(parents=True)
    for header in (kernel / "include/linux").glob("*.h"):
        shutil.copy(header, copy / "include/linux" / header.name)
    for folder in ("tools/include", "tools/arch"):
        if (kernel / folder).is_dir():
            shutil.copytree(kernel / folder, copy / folder)
    return copy


def read_case(path: Path) -> tuple[dict[str, bool], list[dict[str, object]]]:
    """A recording: the tree's flags, and its steps."""
    header, *steps = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    return header["tree"], steps


def plain(value: object) -> object:
    """An expected value as the port answers it: hex strings are numbers."""
    if isinstance(value, str) and value.startswith("0x"):
        return int(value, 16)
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return value
