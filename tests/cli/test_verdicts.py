"""What a command says, and what it ends with: command, condition, exit status, last line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from mapleproof.cli import status
from mapleproof.cli.cli import main
from mapleproof.cli.kernel import seed_table
from mapleproof.cli.outcome import Item, Outcome, State, sentence
from mapleproof.cli.prove_view import claim_table
from mapleproof.cli.recovery_table import recovery_tables
from mapleproof.impl.kernel.mistakes import SEEDS
from mapleproof.impl.mm.promises import CHARGE, PROMISES, TABLES
from mapleproof.impl.mm.recovery import RECOVERIES, undo_v3, unmap_in_place
from mapleproof.proofs.engine.claim import Judged
from mapleproof.proofs.registry import CLAIMS
from mapleproof.props.common.planting import Edit, Seed, planted
from mapleproof.props.job import schedule, units
from mapleproof.props.job.kernel_seeds import Found
from mapleproof.props.job.options import Options, asked

ROOT = Path(__file__).parents[2]
CASES = ROOT / "tests" / "maple" / "cases"
SEEDED = "G01_lower_bound_ignored"
UNTIL_FOUND = ("--seconds", "60", "--failures", "1")
"""Until the mistake that is planted is met, however busy the machine is."""

Check = Callable[..., Result]

QUICK_CLAIM = "dup_is_linear"

SHORT = ("--seconds", "0", "--jobs", "1", "--seed", "0")


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def last_line(result: Result) -> str:
    return result.stdout.splitlines()[-1]


@pytest.fixture
def check(tmp_path: Path) -> Callable[..., Result]:
    return lambda *arguments: run("check", *SHORT, "--out", tmp_path, *arguments)


TABLE = [
    (("--lane", "bulk"), 0, r"Holds over [\d,]+ operations\."),
    (("--lane", "bulk", "--lane", "machine"), 0, r"Holds over [\d,]+ operations\."),
    (
        ("--recovery", "unmap_in_place"),
        0,
        r"Holds over [\d,]+ failed forks under 1 recovery\.",
    ),
    (
        ("--recovery", "undo_v3"),
        0,
        r"Holds over [\d,]+ failed forks under 1 recovery; 3 known flaws are as known\.",
    ),
    (
        ("--lane", "bulk", "--seeded", SEEDED, *UNTIL_FOUND),
        1,
        r"Broken: bulk \(wrong answer in m.*\); the case is .*-[0-9a-f]{8}\.jsonl\.",
    ),
    (
        ("--seeded", "F06_ceiling_as_tree_limit"),
        1,
        r"Broken: unmap_in_place: .*; the rest holds over [\d,]+ failed forks under 1 recovery; .*",
    ),
    (("--lane", "live"), 3, r"No answer: live \(it needs --port live\)\."),
    (
        ("--lane", "bulk", "--lane", "live"),
        3,
        r"No answer: live \(it needs --port live\); the rest holds over [\d,]+ operations\.",
    ),
    (
        ("--port", "live", "--lane", "fork"),
        3,
        r"No answer: fork .* \(recoveries belong to the fork .*",
    ),
    (
        ("--port", "live", "--recovery", "undo_v3"),
        3,
        r"No answer: fork undo_v3 \(recoveries belong .*",
    ),
    (("--port", "live", "--lane", "bulk"), 3, r"No answer: bulk \(the port live has no maple trees.*"),
]
"""Options, exit status, last line."""


@pytest.mark.parametrize(("options", "code", "line"), TABLE)
def test_the_last_line_is_the_verdict(check: Check, options: tuple[str, ...], code: int, line: str) -> None:
    result = check(*options)
    assert result.exit_code == code, result.output
    assert re.fullmatch(line, last_line(result)), last_line(result)


BAD_USAGE = [
    (("check", "--lane", "bulk", "--recovery", "undo_v3"), "--recovery is for the lane fork"),
    (("check", "--bench", __file__), "--bench is for --report"),
    (("check", "--ktap", "--json", "-"), "both want standard output"),
    (("check", "--proofs", "--seeded", SEEDED), "--seeded changes it"),
    (("check", "--lane", "bulk", "--maps", "1"), "--maps is for the lanes spaces and fork"),
    (("check", "--sanitize", "address"), "--sanitize and --debug are for the port kernel:PATH"),
    (("check", "--seconds", "nan"), "is no time"),
    (("check", "--seconds", "inf"), "is no time"),
    (("check", "--seconds", "-1"), "is no time"),
    (("check", "--seconds", "soon"), "is no number"),
    (("check", "--port", "impl", "--port", "live"), "--port is given twice"),
    (("replay", "any.jsonl", "--port", "impl", "--port", "model"), "--port is given twice"),
    (("check", "--lane", "bulc"), "did you mean bulk?"),
    (("check", "--recovery", "unmap_in_plce"), "did you mean unmap_in_place?"),
    (("check", "--port", "imple"), "did you mean impl?"),
    (("check", "--seeded", SEEDED[:-1]), f"did you mean {SEEDED}?"),
    (("prove", "undo_exct"), "did you mean undo_exact?"),
    (("chekc",), "Did you mean 'check'?"),
    (("check", "--secnds", "1"), "'--seconds'"),
    (("check", "--json", "/no/such/folder/x.json"), "/no/such/folder"),
    (("check", "--report", "/no/such/folder/x.html"), "/no/such/folder"),
    (("prove", "recoveries_agree", "--out", "/proc/nowhere"), "/proc/nowhere"),
    (("replay", "/no/such/case.jsonl"), "/no/such/case.jsonl"),
    (("campaign", str(ROOT), "--for", "1s"), "not empty, and there is no campaign in it"),
]


@pytest.mark.parametrize(("arguments", "told"), BAD_USAGE)
def test_bad_usage_is_told_before_anything_is_done(arguments: tuple[str, ...], told: str) -> None:
    result = run(*arguments)
    assert result.exit_code == status.BAD_INPUT, result.output
    assert told in result.stderr
    assert not result.stdout


MISTAKES = {
    "the unlink after the own anon_vma was refused is left out": Edit(
        "impl.mm.rmap:fork_anon_vma",
        "        unlink_anon_vmas(machine, vma)\n        return False\n    return True",
        "        return False\n    return True",
    ),
    "open() is left out": Edit("impl.mm.fork:_link", "        file.opened += 1\n", ""),
    "the policy is not put": Edit("impl.mm.fork:_give_up", "    put_policy(job.child, new)\n", ""),
    "page tables are copied for every VMA": Edit(
        "impl.mm.fork:_link", "    elif new.anon_vma is None:\n        return True\n", ""
    ),
}
"""Mistakes in what all recoveries share: none may be green, whichever recovery is judged."""


@pytest.mark.parametrize("what", MISTAKES)
def test_a_mistake_in_the_shared_code_of_fork_is_no_known_flaw(what: str, check: Check) -> None:
    with planted(Seed("mistake", "", what, (MISTAKES[what],), "fork")):
        result = check("--recovery", "bulk_insert")
    assert result.exit_code == status.DIFFERS, result.output
    assert last_line(result).startswith("Broken: bulk_insert: ")


def test_a_flaw_that_is_not_known_is_a_failure(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    known = {promise: why for promise, why in undo_v3.UndoV3.known.items() if promise != TABLES}
    monkeypatch.setattr(undo_v3.UndoV3, "known", known)
    result = check("--recovery", "undo_v3")
    assert result.exit_code == status.DIFFERS
    assert last_line(result).startswith(f"Broken: undo_v3: {TABLES}; the rest holds over ")


def test_a_known_flaw_that_does_not_show_is_a_failure(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unmap_in_place.UnmapInPlace, "known", {CHARGE: "a reason"})
    result = check("--recovery", "unmap_in_place")
    assert result.exit_code == status.DIFFERS
    assert last_line(result).startswith(f"Held against what is known: unmap_in_place: {CHARGE}; the rest ")


def test_every_recovery_says_why() -> None:
    for recovery in RECOVERIES.values():
        assert all(len(reason) > 20 for reason in recovery.known.values())


def test_rounds_go_over_all_before_a_second_one_begins() -> None:
    options = Options()
    parts = asked(options)
    first = next(schedule.rounds(options, parts))
    names = [(task.lane, task.recovery) for task in first]
    assert set(names) == {(part.lane, part.recovery) for part in parts}
    broken = [bool(recovery and RECOVERIES[recovery].known) for _, recovery in names]
    assert broken == sorted(broken), "what is known to be broken comes last"
    for part in parts:
        numbers = [task.number for task in first if (task.lane, task.recovery) == (part.lane, part.recovery)]
        assert numbers == list(range(len(numbers))), "units of a part come in their order"


def test_all_that_maps_names_is_in_the_first_round(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_text("1000-2000 r--p 0 0:0 0\n")
    maps = [word for name in "ab" for word in ("--maps", str(tmp_path / name))]
    figures = tmp_path / "figures.json"
    options = ("--lane", "spaces", *SHORT, "--out", tmp_path, "--json", figures)
    assert run("check", *options, *maps).exit_code == 0
    assert json.loads(figures.read_text())["lanes"]["spaces"]["units"] == 2


def test_who_does_nothing_does_not_hold(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(units.LANES, "bulk", units.Lane(lambda task, done: None))
    result = check("--lane", "bulk")
    assert result.exit_code == status.NO_ANSWER
    assert last_line(result).startswith("No answer: bulk")


def test_a_mistake_of_the_suite_is_no_difference(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(task: units.Task, done: units.Done) -> None:
        raise ValueError("of the suite")

    monkeypatch.setitem(units.LANES, "bulk", units.Lane(wrong))
    result = check("--lane", "bulk")
    assert result.exit_code == status.SUITE_FAILED
    assert last_line(result) == "The suite itself went wrong in bulk."
    assert "Traceback" not in result.output
    (path,) = re.findall(r"the traceback is in (\S+)", result.stderr)
    assert "ValueError: of the suite" in Path(path).read_text()


def test_an_exception_out_of_what_is_tested_is_a_difference(check: Check, tmp_path: Path) -> None:
    """Where no port was there to catch it: the nodes that are left are counted when the run is over."""
    (tmp_path / "maps").write_text("1000-2000 r--p 0 0:0 0\n")
    mistake = Edit("impl.maple.tree:MapleTree.live_nodes", "return ", "return {}[1] or ")
    with planted(Seed("mistake", "", "", (mistake,))):
        result = check("--lane", "spaces", "--maps", str(tmp_path / "maps"))
    assert result.exit_code == status.DIFFERS
    assert last_line(result) == "Broken: spaces (KeyError in live_nodes)."


def test_a_crash_of_the_command_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> None:
        raise RuntimeError("no good")

    monkeypatch.setattr("mapleproof.cli.check._check", crash)
    result = run("check")
    assert result.exit_code == status.SUITE_FAILED
    (line,) = result.stderr.splitlines()
    told = re.fullmatch(
        r"mapleproof itself went wrong: RuntimeError: no good; the traceback is in (\S+)", line
    )
    assert told
    assert "in crash" in Path(told[1]).read_text()


def test_a_seed_is_drawn_and_printed(tmp_path: Path) -> None:
    options = ("--seconds", "0", "--jobs", "1", "--lane", "bulk", "--out", tmp_path)
    seeds = {run("check", *options).stdout.splitlines()[0] for _ in range(2)}
    assert len(seeds) == 2
    assert all(re.fullmatch(r"seed \d+", line) for line in seeds)
    assert run("check", *options, "--seed", "7").stdout.splitlines()[0] == "seed 7"


def test_figures_on_standard_output_are_alone_there(check: Check) -> None:
    result = check("--lane", "bulk", "--json", "-")
    figures = json.loads(result.stdout)
    assert figures["status"] == 0
    assert "Holds over" in result.stderr


def test_what_is_not_ours_is_not_written_over(check: Check, tmp_path: Path) -> None:
    mine = tmp_path / "mine.json"
    case = next(CASES.rglob("*.jsonl"))
    mine.write_bytes(case.read_bytes())
    for option in ("--json", "--report", "--junit"):
        result = check("--lane", "bulk", option, str(mine))
        assert result.exit_code == status.BAD_INPUT
        assert "mapleproof did not write" in result.stderr
    assert mine.read_bytes() == case.read_bytes()
    assert run("show", case, "--html", mine).exit_code == status.BAD_INPUT


def test_what_is_ours_is_written_anew(check: Check, tmp_path: Path) -> None:
    figures, junit, page = (tmp_path / name for name in ("f.json", "f.xml", "f.html"))
    files = ("--json", str(figures), "--junit", str(junit), "--report", str(page))
    for _ in range(2):
        assert check("--lane", "bulk", *files).exit_code == 0
    assert json.loads(figures.read_text())["status"] == 0
    assert "check: all holds" in page.read_text()


def test_a_page_says_what_was_not_done(check: Check, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert check("--lane", "live", "--report", str(page)).exit_code == status.NO_ANSWER
    text = page.read_text()
    assert "check: no answer" in text
    assert "it needs --port live" in text


def test_where_cases_cannot_be_written_the_finding_stays() -> None:
    out = "/proc/nowhere"
    result = run("check", *SHORT, "--lane", "bulk", "--seeded", SEEDED, *UNTIL_FOUND, "--out", out)
    assert result.exit_code == status.DIFFERS
    assert "cases go to a temporary folder" in result.stderr
    case, *_ = re.findall(r"mapleproof replay (\S+) --seeded", result.stdout)
    assert not case.startswith(out)
    assert run("replay", case, "--seeded", SEEDED).exit_code == status.DIFFERS


def test_a_case_is_named_by_what_it_shows(check: Check, tmp_path: Path) -> None:
    check("--lane", "bulk", "--seeded", SEEDED, *UNTIL_FOUND)
    cases = list(tmp_path.glob("*.jsonl"))
    assert cases
    assert all(re.fullmatch(r"wrong-answer-in-m\w+-[0-9a-f]{8}", case.stem) for case in cases)


def test_junit_agrees_with_the_exit_status(check: Check, tmp_path: Path) -> None:
    path = tmp_path / "junit.xml"
    options = ("--recovery", "undo_v3", "--lane", "live", "--lane", "fork")
    assert check(*options, "--junit", str(path)).exit_code == status.NO_ANSWER
    (suite,) = ElementTree.parse(path).getroot()
    assert (suite.get("failures"), suite.get("errors")) == ("0", "0")
    skipped = suite.findall(".//skipped")
    assert len(skipped) == int(suite.get("skipped", 0)) == 4
    assert {one.get("type") for one in skipped} == {"xfail", "no answer"}
    assert len(suite.findall("testcase")) == int(suite.get("tests", 0))


def test_replay_says_what_holds(tmp_path: Path) -> None:
    cases = sorted(CASES.rglob("*.jsonl*"))[:2]
    junit = tmp_path / "junit.xml"
    result = run("replay", *cases, "--junit", junit)
    assert result.exit_code == 0
    assert re.fullmatch(r"Holds over [\d,]+ steps of 2 cases on impl\.", last_line(result))
    assert ElementTree.parse(junit).getroot()[0].get("tests") == "2"


def test_prove_says_what_is_proved(tmp_path: Path) -> None:
    junit = tmp_path / "junit.xml"
    result = run("prove", QUICK_CLAIM, "--json", "-", "--junit", junit, "--out", tmp_path)
    assert result.exit_code == 0
    assert json.loads(result.stdout)["claims"][0]["verdict"] == "proved"
    line = result.stderr.splitlines()[-1]
    assert re.fullmatch(r"Holds over 1 claim proved within bounds, \d+ twins? refuted\.", line)
    assert ElementTree.parse(junit).getroot()[0].get("tests") == "1"


@pytest.mark.parametrize(
    ("states", "code", "line"),
    [
        ((), 3, "No answer: nothing was done."),
        ((State.HOLDS,), 0, "Holds over much."),
        ((State.KNOWN,), 0, "Holds over much; 1 known flaw is as known."),
        ((State.HOLDS, State.BROKEN), 1, "Broken: thing 1 (why); the rest holds over much."),
        (
            (State.MENDED, State.KNOWN),
            1,
            "Held against what is known: thing 0 (why); the rest holds over much; ",
        ),
        ((State.OPEN, State.HOLDS), 3, "No answer: part 0 (why); the rest holds over much."),
        ((State.FAILED, State.HOLDS), 70, "The suite itself went wrong in part 0; the rest holds over much."),
        (
            (State.FAILED, State.OPEN, State.BROKEN),
            1,
            "Broken: thing 2 (why); the suite itself went wrong in ",
        ),
        ((State.ABSENT, State.HOLDS), 0, "Holds over much; not of this kernel: thing 0."),
        ((State.ABSENT, State.OPEN), 3, "No answer: part 1 (why); not of this kernel: thing 0."),
        ((State.ABSENT, State.ABSENT), 3, "No answer: not of this kernel: thing 0, thing 1."),
    ],
)
def test_an_outcome_and_its_last_line_agree(states: tuple[State, ...], code: int, line: str) -> None:
    outcome = Outcome([Item(f"part {n}", f"thing {n}", state, short="why") for n, state in enumerate(states)])
    assert outcome.status == code
    assert sentence(outcome, "much", "folder").startswith(line)
    outcome.interrupted = True
    assert outcome.status == status.INTERRUPTED
    assert sentence(outcome, "much", "folder").startswith("Interrupted after 0 s")


def test_tables_fit_eighty_columns(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when piped, and without a word cut: of lanes, of all recoveries, and of claims."""
    monkeypatch.delenv("COLUMNS", raising=False)
    console = Console(file=StringIO(), record=True)
    items = [
        Item(f"fork {name}", f"{name}: {promise}", State.HOLDS) for name in RECOVERIES for promise in PROMISES
    ]
    for part in recovery_tables(console, items):
        console.print(part)
    claims = [Judged(claim, "inconclusive", 12_345, 123_456, 1234.5) for claim in CLAIMS.values()]
    console.print(claim_table(claims))
    sort = "wrong answer in mtree_alloc_rrange"
    console.print(seed_table([Found(seed, None, sort, 12, 1_234_567, 12.3) for seed in SEEDS]))
    told = console.export_text()
    assert all(promise in told for promise in PROMISES)
    assert all(name in told for name in CLAIMS)
    told += check("--lane", "bulk", "--lane", "canaries", "--lane", "live").stdout.partition("events met")[0]
    sentences = ("requests ", "never ", "not met")
    lines = [line for line in told.splitlines() if not line.startswith(sentences)]
    assert len(lines) > 40
    assert max(map(len, lines)) <= 80, max(lines, key=len)
    assert "…" not in told


