"""From the name of a port, as a user gives it, to what makes one.

A kernel's tree is named by where its sources are, and how they are to be built may follow as in a URL:
`kernel:PATH?sanitize=address,undefined&debug&seed=NAME&bits=32`. PATH may be the version of sources at hand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache, partial
from urllib.parse import parse_qsl

from mapleproof.impl.kernel import live
from mapleproof.impl.kernel.build import Build, Variant, build
from mapleproof.impl.kernel.errors import KernelBuildError
from mapleproof.impl.kernel.source import resolve
from mapleproof.props.common.port import MakePort, PortError
from mapleproof.props.common.subject import Subject
from mapleproof.props.maple.kernel_port import KernelPort
from mapleproof.props.maple.ports import ImplPort, ModelPort
from mapleproof.props.maple.subject import MAPLE_TREE
from mapleproof.props.mm.booted_port import BootedPort, boot_once
from mapleproof.props.mm.live_port import LivePort
from mapleproof.props.mm.ports import impl_spaces, model_spaces
from mapleproof.props.mm.subject import ADDRESS_SPACE

KERNEL = "kernel:"

TREE_LANES = frozenset({"bulk", "machine", "readers", "spaces"})


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of port: for each subject that it has, by name, what makes one of the port's whole name; and
    the lanes of a check or a campaign that run on it."""

    makes: Mapping[str, Callable[[str], MakePort]]
    lanes: frozenset[str]


@lru_cache
def _built(name: str) -> Build:
    path, _, query = name.removeprefix(KERNEL).partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    bits = options.pop("bits", "64")
    if bits not in ("32", "64"):
        raise PortError(f"port {name}: bits are 32 or 64, not {bits!r}")
    debug = options.pop("debug", None) is not None
    variant = Variant(options.pop("sanitize", ""), debug, options.pop("seed", ""), int(bits))
    if options:
        there = "there are sanitize, debug, seed, bits"
        raise PortError(f"port {name}: no such option: {', '.join(options)}; {there}")
    try:
        return build(resolve(path), variant)
    except KernelBuildError as error:
        raise PortError(str(error)) from None


def _live(name: str) -> MakePort:
    if reason := live.why_not():
        raise PortError(reason)
    return LivePort


def _booted(name: str) -> MakePort:
    try:
        boot_once(name)
    except KernelBuildError as error:
        raise PortError(str(error)) from None
    return partial(BootedPort, name)


KINDS: Mapping[str, Kind] = {
    "impl": Kind(
        {MAPLE_TREE.name: lambda name: ImplPort, ADDRESS_SPACE.name: lambda name: impl_spaces},
        TREE_LANES
        | {"interleavings", "canaries", "tiny", "histories", "fork", "sweep", "layouts", "worlds", "proofs"},
    ),
    "model": Kind(
        {MAPLE_TREE.name: lambda name: ModelPort, ADDRESS_SPACE.name: lambda name: model_spaces}, TREE_LANES
    ),
    "kernel:PATH": Kind(
        {MAPLE_TREE.name: lambda name: partial(KernelPort, _built(name))},
        TREE_LANES | {"interleavings", "threads"},
    ),
    "live": Kind({ADDRESS_SPACE.name: _live}, frozenset({"live"})),
    "booted:PATH": Kind({ADDRESS_SPACE.name: _booted}, frozenset({"booted"})),
}
"""Every kind of port: our tree and fork, the reference, the maple tree in a kernel's sources, the running
kernel's address spaces, and those of a kernel that is built and booted."""


def kind_of_port(name: str) -> Kind:
    """What is known of a port. Raises PortError where there is none of that name."""
    before, colon, path = name.partition(":")
    kind = f"{before}:PATH" if colon and path else name
    if kind not in KINDS:
        near = get_close_matches(kind, KINDS, n=1)
        told = f"did you mean {near[0]}?" if near else f"there are {', '.join(KINDS)}"
        raise PortError(f"there is no port {name!r}; {told}")
    return KINDS[kind]


def choose_port(name: str, subject: Subject) -> MakePort:
    """What makes a port of that name for a subject, from the flags in a case's header. Raises PortError."""
    makes = kind_of_port(name).makes
    if subject.name not in makes:
        words, there = (of.replace("_", " ") for of in (subject.name, ", ".join(makes)))
        raise PortError(f"the port {name} is for cases about {there}, not about {words}")
    return makes[subject.name](name)


def require_port(name: str) -> None:
    """Have everything ready that it takes to make a port of that name. Raises PortError."""
    for make in kind_of_port(name).makes.values():
        make(name)


def is_kernel(name: str) -> bool:
    """Whether a port of that name is a kernel's own tree."""
    return name.startswith(KERNEL)


def with_variant(name: str, variant: Variant) -> str:
    """The name of the same kernel's tree, built in another way."""
    parts = [f"sanitize={variant.sanitize}" if variant.sanitize else "", "debug" if variant.debug else ""]
    parts += [f"seed={variant.seed}" if variant.seed else "", "bits=32" if variant.bits == 32 else ""]
    options = "&".join(filter(None, parts))
    return f"{name}?{options}" if options else name
