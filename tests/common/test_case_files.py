"""Case files: written and read back without loss; refused, with the reason, where they are unsound."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from mapleproof.props.common.answers import Answer
from mapleproof.props.common.files import Case, Header, write_case
from mapleproof.props.common.lines import FILE_LIMIT, LINE_LIMIT, CaseError
from mapleproof.props.common.step import Step
from mapleproof.props.job.subjects import open_case, read_case
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.dispatch import TREE_FORMS
from mapleproof.props.maple.subject import MAPLE_TREE

HEADER = {
    "format": "mapleproof-case",
    "version": 1,
    "subject": "maple_tree",
    "name": "a-case",
    "tree": {"alloc_range": True, "rcu": False},
    "origin": "a test",
}
STORE = {"op": "mtree_store_range", "first": "0x10", "last": "0x1f", "entry": 3, "expect": {"ret": 0}}


def line(data: Any) -> bytes:
    return json.dumps(data).encode() + b"\n"


def header(**changes: Any) -> bytes:
    return line({key: value for key, value in {**HEADER, **changes}.items() if value != "leave out"})


def step(**changes: Any) -> bytes:
    return header() + line(
        {key: value for key, value in {**STORE, **changes}.items() if value != "leave out"}
    )


def steps(*data: Any) -> bytes:
    return header() + b"".join(line(each) for each in data)


DAMAGED: dict[str, tuple[bytes, int, str]] = {
    "empty file": (b"", 1, "empty"),
    "no JSON": (header() + b"{\n", 2, "not JSON"),
    "an empty line": (header() + b"\n" + line(STORE), 2, "not JSON"),
    "no object": (header() + b"[1]\n", 2, "not a JSON object"),
    "half a line": (header() + line(STORE)[:-20], 2, "not JSON"),
    "bad UTF-8": (header() + b'{"op": "mas_\xff"}\n', 2, "not UTF-8"),
    "a key twice": (header() + b'{"op": "mas_walk", "op": "mas_walk"}\n', 2, "stands twice"),
    "deep nesting": (header() + b"[" * 30000 + b"\n", 2, "nested too deeply"),
    "a long line": (header() + b" " * (LINE_LIMIT + 1) + b"\n", 2, "over 64 KiB"),
    "another format": (header(format="something"), 1, "not a case file"),
    "a header that is a step": (line(STORE), 1, "not a case file"),
    "another version": (header(version=2), 1, "`version`"),
    "a version that is true": (header(version=True), 1, "`version`"),
    "another subject": (header(subject="red_black_tree"), 1, "`subject`"),
    "a subject that is no text": (header(subject=["maple_tree"]), 1, "`subject`"),
    "an unknown header key": (header(colour="red"), 1, "unknown key"),
    "no name": (header(name="leave out"), 1, "`name`"),
    "a name with an escape": (header(name="a\x1b[31m"), 1, "`name`"),
    "no origin": (header(origin="leave out"), 1, "`origin`"),
    "no flags": (header(tree="leave out"), 1, "`tree`"),
    "a missing flag": (header(tree={"rcu": True}), 1, "`tree`"),
    "a flag that is a number": (header(tree={"alloc_range": 1, "rcu": False}), 1, "true or false"),
    "a found that is a text": (header(found="yes"), 1, "`found`"),
    "no op": (step(op="leave out"), 2, "`op` is missing"),
    "an unknown op": (step(op="mtree_stroe_range"), 2, "unknown op"),
    "an op that is a list": (step(op=["mas_walk"]), 2, "unknown op"),
    "an unknown key": (step(colour="red"), 2, "unknown key"),
    "another op's key": (step(index="0x1"), 2, "unknown key"),
    "a missing key": (step(last="leave out"), 2, "`last` is missing"),
    "a bool for a number": (step(first=True), 2, "not a number"),
    "a float": (step(first=1.0), 2, "not an integer"),
    "NaN": (header() + line(STORE).replace(b'"0x10"', b"NaN"), 2, "not an integer"),
    "null for a number": (step(first=None), 2, "not a number"),
    "decimal text": (step(first="16"), 2, "not a hex number"),
    "a word of 65 bits": (step(first="0x10000000000000000"), 2, "not a hex number"),
    "a number of 65 bits": (step(first=2**64), 2, "out of range"),
    "a negative number": (step(first=-1), 2, "out of range"),
    "a very long number": (header() + line(STORE).replace(b'"0x10"', b"1" * 5000), 2, "out of range"),
    "more ranges than memory": (steps({"op": "mas_expected_entries", "count": 2**20}), 2, "out of range"),
    "entry 0": (step(entry=0), 2, "out of range"),
    "an entry of 63 bits": (step(entry=2**62), 2, "out of range"),
    "an entry in hex": (step(entry="0x3"), 2, "not a number"),
    "an answer of another op": (step(expect={"entry": 3}), 2, "does not answer"),
    "an answer that is a list": (step(expect=[0]), 2, "must be an object"),
    "an answer out of range": (step(expect={"ret": 5}), 2, "`ret`"),
    "an unknown status": (steps({"op": "mas_walk", "expect": {"status": "lost"}}), 2, "`status`"),
    "entries out of order": (
        steps({"op": "snapshot", "expect": {"entries": [["0x5", "0x6", 1], ["0x6", "0x7", 2]]}}),
        2,
        "not in order",
    ),
    "an entry without a last": (
        steps({"op": "snapshot", "expect": {"entries": [["0x5", 1]]}}),
        2,
        "`entries`",
    ),
    "a range that ends first": (steps({"op": "mas_set_range", "first": 5, "last": 4}), 2, "above"),
    "an unknown tree": (step(tree=1), 2, "no tree 1"),
    "a tree that was not duplicated": (
        steps(
            {"op": "mtree_dup", "into": 1, "fail_after": 0, "expect": {"ret": -12}},
            {"op": "snapshot", "tree": 1},
        ),
        3,
        "no tree 1",
    ),
    "a tree twice": (steps({"op": "mtree_dup", "into": 0}), 2, "already"),
    "an unknown cursor": (steps({"op": "mas_walk", "cursor": 1}), 2, "no cursor 1"),
    "a cursor on another tree": (
        steps({"op": "mtree_dup", "into": 1}, {"op": "mas_walk", "tree": 1}),
        3,
        "is on tree 0",
    ),
    "a write within a write": (step(within=0), 2, "nothing that a reader does"),
    "a reader without its write": (steps({"op": "mas_walk", "within": 0}), 2, "does not come"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_files_are_refused(name: str, tmp_path: Path) -> None:
    content, number, reason = DAMAGED[name]
    path = tmp_path / "damaged.jsonl"
    path.write_bytes(content)
    with pytest.raises(CaseError) as refused:
        read_case(path)
    assert refused.value.line == number
    assert reason in refused.value.reason
    assert str(refused.value) == f"{path}:{number}: {refused.value.reason}"


@pytest.mark.parametrize("cut", [0, 5, 25, -1])
def test_a_compressed_file_that_ends_early_is_refused(cut: int, tmp_path: Path) -> None:
    path = tmp_path / "cut.jsonl.gz"
    path.write_bytes(gzip.compress(step())[:cut])
    with pytest.raises(CaseError):
        read_case(path)


def test_a_compressed_file_with_a_flipped_byte_is_refused(tmp_path: Path) -> None:
    content = bytearray(gzip.compress(step()))
    content[-8] ^= 1  # in the checksum
    path = tmp_path / "flipped.jsonl.gz"
    path.write_bytes(content)
    with pytest.raises(CaseError, match="gzip"):
        read_case(path)


def test_what_is_no_gzip_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "plain.jsonl.gz"
    path.write_bytes(step())
    with pytest.raises(CaseError, match="gzip"):
        read_case(path)


def test_a_file_that_decompresses_to_too_much_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.jsonl.gz"
    padding = line(STORE).rstrip() + b" " * (LINE_LIMIT - 200) + b"\n"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(header())
        block = padding * 64
        for _ in range(FILE_LIMIT // len(block) + 1):
            file.write(block)
    with pytest.raises(CaseError, match="256 MiB"):
        for _ in open_case(path):
            pass


@pytest.mark.parametrize("name", ["missing.jsonl", "."])
def test_what_is_no_file_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(CaseError) as refused:
        read_case(tmp_path / name)
    assert refused.value.line is None


def every_operation() -> list[Step]:
    """Each operation once, with arguments at their limits and, where it has answers, an answer."""
    done = [Step(ops.MtreeDup(1)), Step(ops.MasInit(0, tree=1, cursor=2))]
    values = {
        "first": 0,
        "last": 2**64 - 1,
        "entry": 2**62 - 1,
        "into": 2,
        "count": 2,
        "length": 1,
        "stride": 9,
    }
    words = {
        "ret": 0,
        "entry": None,
        "index": 2**64 - 1,
        "last": 0,
        "status": "active",
        "start": 7,
        "next": 8,
    }
    for form in TREE_FORMS.values():
        if form.operation in (ops.MtreeDup, ops.MasInit):
            continue
        arguments: dict[str, Any] = {name: values.get(name, 2**63) for name in form.arguments}
        if form.operation is ops.Fill:
            arguments["first"] = 5
        op = form.operation(**arguments, tree=1, cursor=2)
        if "entries" in form.answers:
            answer = Answer(entries=[(0, 5, 1), (7, 2**64 - 1, 2)])
        else:
            answer = Answer(**{key: words[key] for key in form.answers})
        done.append(Step(op, answer))
    done.append(Step(ops.MtreeLoad(3, tree=1, within=1), Answer(entry=1), Answer(entry=None)))
    done.append(Step(ops.MtreeErase(3, tree=1, fail_after=0), Answer(entry=1, ret=-12)))
    return done


@pytest.mark.parametrize("name", ["case.jsonl", "case.jsonl.gz"])
def test_every_operation_is_written_and_read_back(name: str, tmp_path: Path) -> None:
    flags = {"alloc_range": True, "rcu": True}
    case = Case(Header("all", flags, "a test", MAPLE_TREE, "ok", {"seed": 1}), every_operation())
    path = tmp_path / name
    write_case(path, case)
    again = read_case(path)
    assert again.header == case.header
    assert again.steps == case.steps
    first = path.read_bytes()
    write_case(path, again)
    assert path.read_bytes() == first


def test_words_are_written_in_hex_and_read_as_integers_too(tmp_path: Path) -> None:
    path = tmp_path / "case.jsonl"
    path.write_bytes(step(first=16, last=31))
    case = read_case(path)
    assert case.steps == [Step(ops.MtreeStoreRange(16, 31, 3), Answer(ret=0))]
    write_case(path, case)
    assert path.read_bytes().splitlines()[1] == line(STORE).strip()


def test_a_line_that_would_be_too_long_is_not_written(tmp_path: Path) -> None:
    entries = [(i * 2**40, i * 2**40, 2**61) for i in range(2000)]
    case = Case(
        Header("long", HEADER["tree"], "a test", MAPLE_TREE), [Step(ops.Snapshot(), Answer(entries=entries))]
    )
    with pytest.raises(CaseError, match="64 KiB"):
        write_case(tmp_path / "long.jsonl", case)
    assert not list(tmp_path.iterdir())


def test_a_reader_cannot_look_in_the_middle_of_a_fill(tmp_path: Path) -> None:
    path = tmp_path / "fill.jsonl"
    steps = (
        '{"op": "mas_init", "index": 0, "cursor": 1}',
        '{"op": "rcu_read_lock", "cursor": 1}',
        '{"op": "mas_set", "index": 2, "cursor": 1}',
        '{"op": "mas_walk", "cursor": 1, "within": 0}',
        '{"op": "fill", "first": 1, "stride": 1, "length": 1, "count": 2}',
    )
    header = {"format": "mapleproof-case", "version": 1, "subject": "maple_tree", "name": "x", "origin": "x"}
    header["tree"] = {"alloc_range": False, "rcu": True}
    path.write_text("\n".join([json.dumps(header), *steps]))
    with pytest.raises(CaseError, match=r":6: .*a fill is many"):
        list(open_case(path))
