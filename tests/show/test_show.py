"""`mapleproof show`: what it shows of trees and address spaces, on which ports, and its exit status."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mapleproof.cli.cli import main
from mapleproof.props.common.answers import Answer
from mapleproof.props.common.files import Case, Header
from mapleproof.props.common.step import Step
from mapleproof.props.job.replay import replay_file
from mapleproof.props.job.subjects import read_case
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.ports import ImplPort
from mapleproof.props.maple.subject import MAPLE_TREE
from mapleproof.props.mm import operations as space
from mapleproof.props.mm.subject import ADDRESS_SPACE
from mapleproof.show.carry_out import picture_of, picture_of_file
from mapleproof.show.picture import Item, Picture, apply, changes
from mapleproof.show.tree_case import MOST_FRAMES
from tests.show.snapshots import GALLERY

FLAGS = {"alloc_range": True, "rcu": False}
CASES = Path(__file__).parents[1] / "maple" / "cases"
FORKS = sorted((Path(__file__).parents[1] / "mm" / "cases").glob("*.jsonl"))


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["show", *map(str, arguments)])


def stores(count: int) -> list[Step]:
    return [Step(ops.MtreeStoreRange(at, at, at + 1), Answer(ret=0)) for at in range(count)]


def tree_case(steps: list[Step]) -> Case:
    return Case(Header("a-case", FLAGS, "a test", MAPLE_TREE), steps)


def lane(picture: Picture, key: str, at: int = -1) -> list[Item]:
    state = picture.state(at if at >= 0 else len(picture.frames) - 1)
    return [item for item in state.values() if item.lane == key]


def test_exit_status_and_one_line_for_bad_input(tmp_path: Path) -> None:
    seeded = ("--seeded", "G01_lower_bound_ignored")
    case = GALLERY / "search-below-the-limit.jsonl"
    assert run(case).exit_code == 0
    assert run(case, *seeded).exit_code == 1
    assert run(case, *seeded, "--html", tmp_path / "page.html").exit_code == 1
    assert "<!doctype html>" in (tmp_path / "page.html").read_text()
    bad = tmp_path / "bad.jsonl"
    bad.write_text("{}\n")
    for arguments in ((bad,), (tmp_path / "none",), (case, "--port", "other"), (case, "--seeded", "none")):
        result = run(*arguments)
        assert result.exit_code == 2
        assert len(result.stderr.strip().splitlines()) == 1


def test_no_colour_where_there_is_no_terminal() -> None:
    result = run(GALLERY / "wrong-gap.jsonl", "--seeded", "G12_trailing_null_ignored")
    assert "\x1b" not in result.output
    assert "below is 0xffffffffffffffef" in result.output


@pytest.mark.parametrize("path", FORKS, ids=lambda path: path.stem)
def test_a_fork_is_shown_as_it_is_replayed(path: Path) -> None:
    case = read_case(path)
    found = replay_file(path).difference
    picture = picture_of(case)
    assert found is not None
    assert picture.failing is not None
    assert picture.frames[picture.failing].number == found.number
    assert [frame.name for frame in picture.frames][-3:-1] in (["2a", "2b"], ["3a", "3b"], ["4a", "4b"]) or (
        path.stem == "open_coded-no-crash"
    )


def test_the_fate_of_each_page_table_is_told() -> None:
    picture = picture_of_file(GALLERY / "undo-v3-page-tables.jsonl")
    fates = {(item.row, item.kind) for item in lane(picture, "tables1")}
    assert fates == {("level 3", "freed"), ("level 2", "wrong"), ("level 1", "leaked"), ("pages", "leaked")}
    assert {item.kind for item in lane(picture, "tables0")} == {"table", "page"}


def test_a_failed_fork_shows_whose_vmas_are_in_the_childs_tree() -> None:
    picture = picture_of_file(GALLERY / "exit-marker-v2.jsonl")
    begins = [frame.name for frame in picture.frames].index("3a")
    kinds = {part.kind for item in lane(picture, "tree1", begins) for part in item.parts}
    assert {"entry", "foreign", "null"} <= kinds
    assert "marker" not in kinds
    after = {part.kind for item in lane(picture, "tree1", begins + 1) for part in item.parts}
    assert "marker" in after


def test_tables_that_are_needed_and_gone_are_lost() -> None:
    picture = picture_of_file(GALLERY / "proof-floor-forgotten.jsonl", seeded="munmap_exact.floor_forgotten")
    assert {item.kind for item in lane(picture, "tables0")} == {"lost"}
    assert {
        item.kind for item in lane(picture_of_file(GALLERY / "proof-floor-forgotten.jsonl"), "tables0")
    } == {
        "table",
        "page",
    }


def test_a_tree_that_agrees_has_nothing_wrong_and_opens_at_its_last_step() -> None:
    picture = picture_of(tree_case(stores(40)))
    assert picture.failing is None
    assert picture.open == 39
    assert not any(item.faulty for item in picture.state(39).values())
    held = [
        (part.last, part.label)
        for item in lane(picture, "tree0")
        for part in item.parts
        if item.kind == "leaf"
    ]
    assert [one for one in held if one[1] != "NULL"] == [(at, str(at + 1)) for at in range(40)]
    assert len(lane(picture, "model0")) == 40


def test_the_model_is_shown_alone_on_the_port_model() -> None:
    picture = picture_of(tree_case(stores(3)), port="model")
    assert len(lane(picture, "model0")) == 3
    assert not lane(picture, "tree0")
    picture = picture_of_file(GALLERY / "undo-v3-page-tables.jsonl", port="model")
    assert picture.failing is None
    assert [one.key for one in picture.lanes] == ["step", "model0"]


def test_a_difference_in_the_answer_is_marked_on_its_keys() -> None:
    case = tree_case([*stores(2), Step(ops.MtreeLoad(1), Answer(entry=9))])
    picture = picture_of(case)
    frame = picture.frames[picture.open]
    assert picture.headline == "wrong answer at step 3: entry is 2, not 9"
    assert [(value.text, value.differs) for value in (*frame.expected, *frame.actual)] == [
        ("9", True),
        ("2", True),
    ]
    assert frame.matters


def test_a_step_that_stored_many_ranges_matters_where_one_of_them_is_looked_at() -> None:
    steps = [
        Step(ops.Fill(0, 8, 4, 30), Answer(ret=0)),
        Step(ops.Fill(0x1000, 8, 4, 30), Answer(ret=0)),
        Step(ops.MtreeStoreRange(0x500, 0x501, 9), Answer(ret=0)),
        Step(ops.MtreeLoad(0x1080), Answer(entry=9)),
    ]
    assert [frame.matters for frame in picture_of(tree_case(steps)).frames] == [False, True, False, True]


def test_what_was_done_to_a_parent_before_it_forked_matters_to_its_child() -> None:
    page = 0x1000
    program = [
        space.Mmap(0, 0, page, 3, None),
        space.Fork(0, 1, "unmap_in_place"),
        space.Munmap(0, 0, page),
        space.Fork(1, 2, "unmap_in_place"),
        space.Munmap(1, 0, page),
    ]
    steps = [Step(op, Answer(ret=0)) for op in program]
    steps.append(Step(space.Munmap(2, 0, page), Answer(ret=-12)))
    flags = {"tiny": False, "five_levels": False, "hugepd": False}
    picture = picture_of(Case(Header("a-case", flags, "a test", ADDRESS_SPACE), steps))
    assert picture.headline.startswith("wrong answer at step 6")
    assert [frame.number for frame in picture.frames if frame.matters] == [1, 2, 4, 6]


def test_a_long_case_shows_its_last_steps() -> None:
    picture = picture_of(tree_case([*stores(5), *[Step(ops.MtreeLoad(2), Answer(entry=3))] * MOST_FRAMES]))
    assert len(picture.frames) == MOST_FRAMES
    assert picture.frames[0].number == 6
    assert picture.frames[-1].number == MOST_FRAMES + 5
    assert len(lane(picture, "model0", 0)) == 5


def test_leaked_nodes_of_a_copy_are_where_their_twins_are() -> None:
    picture = picture_of_file(GALLERY / "copy-leaks-nodes.jsonl", seeded="D03_left_subtrees_left_behind")
    left = lane(picture, "copy")
    assert len(left) == 2
    nodes = {(item.label, item.first, item.last) for item in lane(picture, "tree0")}
    assert {(item.label, item.first, item.last) for item in left} <= nodes
    assert {item.kind for item in left} == {"leaked"}


@pytest.mark.parametrize("path", sorted(CASES.glob("*-10*[05].jsonl.gz")), ids=lambda path: path.name)
def test_recordings_are_shown_as_they_are_replayed(path: Path) -> None:
    case = read_case(path)
    short = Case(case.header, case.steps[:150])
    assert MAPLE_TREE.replay(short.steps, ImplPort(**case.header.flags), "exact").difference is None
    picture = picture_of(short)
    assert picture.failing is None
    for at in range(0, len(picture.frames), 30):
        assert not any(item.faulty for item in picture.state(at).values())


def test_changes_lead_from_one_state_to_the_next() -> None:
    before = {"a": Item("l", "r", 0, 1, "entry", "1"), "b": Item("l", "r", 2, 3, "entry", "2")}
    after = {"b": Item("l", "r", 2, 5, "entry", "2"), "c": Item("l", "r", 7, 8, "entry", "3")}
    changed = changes(before, after)
    assert changed == {"b": after["b"], "c": after["c"], "a": None}
    apply(before, changed)
    assert before == after


def test_a_terminal_gets_no_more_than_its_columns_of_a_tall_tree() -> None:
    case = tree_case(
        [Step(ops.Fill(0, 2, 1, 3000), Answer(ret=0)), Step(ops.MtreeLoad(5000), Answer(entry=1))]
    )
    from mapleproof.show.terminal import WIDTH, lines_of

    lines = [line.plain for line in lines_of(picture_of(case))]
    assert len(lines) < 60
    assert max(map(len, lines)) <= WIDTH
    assert any(re.search(r"leaves +\d+ more", line) for line in lines)
