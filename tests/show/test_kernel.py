"""A kernel's own tree is shown as ours is: the same nodes over the same ranges, with the same slots."""

import pytest

from impl.kernel import build, source
from impl.kernel.errors import KernelBuildError
from props.cases.files import Case, Header, Step
from props.ops import operations as ops
from props.ops.answers import Answer
from props.show.carry_out import picture_of
from props.show.picture import Picture


@pytest.fixture(scope="module")
def port() -> str:
    try:
        build.compiler()
        return f"kernel:{source.find()}"
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
    case = Case(Header("a-case", {"alloc_range": alloc_range, "rcu": False}, "a test"), steps)
    ours, kernels = picture_of(case), picture_of(case, port)
    assert ours.failing is None
    assert kernels.failing is None
    assert shapes(kernels) == shapes(ours)
    assert max(map(len, shapes(ours))) > 5
