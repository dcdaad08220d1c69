"""Where builds and sources are kept from one run to the next."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import platformdirs

VARIABLE = "MAPLEPROOF_CACHE"
"""Names the folder, in the environment."""


def cache() -> Path:
    """The folder of all that is kept: the one that MAPLEPROOF_CACHE names, else the user's cache folder.

    Where nothing can be written there, one of the temporary folder, for this run and what it starts; that is
    said once.
    """
    named = os.environ.get(VARIABLE)
    folder = Path(named) if named else Path(platformdirs.user_cache_dir("mapleproof"))
    if _writable(folder):
        return folder
    instead = Path(tempfile.mkdtemp(prefix="mapleproof-cache-"))
    os.environ[VARIABLE] = str(instead)
    print(f"mapleproof: {folder} cannot be written to: what is built is kept in {instead}", file=sys.stderr)
    return instead


def cache_folder() -> Path:
    """Where builds of the kernel's tree are kept."""
    return cache() / "kernel"


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)
