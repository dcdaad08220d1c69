"""A kernel's own tree is shown as ours is: the same nodes over the same ranges, with the same slots.

Of 6.12, which is what ours follows: newer kernels split nodes elsewhere.
"""

import pytest

from mapleproof.impl.kernel import build, source
from mapleproof.impl.kernel.errors import KernelBuildError
from mapleproof.props.common.answers import Answer
from mapleproof.props.common.files import Case, Header
from mapleproof.props.common.step import Step
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.subject import MAPLE_TREE
from mapleproof.show.carry_out import picture_of
from mapleproof.show.picture import Picture


@pytest.fixture(scope="module")
def port() -> str:
    try:
        build.compiler()
        return f"kernel:{source.resolve('6.12')}"
    except KernelBuildError as error:
        pytest.skip(str(error))


def shapes(picture: Picture) -> list[set[tuple[object, ...]]]:
    """The nodes of each frame, without their names."""
    return [
        {item[1:5] + item[6:] for item in picture.state(at).values() if item.lane == "tree0"}
        for at in range(len(picture.frames))
    ]


@pytest.mark.parametrize("alloc_range", [True, False])
def test_the_nodes_of_a_kernels_tree(port: str, alloc_range: bool) -> None:
    steps = [Step(ops.MtreeStoreRange(3 * at, 3 * at + at % 3, at + 1), Answer(ret=0)) for at in range(60)]
    steps += [
        Step(ops.MtreeStoreRange(20, 70, None), Answer(ret=0)),
        Step(ops.MtreeStoreRange(0, 0, 9), Answer(ret=0)),
    ]
    case = Case(Header("a-case", {"alloc_range": alloc_range, "rcu": False}, "a test", MAPLE_TREE), steps)
    ours, kernels = picture_of(case), picture_of(case, port)
    assert ours.failing is None
    assert kernels.failing is None
    assert shapes(kernels) == shapes(ours)
    assert max(map(len, shapes(ours))) > 5
