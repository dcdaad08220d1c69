"""`show --c`: what it prints is built and run in a kernel's tree, and fails where the case fails."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mapleproof.cli import status
from mapleproof.cli.cli import main
from mapleproof.impl.kernel.suite import FOLDER, KernelSuite
from mapleproof.show.c_test import c_test
from mapleproof.show.maple_test import CALLS
from tests.kernel.conftest import tree_of

FINDINGS = Path(__file__).parents[1] / "kernel" / "findings"
SELF_TESTS = "tools/testing/selftests"


def show(*words: object) -> Result:
    return CliRunner().invoke(main, ["show", *map(str, words)], catch_exceptions=False)


class Harness:
    """The kernel's own tests in userspace, with nothing in them but what is put there."""

    def __init__(self, suite: KernelSuite, folder: Path) -> None:
        self.suite = suite
        self.folder = folder
        self.tests = (folder / "lib/test_maple_tree.c").read_text()
        farmer = folder / FOLDER / "maple.c"
        farmer.write_text(farmer.read_text().replace("\tfarmer_tests();\n", ""))

    def run(self, *texts: str) -> tuple[int, str]:
        """How the tests end, called as their comments tell, and what they say."""
        calls = []
        for text in texts:
            comment = text.partition("*/")[0]
            calls += re.findall(r"^ \*(\t\w.*;)$", comment, re.MULTILINE)
        seed = "static int __init maple_tree_seed(void)\n{\n"
        assert len(calls) == 3 * len(texts)
        assert seed in self.tests
        own = f"{seed}\tDEFINE_MTREE(tree);\n\n" + "\n".join(calls)
        own += '\n\tprintf("%u of %u\\n", atomic_read(&maple_tree_tests_passed),\n'
        own += "\t       atomic_read(&maple_tree_tests_run));\n\treturn 0;\n}\n\n"
        rest = "static int __init __maybe_unused not_called(void)\n{\n"
        changed = self.tests.replace(seed, "\n".join(texts) + "\n" + own + rest)
        (self.folder / "lib/test_maple_tree.c").write_text(changed)
        self.suite.build(None)
        done = subprocess.run(
            ["./maple"], cwd=self.folder / FOLDER, capture_output=True, text=True, timeout=120, check=False
        )
        print(done.stdout, done.stderr)
        return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def harness() -> Harness:
    tree = tree_of("6.12")
    headers = [*Path("/usr/include").glob("urcu.h"), *Path("/usr/include").glob("*/urcu.h")]
    if not (tree / FOLDER / "maple.c").is_file() or not headers:
        pytest.skip("the kernel's suite or liburcu-dev is not there")
    with KernelSuite(tree) as suite:
        yield Harness(suite, suite.folder)


