"""Calls other than fork that are refused memory half-way, on a booted kernel: `calls_sweep` with a guest."""

from __future__ import annotations

from mapleproof.impl.mm.geometry import X86_64
from mapleproof.props.mm import calls_sweep
from mapleproof.props.mm.booted_audit import changed
from mapleproof.props.mm.booted_port import BootedPort
from mapleproof.props.mm.calls_sweep import CallsSwept, scenarios

COUNTED = frozenset(
    ("vm_area_struct", "anon_vma", "anon_vma_chain", "numa_policy", "nr_page_table_pages", "nr_anon_pages")
) | {"nr_mapped", "Committed_AS", "VmLck"}
"""What a space in which all was unmapped must have given back. Its tree may have another number of nodes."""


def sweep_calls(guest: BootedPort) -> CallsSwept:
    """Refuse each request of each call."""
    total = CallsSwept()
    noted: dict[str, int] = {}

    def begin() -> BootedPort:
        guest.reset()
        noted.clear()
        noted.update(guest.spaces.note(0))
        return guest

    def left(port: BootedPort) -> str:
        differences = changed(noted, port.spaces.look(0))
        told = [f"{name} {by:+}" for name, by in differences.items() if name in COUNTED]
        return ", ".join(told)

    for scenario in scenarios(X86_64, guest.region.start):
        total.add(calls_sweep.sweep(scenario, X86_64, begin, left))
    return total
