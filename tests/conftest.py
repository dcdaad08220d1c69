"""Hypothesis profiles: `ci` gives the same run every time, `deep` is for nights (`pytest --profile deep`).

`pytest --port kernel:PATH` runs what is in test_ports.py on a kernel's own maple tree.
"""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

from props.choose_port import PortError, choose_port

WITHOUT_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)
"""A failing run of a machine is shrunk by our own shrinker, as a list of operations."""

settings.register_profile(
    "ci",
    derandomize=True,
    deadline=None,
    max_examples=30,
    stateful_step_count=40,
    phases=WITHOUT_SHRINKING,
    suppress_health_check=list(HealthCheck),
)
settings.register_profile(
    "deep",
    deadline=None,
    max_examples=3000,
    stateful_step_count=200,
    phases=WITHOUT_SHRINKING,
    suppress_health_check=list(HealthCheck),
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--profile", choices=("ci", "deep"), default="ci", help="how long the machines run")
    parser.addoption("--port", default="impl", metavar="impl|kernel:PATH", help="whom test_ports.py tests")


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile(config.getoption("--profile"))


@pytest.fixture(scope="session")
def port_name(request: pytest.FixtureRequest) -> str:
    """The port that `--port` names. One that cannot be had ends the run with one line."""
    name: str = request.config.getoption("--port")
    try:
        choose_port(name)
    except PortError as error:
        pytest.exit(str(error), returncode=2)
    return name


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--profile") != "deep":
        config.hook.pytest_deselected(items=[item for item in items if "deep" in item.keywords])
        items[:] = [item for item in items if "deep" not in item.keywords]


CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


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
