"""A case as a test for the kernel: a tree's for lib/test_maple_tree.c, address spaces' for the self-tests."""

from __future__ import annotations

from pathlib import Path

from mapleproof.props.common.lines import CaseError
from mapleproof.props.job.subjects import read_case
from mapleproof.props.maple.subject import MAPLE_TREE
from mapleproof.show import maple_test, self_test


def c_test(path: Path) -> str:
    """The test's text. Raises CaseError for a file that is no case, for one that no test of the kernel's can
    make, and for one without an answer that could differ."""
    case = read_case(path)
    if not any(step.expect.given() for step in case.steps):
        raise CaseError(path, None, "the case expects nothing, so a test of it could not fail")
    if case.header.subject is MAPLE_TREE:
        return maple_test.function(case, path)
    return self_test.program(case, path)
