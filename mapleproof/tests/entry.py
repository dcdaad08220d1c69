"""What pytest finds of this package by itself: the options of its tests, where these are asked for.

Any other run of pytest in the same environment is left alone.
"""

import os
import sys

import pytest

ASKED = "MAPLEPROOF_TESTS"
"""Tells the processes of pytest-xdist, which do not see the command line."""


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    if any(argument.startswith(("mapleproof.tests", "mapleproof/tests")) for argument in sys.argv):
        os.environ[ASKED] = "1"
    if ASKED in os.environ:
        pluginmanager.import_plugin("mapleproof.tests.options")
