"""Both sides of a change of our own sources under the judge of the state before the series.

The judge is all but what is tested: model, properties, proofs, cases. It stays that of the base, so that no
change of the judge can make itself green; a side's `impl/maple`, `impl/mm` and `impl/failure.py` take the
place of the judge's, in a folder of its own. There the sources run, uncompiled, in processes of their own.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from mapleproof.props.common.files import FORMAT
from mapleproof.props.common.found import safe_name
from mapleproof.props.job.options import FORK
from mapleproof.review import own_lot
from mapleproof.review.gitwork import ReviewError
from mapleproof.review.sides import SORTS, Shown, Tried
from mapleproof.review.trees import IMPL, Side, linked

PARTS = (
    "model",
    "impl",
    "props",
    "proofs",
    "mapleproof",
    "tests/maple/cases",
    "tests/mm/cases",
    "pyproject.toml",
)
"""What of a checkout a judge needs."""

LOADED = """
import importlib, pkgutil, sys
import mapleproof.impl.maple, mapleproof.impl.mm, mapleproof.props.job.check
for package in (mapleproof.impl.maple, mapleproof.impl.mm):
    for one in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        print(importlib.import_module(one.name).__file__)
"""

PATIENCE = 300.0
"""Seconds that a part may take beyond the time that it was given."""

CASES = "cases"
"""The lane of cases that were found before and are kept."""

LINES_TOLD = 14


class Ran(NamedTuple):
    """What a process came to: its exit status and what it has said."""

    returncode: int
    stdout: str
    stderr: str


class Unfit(ReviewError):
    """A side cannot be driven, or a process came to no end: what was said last."""


@dataclass(slots=True)
class Judged:
    """A side with the judge of the base, in a folder of its own."""

    side: Side
    folder: Path
    out: Path
    said: dict[str, str] = field(default_factory=dict)

    @staticmethod
    def made(side: Side, base: Side, folder: Path, out: Path) -> Judged:
        """Lay it out."""
        linked(base.folder, folder, PARTS)
        for path in IMPL:
            shutil.rmtree(folder / path, ignore_errors=True)
            (folder / path).unlink(missing_ok=True)
        linked(side.folder, folder, [path.rstrip("/") for path in IMPL])
        return Judged(side, folder, out)

    def run(self, *words: str, seconds: float, patience: float = PATIENCE) -> Ran:
        """A Python process on this side. Raises Unfit where it comes to no end."""
        environment = os.environ | {"PYTHONPATH": str(self.folder), "MAPLEPROOF_PURE": "1"}
        with subprocess.Popen(
            [sys.executable, *words],
            env=environment,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                out, errors = process.communicate(timeout=seconds + patience)
            except BaseException as error:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)  # and those that it has started
                if isinstance(error, subprocess.TimeoutExpired):
                    raise Unfit(f"comes to no end in {seconds + patience:.0f} s") from None
                raise
        return Ran(process.returncode, out, errors)

    def load(self) -> None:
        """Import all that is tested. Raises Unfit where that fails, or something else would be tested."""
        done = self.run("-c", LOADED, seconds=0)
        if done.returncode:
            raise Unfit(_last(done.stderr))
        for file in done.stdout.split():
            if not Path(file).is_relative_to(self.folder):
                raise Unfit(f"{file} would be tested, which is not of this side")

    def lot(self, *words: str, seconds: float, patience: float = PATIENCE) -> Any:
        """What `own_lot.py` says. Raises Unfit where it fails."""
        done = self.run(own_lot.__file__, *words, seconds=seconds, patience=patience)
        try:
            return json.loads(done.stdout)
        except ValueError:
            raise Unfit(_last(done.stderr)) from None

    def check(self, seconds: float, jobs: int, seed: int) -> Tried:
        """The main job. What has no case is told too. Raises Unfit."""
        figures = self.folder / "figures.json"
        words = (
            "check",
            "--no-proofs",
            "--seconds",
            seconds,
            "--jobs",
            jobs,
            "--seed",
            seed,
            "--failures",
            SORTS,
        )
        done = self.run(
            *("-m", "mapleproof", *map(str, words), "--json", str(figures), "--out", str(self.out)),
            seconds=seconds,
        )
        if not figures.is_file():
            raise Unfit(_last(done.stderr))
        found = json.loads(figures.read_text())
        tried = Tried({name: lane["operations"] for name, lane in found["lanes"].items()})
        for failure in found["failures"]:
            case = Path(failure["case"]) if failure["case"] else None
            told = self.told(case) if case else (failure["what"],)
            tried.shown[failure["what"]] = Shown(failure["what"], "check", case, told, failure["steps"])
        for verdict in found["verdicts"]:
            if not verdict["holds"]:
                sort = f"{verdict['recovery']}: {verdict['promise']}"
                case = Path(verdict["case"]) if verdict["case"] else None
                tried.shown[sort] = Shown(sort, FORK, case, (sort, verdict["what"]), verdict["steps"])
        return tried

    def fails(self, cases: Sequence[Path]) -> dict[Path, str]:
        """Those of these cases that fail on this side, and how. Raises Unfit."""
        if not cases:
            return {}
        figures = self.folder / "replayed.json"
        figures.unlink(missing_ok=True)
        done = self.run(
            *("-m", "mapleproof", "replay", *map(str, cases), "--json", str(figures)), seconds=len(cases)
        )
        if not figures.is_file():
            raise Unfit(_last(done.stderr))
        found = json.loads(figures.read_text())["cases"]
        return {Path(one["case"]): one["what"] for one in found if one["state"] == "broken"}

    def told(self, case: Path) -> tuple[str, ...]:
        """A case that fails on this side, in a few lines."""
        done = self.run("-m", "mapleproof", "replay", str(case), seconds=0)
        return tuple(done.stdout.splitlines()[:-1][:LINES_TOLD])

    def kept_cases(self) -> list[Path]:
        """The cases that come with the judge."""
        found = sorted((self.folder / "tests").glob("*/cases/**/*.jsonl*"))
        return [path for path in found if _is_case(path)]

    def keep(self, case: Path) -> Path:
        """A case of the judge's own, where it is still there afterwards."""
        self.out.mkdir(parents=True, exist_ok=True)
        name = case.name.partition(".jsonl")[0]
        kept = self.out / f"{safe_name(name)}{case.name.removeprefix(name)}"
        shutil.copyfile(case, kept)
        return kept.resolve()


def _is_case(path: Path) -> bool:
    content = path.read_bytes()
    head = gzip.decompress(content) if path.suffix == ".gz" else content
    return FORMAT.encode() in head[:200]


def _last(said: str) -> str:
    """The last line of what a process complained of."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[-1] if lines else "it says nothing"