EVERY = [
    {"op": "fill", "first": "0x10", "stride": "0x10", "length": "0x8", "count": 30, "expect": {"ret": 0}},
    {"op": "mtree_load", "index": "0x12", "expect": {"entry": 1}},
    {"op": "mtree_store_range", "first": "0x400", "last": "0x40f", "entry": 99, "expect": {"ret": 0}},
    {"op": "mtree_insert_range", "first": "0x400", "last": "0x40f", "entry": 98, "expect": {"ret": -17}},
    {"op": "mtree_erase", "index": "0x400", "expect": {"entry": 99}},
    {
        "op": "mtree_alloc_range",
        "entry": 7,
        "size": "0x4",
        "min": "0x0",
        "max": "0xffff",
        "expect": {"ret": 0, "start": "0x0"},
    },
    {
        "op": "mtree_alloc_rrange",
        "entry": 8,
        "size": "0x4",
        "min": "0x0",
        "max": "0xffff",
        "expect": {"ret": 0, "start": "0xfffc"},
    },
    {
        "op": "mtree_alloc_cyclic",
        "entry": 9,
        "min": "0x0",
        "max": "0xffff",
        "next": "0x6",
        "expect": {"ret": 0, "start": "0x6", "next": "0x7"},
    },
    {"op": "mt_find", "index": "0x8", "max": "0xffff", "expect": {"entry": 1, "index": "0x18"}},
    {"op": "mt_find_after", "index": "0x18", "max": "0xffff", "expect": {"entry": 2, "index": "0x28"}},
    {"op": "mt_next", "index": "0x10", "max": "0xffff", "expect": {"entry": 2}},
    {"op": "mt_prev", "index": "0x10", "min": "0x0", "expect": {"entry": 9}},
    {"op": "mtree_dup", "into": 1, "expect": {"ret": 0}},
    {"op": "__mt_dup", "into": 2, "expect": {"ret": 0}},
    {"op": "__mt_destroy", "tree": 2},
    {"op": "mt_clear_in_rcu"},
    {"op": "mt_set_in_rcu"},
    {"op": "rcu_read_lock"},
    {"op": "rcu_read_unlock"},
    {"op": "rcu_barrier"},
    {"op": "mas_init", "index": "0x10", "cursor": 1},
    {
        "op": "mas_walk",
        "cursor": 1,
        "expect": {"entry": 1, "index": "0x10", "last": "0x17", "status": "active"},
    },
    {"op": "mas_next", "max": "0xffff", "cursor": 1, "expect": {"entry": 2, "index": "0x20", "last": "0x27"}},
    {
        "op": "mas_next_range",
        "max": "0xffff",
        "cursor": 1,
        "expect": {"entry": None, "index": "0x28", "last": "0x2f"},
    },
    {
        "op": "mas_prev_range",
        "min": "0x0",
        "cursor": 1,
        "expect": {"entry": 2, "index": "0x20", "last": "0x27"},
    },
    {"op": "mas_prev", "min": "0x0", "cursor": 1, "expect": {"entry": 1, "index": "0x10", "last": "0x17"}},
    {"op": "mas_pause", "cursor": 1},
    {"op": "mas_find", "max": "0xffff", "cursor": 1, "expect": {"entry": 2, "index": "0x20", "last": "0x27"}},
    {
        "op": "mas_find_range",
        "max": "0xffff",
        "cursor": 1,
        "expect": {"entry": None, "index": "0x28", "last": "0x2f"},
    },
    {"op": "mas_reset", "cursor": 1},
    {"op": "mas_set", "index": "0x48", "cursor": 1},
    {
        "op": "mas_find_rev",
        "min": "0x0",
        "cursor": 1,
        "expect": {"entry": 4, "index": "0x40", "last": "0x47"},
    },
    {
        "op": "mas_find_range_rev",
        "min": "0x0",
        "cursor": 1,
        "expect": {"entry": None, "index": "0x38", "last": "0x3f"},
    },
    {"op": "mas_set", "index": "0x0", "cursor": 1},
    {
        "op": "mas_empty_area",
        "min": "0x20",
        "max": "0xffff",
        "size": "0x8",
        "cursor": 1,
        "expect": {"ret": 0, "index": "0x28", "last": "0x2f"},
    },
    {"op": "mas_set", "index": "0x0", "cursor": 1},
    {
        "op": "mas_empty_area_rev",
        "min": "0x20",
        "max": "0xffff",
        "size": "0x8",
        "cursor": 1,
        "expect": {"ret": 0, "index": "0xfff4", "last": "0xfffb"},
    },
    {"op": "mas_store_gfp", "entry": 50, "cursor": 1, "expect": {"ret": 0}},
    {"op": "mas_set_range", "first": "0x9000", "last": "0x90ff", "cursor": 1},
    {"op": "mas_preallocate", "entry": 51, "cursor": 1, "expect": {"ret": 0}},
    {"op": "mas_store_prealloc", "entry": 51, "cursor": 1},
    {"op": "mas_set_range", "first": "0x9100", "last": "0x91ff", "cursor": 1},
    {"op": "mas_walk", "cursor": 1, "expect": {"entry": None}},
    {"op": "__mas_set_range", "first": "0x9100", "last": "0x91ff", "cursor": 1},
    {"op": "mas_store_gfp", "entry": 52, "cursor": 1, "expect": {"ret": 0}},
    {"op": "mas_set", "index": "0x9150", "cursor": 1},
    {"op": "mas_erase", "cursor": 1, "expect": {"entry": 52}},
    {"op": "mas_set", "index": "0x0", "cursor": 1},
    {
        "op": "mas_alloc_cyclic",
        "entry": 53,
        "min": "0x0",
        "max": "0xffff",
        "next": "0x0",
        "cursor": 1,
        "expect": {"ret": 0, "start": "0x4", "next": "0x5"},
    },
    {"op": "mas_set", "index": "0x9000", "cursor": 1},
    {
        "op": "mas_for_each",
        "max": "0xffff",
        "cursor": 1,
        "expect": {"entries": [["0x9000", "0x90ff", 51], ["0xfff4", "0xfffb", 50], ["0xfffc", "0xffff", 8]]},
    },
    {"op": "mtree_destroy"},
    {"op": "snapshot", "expect": {"entries": []}},
    {"op": "mt_clear_in_rcu"},
    {"op": "mas_set", "index": "0x0", "cursor": 1},
    {"op": "mas_expected_entries", "count": 21, "cursor": 1, "expect": {"ret": 0}},
    {"op": "mas_fill", "first": "0x0", "stride": "0x10", "length": "0x8", "count": 20, "cursor": 1},
    {"op": "mas_set_range", "first": "0x140", "last": "0x147", "cursor": 1},
    {"op": "mas_store", "entry": 21, "cursor": 1, "expect": {"ret": 0}},
    {"op": "mas_destroy", "cursor": 1},
    {"op": "mtree_load", "index": "0x141", "expect": {"entry": 21}},
]
"""Every operation that 6.12 has, with answers that Documentation/core-api/maple_tree.rst lets one expect."""


