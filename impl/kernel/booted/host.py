"""What User Mode Linux needs where the host's processor has more registers than it knows.

Up to 6.12 it keeps a task's floating-point registers in 2,696 bytes, all that there were before AMX. On a
processor with AMX the host takes back only the whole of them, and init is killed (PTRACE_SETREGSET: EFAULT).
The room is made larger, in the build alone and on such hosts alone; later kernels ask the host.
"""

from __future__ import annotations

from pathlib import Path

from mapleproof.impl.kernel.booted.edits import Edit, edited_files

WIDE = "amx_tile"
"""The flag of a processor, in /proc/cpuinfo, whose registers do not fit; 11,008 bytes are what they take."""

ROOM = 11_264

_WIDER = Edit(
    ("arch/x86/um/user-offsets.c",),
    "foo",
    "DEFINE_LONGS(HOST_FP_SIZE, 2696);",
    f"DEFINE_LONGS(HOST_FP_SIZE, {ROOM});",
)


def has_wide_registers(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether the host's processor is such."""
    return cpuinfo.is_file() and WIDE in cpuinfo.read_text(errors="replace").split()


def host_edits(tree: Path, arch: str, wide: bool) -> dict[str, str]:
    """The files of a tree that must differ for its kernel to run on this host; none where it runs as is."""
    if arch != "um" or not wide:
        return {}
    try:
        return edited_files(tree, (_WIDER,))
    except ValueError:  # it asks the host
        return {}
