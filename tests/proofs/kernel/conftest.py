"""Kernel trees whose C is executed, or a skip that says what is missing."""

import pytest

from mapleproof.impl.kernel.booted import whole
from mapleproof.impl.kernel.errors import KernelBuildError
from mapleproof.proofs.kernel import compiler
from mapleproof.proofs.kernel.subject import Kernel
from mapleproof.proofs.kernel.units import compile_units

KNOWN: dict[str, Kernel] = {}


def kernel_of(version: str) -> Kernel:
    """The compiled C of a version whose sources are at hand and unpacked; else a skip."""
    if version not in KNOWN:
        try:
            compiler.clang()
            KNOWN[version] = Kernel(compile_units(whole.resolve(version, unpacks=False)))
        except KernelBuildError as error:
            pytest.skip(str(error))
    return KNOWN[version]


@pytest.fixture(params=["6.1", "6.12", "7.3"])
def version(request: pytest.FixtureRequest) -> str:
    """Each version in turn."""
    return str(request.param)


@pytest.fixture
def kernel(version: str) -> Kernel:
    """Its sources."""
    return kernel_of(version)


@pytest.fixture
def release() -> Kernel:
    """Linux 6.12."""
    return kernel_of("6.12")