def test_no_python_object_is_printed(check: Check, tmp_path: Path) -> None:
    result = check("--recovery", "exit_marker_v2", "--verbose")
    shown = result.output + "".join(
        run("replay", case).output + run("show", case).output for case in tmp_path.glob("*.jsonl")
    )
    assert "mapleproof replay" in shown
    assert not re.search(r"ABSENT|Answer\(|Alarm\(|KeyError|<\w+ object|\b[A-Z][a-z]+[A-Z]\w+\(", shown)


BISECT = [
    (("check", "--port", "kernel:/no/such/tree"), 125),
    (("check", "--lane", "live", "--seconds", "0"), 125),
    (("check", "--lane", "nonsense"), 125),
    (("check", "--lane", "bulk", *SHORT), 0),
    (("check", "--lane", "bulk", "--seeded", SEEDED, *SHORT, *UNTIL_FOUND), 1),
    (("replay", "/no/such/case.jsonl"), 125),
    (("replay", "any.jsonl", "--port", "kernel:/no/such/tree"), 125),
    (("prove", "nonsense"), 125),
]
"""A command with --bisect, and what `git bisect run` is told: good, bad, or skip."""


@pytest.mark.parametrize(("arguments", "code"), BISECT)
def test_a_bisection_is_told_of_verdicts_alone(arguments: tuple[str, ...], code: int, tmp_path: Path) -> None:
    out = ("--out", str(tmp_path)) if arguments[0] == "check" else ()
    assert run(*arguments, *out, "--bisect").exit_code == code
