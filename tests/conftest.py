"""What all tests have: the options of `mapleproof.tests`, how many run at a time, and a browser."""

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

pytest_plugins = ("mapleproof.tests.options",)

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: tests that wait for clusters, servers and pages leave one idle."""
    return len(os.sched_getaffinity(0)) + 1


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium, as the distribution ships it."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: extra `test`")
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if found is None:
        pytest.skip("there is no chromium: apt-get install chromium")
    with api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield launched
        launched.close()
