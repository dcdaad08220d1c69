"""From the name of a port, as a user gives it, to what makes one."""

from collections.abc import Callable

from props.ports import ImplPort, ModelPort, Port

MakePort = Callable[..., Port]
"""Makes a port from the flags of a case: `alloc_range` and `rcu`."""


class PortError(Exception):
    """There is no such port, or it cannot be had here."""


def choose_port(name: str) -> MakePort:
    """`impl`, `model`, or `kernel:PATH` for the maple tree in a kernel's sources. Raises PortError."""
    if name == "impl":
        return ImplPort
    if name == "model":
        return ModelPort
    kind, _, path = name.partition(":")
    if kind == "kernel" and path:
        return _kernel_port(path)
    raise PortError(f"there is no port {name!r}: impl, model, or kernel:PATH")


def _kernel_port(path: str) -> MakePort:
    from impl.kernel.errors import KernelBuildError
    from props.kernel_port import KernelPort

    def make(alloc_range: bool = False, rcu: bool = False) -> Port:
        try:
            return KernelPort(path, alloc_range=alloc_range, rcu=rcu)
        except KernelBuildError as error:
            raise PortError(str(error)) from None

    return make