def written(folder: Path, steps: list[dict[str, object]], name: str = "every-operation") -> Path:
    header = {"format": "mapleproof-case", "version": 1, "subject": "maple_tree", "name": name}
    header |= {"tree": {"alloc_range": True, "rcu": True}, "origin": "a test"}
    path = folder / f"{name}.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in [header, *steps]))
    return path


@pytest.mark.late
def test_it_fails_where_the_case_fails_and_only_there(harness: Harness, tmp_path: Path) -> None:
    """Cases that Linux 6.12 breaks, one that only 6.1 does, and one with every operation that there is."""
    assert {str(step["op"]) for step in EVERY} >= set(CALLS)
    every = written(tmp_path, EVERY)
    assert CliRunner().invoke(main, ["replay", str(every), "--level", "documented"]).exit_code == status.HOLDS
    code, said = harness.run(c_test(every), c_test(FINDINGS / "find-rev-of-bare-entry.jsonl"))
    assert code == 0
    passed, _, run = said.strip().splitlines()[-1].partition(" of ")
    assert passed == run
    assert int(run) > 60
    for name in ("insert-over-everything", "next-after-first-store"):
        code, said = harness.run(c_test(FINDINGS / f"{name}.jsonl"))
        assert code != 0
        assert f"check_{name.replace('-', '_')}: Assertion" in said


def test_what_no_test_there_can_make_is_one_line(tmp_path: Path) -> None:
    """Readers beside a writer, refused memory, a case that expects nothing."""
    for name, told in (("find-past-limit", "a reader beside a writer"), ("retry-as-it-stands", "is refused")):
        result = show(FINDINGS / f"{name}.jsonl", "--c")
        assert result.exit_code == status.BAD_INPUT
        assert re.match(rf"\S+{name}\.jsonl:\d+: .*{told}", result.stderr)
        assert len(result.stderr.splitlines()) == 1
    nothing = written(tmp_path, [{"op": "mtree_load", "index": "0x5"}], "nothing")
    assert "a test of it could not fail" in show(nothing, "--c").stderr
    assert show(nothing, "--c", "--mail").exit_code == status.BAD_INPUT


AT = 0x10000000000


