"""From the name of a port, as a user gives it, to what makes one.

A kernel's tree is named by where its sources are, and how they are to be built may follow as in a URL:
`kernel:PATH?sanitize=address,undefined&debug&seed=NAME`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from urllib.parse import parse_qsl

from impl.kernel import live
from impl.kernel.build import Build, Variant, build
from impl.kernel.errors import KernelBuildError
from impl.kernel.source import resolve
from props.kernel_port import KernelPort
from props.ports import ImplPort, ModelPort, Port

MakePort = Callable[..., Port]
"""Makes a port from the flags of a case: `alloc_range` and `rcu`."""

KERNEL = "kernel:"
LIVE = "live"
"""The running kernel's address spaces: for cases and histories of those, not for trees."""


class PortError(Exception):
    """There is no such port, or it cannot be had here."""


def choose_port(name: str) -> MakePort:
    """`impl`, `model`, `kernel:PATH` for the maple tree in a kernel's sources, or `live` for the running
    kernel's address spaces. Raises PortError."""
    if name == "impl":
        return ImplPort
    if name == "model":
        return ModelPort
    if name.startswith(KERNEL) and name != KERNEL:
        return partial(KernelPort, _built(name))
    if name == LIVE:
        if reason := live.why_not():
            raise PortError(reason)
        return _no_tree
    raise PortError(f"there is no port {name!r}: impl, model, kernel:PATH, or live")


def _no_tree(**flags: bool) -> Port:
    raise PortError("the port live has address spaces, no maple trees")


def is_kernel(name: str) -> bool:
    """Whether a port of that name is a kernel's own tree."""
    return name.startswith(KERNEL)


def with_variant(name: str, variant: Variant) -> str:
    """The name of the same kernel's tree, built in another way."""
    parts = [f"sanitize={variant.sanitize}" if variant.sanitize else "", "debug" if variant.debug else ""]
    parts += [f"seed={variant.seed}" if variant.seed else ""]
    options = "&".join(filter(None, parts))
    return f"{name}?{options}" if options else name


@lru_cache
def _built(name: str) -> Build:
    path, _, query = name.removeprefix(KERNEL).partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    variant = Variant(
        options.pop("sanitize", ""), options.pop("debug", None) is not None, options.pop("seed", "")
    )
    if options:
        raise PortError(f"port {name}: no such option: {', '.join(options)}; there are sanitize, debug, seed")
    try:
        return build(resolve(path), variant)
    except KernelBuildError as error:
        raise PortError(str(error)) from None
