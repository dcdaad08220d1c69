"""Hypothesis profiles: `ci` gives the same run every time, `deep` is for nights (`pytest --profile deep`)."""

import pytest
from hypothesis import HealthCheck, Phase, settings

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


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile(config.getoption("--profile"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--profile") != "deep":
        skip = pytest.mark.skip(reason="selected by --profile deep")
        for item in items:
            if "deep" in item.keywords:
                item.add_marker(skip)