def space_case(folder: Path, last: int) -> Path:
    """A fork whose child sees what was written before, writes, and is not seen; `last` is read then."""

    def at(op: str, start: int, space: int = 0, **more: object) -> dict[str, object]:
        return {"op": op, "space": space, "start": f"{AT + start * 4096:#x}", **more}

    size = {"size": "0x4000"}
    rows = [[f"{AT:#x}", f"{AT + 0xFFF:#x}", 3], [f"{AT + 0x2000:#x}", f"{AT + 0x3FFF:#x}", 3]]
    steps = [
        at("mmap", 0, flags=3, file=None, expect={"ret": 0}, **size),
        at("write", 0, entry=7, expect={"ret": 0}),
        at("munmap", 1, size="0x1000", expect={"ret": 0}),
        {"op": "fork", "space": 0, "into": 1, "recovery": "unmap_in_place", "expect": {"ret": 0}},
        at("read", 0, 1, expect={"ret": 0, "entry": 7}),
        at("write", 0, 1, entry=8, expect={"ret": 0}),
        at("read", 0, expect={"ret": 0, "entry": last}),
        {"op": "vmas", "space": 1, "expect": {"entries": rows}},
        at("mprotect", 0, size="0x2000", flags=1, expect={"ret": -12}),
        at("madvise", 2, size="0x1000", advice="dontfork", expect={"ret": 0}),
        at("mremap", 3, size="0x1000", to=f"{AT + 0x9000:#x}", new_size="0x1000", expect={"ret": 0}),
        {"op": "exit", "space": 1, "expect": {"ret": 0}},
        at("touch", 2, size="0x1000", expect={"ret": 0}),
    ]
    header = {"format": "mapleproof-case", "version": 1, "subject": "address_space", "name": f"reads {last}"}
    header |= {"space": {"tiny": False, "five_levels": False, "hugepd": False}, "origin": "a test"}
    path = folder / f"{last}.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in [header, *steps]))
    return path


def test_a_case_about_address_spaces_is_a_self_test(tmp_path: Path) -> None:
    """Built beside the kernel's own header, run on the kernel that runs: it fails at the wrong step alone."""
    tree = tree_of("6.12")
    header = tree / SELF_TESTS / "kselftest.h"
    if not header.is_file():
        pytest.skip(f"no {header}")
    (tmp_path / "mm").mkdir()
    (tmp_path / "kselftest.h").write_text(header.read_text())
    said = {}
    for entry in (7, 9):
        source = tmp_path / "mm" / f"case_{entry}.c"
        result = show(space_case(tmp_path, entry), "--c")
        assert result.exit_code == status.HOLDS, result.stderr
        source.write_text(result.stdout)
        include = ["-I", str(tree / "tools/include/uapi")]
        subprocess.run(
            ["gcc", "-Wall", "-Werror", *include, "-o", source.stem, source], cwd=tmp_path, check=True
        )
        run = subprocess.run(
            [tmp_path / source.stem], capture_output=True, text=True, timeout=30, check=False
        )
        said[entry] = run.returncode, run.stdout
    assert said[7][0] == 0
    assert "ok 1 reads 7" in said[7][1]
    assert said[9][0] == 1
    assert "# step 7: read(" in said[9][1]
    assert "not ok 1 reads 9" in said[9][1]


def test_the_report_names_the_kernels_and_since_when() -> None:
    """Every line fits a mail; the first says what, the last how to see it."""
    for family in ("6.1", "6.12"):
        tree_of(family)
    result = show(FINDINGS / "next-after-first-store.jsonl", "--mail")
    assert result.exit_code == status.DIFFERS, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0] == "Subject: maple_tree: wrong answer in mas_next"
    own, _, test = result.stdout.partition("As a test for")
    assert max(map(len, own.splitlines())) <= 72
    assert re.search(r"Linux 6\.1\.\d+: as promised", own)
    assert re.search(r"Linux 6\.12\.\d+: wrong answer in mas_next", own)
    assert re.search(r"It came between Linux 6\.1\.\d+ and 6\.12\.\d+\.", own)
    assert "expected  entry=2, index=0x5, last=0x9" in own
    assert "check_next_after_first_store" in test
    assert show(FINDINGS / "find-rev-of-bare-entry.jsonl", "--mail").stdout.count("since") == 0
