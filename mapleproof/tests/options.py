"""Hypothesis profiles: `ci` gives the same run every time, `deep` is for nights (`pytest --profile deep`).

`pytest --port kernel:PATH --pyargs mapleproof.tests` runs what is there on a kernel's own maple tree.

The sources of the tree run, whatever is compiled; `pytest --compiled` takes what is compiled, and leaves out
what executes or changes the sources (marked `source`).
"""

import os
import sys

os.environ.setdefault("MAPLEPROOF_PURE", "0" if "--compiled" in sys.argv else "1")

import pytest
from hypothesis import HealthCheck, Phase, settings

from mapleproof.impl import compiled
from mapleproof.props.common.port import PortError
from mapleproof.props.job.choose_port import require_port

MARKERS = (
    "deep: long runs, for nights; selected by --profile deep",
    "late: waits for clusters, servers or processes, or computes for long; a second step, by --late",
    "source: executes or changes the sources of the tree; left out by --compiled",
)

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
    parser.addoption("--late", action="store_true", help="run the tests that take long, alone")
    parser.addoption("--compiled", action="store_true", help="run the tree that is compiled")
    parser.addoption("--port", default="impl", metavar="impl|kernel:PATH", help="whom mapleproof.tests tests")


def pytest_configure(config: pytest.Config) -> None:
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    settings.load_profile(config.getoption("--profile"))
    if config.getoption("--compiled") and compiled.which() != compiled.COMPILED:
        pytest.exit(f"the tree is {compiled.which()}", returncode=2)


@pytest.fixture(scope="session")
def port_name(request: pytest.FixtureRequest) -> str:
    """The port that `--port` names. One that cannot be had ends the run with one line."""
    name: str = request.config.getoption("--port")
    try:
        require_port(name)
    except PortError as error:
        pytest.exit(str(error), returncode=2)
    return name


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    deep, late = config.getoption("--profile") == "deep", config.getoption("--late")
    left_out = set() if deep else {"deep"}
    if config.getoption("--compiled"):
        left_out.add("source")
    if not deep and not late and not _named(config):
        left_out.add("late")

    def goes(item: pytest.Item) -> bool:
        return bool(left_out & set(item.keywords)) or (late and "late" not in item.keywords)

    config.hook.pytest_deselected(items=[item for item in items if goes(item)])
    items[:] = [item for item in items if not goes(item)]


def _named(config: pytest.Config) -> bool:
    """Whether files or tests are named: then all that is in them is meant."""
    return any(str(word).partition("::")[0].endswith(".py") for word in config.invocation_params.args)
