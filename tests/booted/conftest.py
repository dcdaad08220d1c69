"""The port of a kernel that is booted, where one was built; a skip that says how to have one."""

from collections.abc import Iterator

import pytest

from mapleproof.impl.kernel.booted import whole
from mapleproof.impl.kernel.booted.build import built_before
from mapleproof.impl.kernel.booted.config import Variant
from mapleproof.impl.kernel.errors import KernelBuildError
from mapleproof.props.mm import booted_run
from mapleproof.props.mm.booted_port import BootedPort


def port_name(arch: str = "um", seed: str = "") -> str:
    """The name of the port; a skip where its kernel is not built yet."""
    planted = "seeds" if seed else ""
    try:
        tree = whole.find(unpacks=False)
    except KernelBuildError as error:
        pytest.skip(str(error))
    if not built_before(tree, Variant(arch, planted=planted)):
        pytest.skip(f"no kernel for {arch} was built: mapleproof kernel boot {tree} --arch {arch}")
    return f"booted:{tree},{arch}" + (f"?seed={seed}" if seed else "")


@pytest.fixture(scope="session")
def mended() -> Iterator[BootedPort]:
    """User Mode Linux with our one repair, and no mistake: what fails half-way shows as on other machines."""
    port = booted_run.port(port_name(seed="none"))
    yield port
    port.close()
