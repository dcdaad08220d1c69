"""The guest's initramfs: a cpio archive of the "newc" form, as Documentation/driver-api/early-userspace says.

Two programs, the init and the agent, both static; a folder for each file system that init mounts, and the
console. Nothing else of the host goes into a guest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

_FOLDERS = ("dev", "proc", "sys")
_FOLDER, _FILE, _CHARACTERS = 0o040755, 0o100755, 0o020600
_CONSOLE = (5, 1)


def archive(programs: Mapping[str, bytes]) -> bytes:
    """The archive with these programs in the root; the same programs give the same bytes."""
    return b"".join(_members(programs))


def _members(programs: Mapping[str, bytes]) -> Iterator[bytes]:
    for folder in _FOLDERS:
        yield _member(folder, _FOLDER)
    yield _member("dev/console", _CHARACTERS, device=_CONSOLE)
    for name in sorted(programs):
        yield _member(name, _FILE, programs[name])
    yield _member("TRAILER!!!", 0)


def _member(name: str, mode: int, content: bytes = b"", device: tuple[int, int] = (0, 0)) -> bytes:
    spelled = name.encode() + b"\0"
    fields = (0, mode, 0, 0, 1, 0, len(content), 0, 0, *device, len(spelled), 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields)
    return _padded(head + spelled) + _padded(content)


def _padded(block: bytes) -> bytes:
    return block + b"\0" * (-len(block) % 4)
