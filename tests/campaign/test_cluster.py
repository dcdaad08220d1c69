"""On a real Dask cluster, scheduler and workers in processes of their own on loopback, parts of which die."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis.database import DirectoryBasedExampleDatabase

from mapleproof.campaign.ledger import Ledger
from mapleproof.impl.kernel import build, source
from mapleproof.impl.kernel.build import Variant
from mapleproof.impl.kernel.errors import KernelBuildError
from mapleproof.props.job.choose_port import with_variant
from mapleproof.props.job.subjects import read_case
from tests.campaign.test_campaign import SEED, check_whole, start, wait_for_units

pytestmark = pytest.mark.late

SECONDS = 60.0


class Cluster:
    """A scheduler and workers as their users run them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.processes: list[subprocess.Popen[bytes]] = []
        self.workers: list[subprocess.Popen[bytes]] = []
        self.begin()

    def begin(self) -> None:
        self.scheduler = self._run(
            "scheduler", "--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard"
        )

    def add_worker(self) -> None:
        options = ("--nthreads", "1", "--no-dashboard", "--no-nanny", "--local-directory", str(self.folder))
        self.workers.append(self._run("worker", self.address, *options))

    def _run(self, *arguments: str) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "distributed.cli.dask_" + arguments[0], *arguments[1:]]
        with (self.folder / f"{len(self.processes)}.log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        self.processes.append(process)
        return process

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path)
    yield made
    made.close()


class Night:
    """A campaign that runs, and what it prints."""

    def __init__(self, *arguments: object) -> None:
        self.process = start(*arguments)
        self.lines: list[str] = []

    def until(self, text: str) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            if text in line:
                return
        pytest.fail(f"{text!r} was not said: {''.join(self.lines)}")

    def end(self) -> str:
        self.process.send_signal(signal.SIGINT)
        output, _ = self.process.communicate(timeout=90)
        self.lines.append(output)
        assert "Traceback" not in self.told
        return self.told

    @property
    def told(self) -> str:
        return "".join(self.lines)


@pytest.fixture
def night() -> Iterator[Callable[..., Night]]:
    made: list[Night] = []

    def begin(*arguments: object) -> Night:
        made.append(Night(*arguments))
        return made[-1]

    yield begin
    for each in made:
        each.process.kill()
        each.process.communicate()


def units(folder: Path) -> int:
    return sum(figures["units"] for figures in Ledger(folder).figures().values())


def test_a_worker_and_then_the_scheduler_are_killed(
    cluster: Cluster, tmp_path: Path, night: Callable[..., Night]
) -> None:
    """One of two workers with -9; the scheduler with -9, another begun in its place with a new worker."""
    folder = tmp_path / "night"
    cluster.add_worker()
    cluster.add_worker()
    campaign = night(folder, "--scheduler", cluster.address, "--lane", "bulk", "--lane", "layouts")
    wait_for_units(folder, 20, SECONDS)
    cluster.workers[0].kill()
    wait_for_units(folder, units(folder) + 20, SECONDS)
    check_whole(folder)
    cluster.scheduler.kill()
    campaign.until("no scheduler at")
    before = units(folder)
    cluster.begin()
    cluster.add_worker()
    campaign.until("it goes on")
    wait_for_units(folder, before + 20, SECONDS)
    campaign.end()
    assert campaign.process.returncode == 0, campaign.told
    check_whole(folder)
    # What was lost on the way was done again: no hole but what was under way at the end
    for arm in ("bulk", "layouts unmap_in_place"):
        done = Ledger(folder).done(arm)
        assert done[0][0] == 0
        assert sum(end - first for first, end in done) >= 0.5 * done[-1][1]


def test_it_waits_for_workers_and_goes_on_without_a_campaign(
    cluster: Cluster, tmp_path: Path, night: Callable[..., Night]
) -> None:
    """No worker at first; then the campaign is killed, and the cluster serves the next one."""
    folder = tmp_path / "night"
    first = night(folder, "--scheduler", cluster.address, "--lane", "bulk")
    first.until("no worker is there: waiting for one")
    cluster.add_worker()
    wait_for_units(folder, 3, SECONDS)
    first.process.kill()
    first.process.wait()
    check_whole(folder, partial=True)
    before = units(folder)
    second = night(folder, "--scheduler", cluster.address)
    wait_for_units(folder, before + 3, SECONDS)
    second.end()
    check_whole(folder)


def test_a_worker_with_another_version_is_refused(cluster: Cluster, tmp_path: Path) -> None:
    top = Path(__file__).resolve().parents[2]
    other = tmp_path / "other"
    shutil.copytree(top / "mapleproof", other / "mapleproof", ignore=shutil.ignore_patterns("__pycache__"))
    with (other / "mapleproof" / "props" / "job" / "units.py").open("a") as file:
        file.write("\n# another version\n")
    command = [sys.executable, "-m", "distributed.cli.dask_worker", cluster.address, "--no-dashboard"]
    environment = dict(os.environ, PYTHONPATH=str(other))
    with (tmp_path / "other.log").open("wb") as log:
        worker = subprocess.Popen(
            [*command, "--nthreads", "1", "--no-nanny"], env=environment, cwd=other, stdout=log, stderr=log
        )
    cluster.processes.append(worker)
    for _ in range(100):
        process = start(
            tmp_path / "night", "--scheduler", cluster.address, "--for", "1s", "--lane", "layouts"
        )
        output, _ = process.communicate(timeout=60)
        if "no worker is there" not in output:
            break
    assert process.returncode == 2, output
    assert "runs another version of this program" in output
    assert len(output.splitlines()) == 1


# A C port that crashes

CRASHING = "copy-short"
"""A seed with which nine of ten runs of the C tree are a SIGSEGV after a few steps, and the others wrong."""


@pytest.fixture(scope="session")
def crashing() -> str:
    """A kernel's tree that crashes in every unit."""
    try:
        build.compiler()
        path = source.resolve("6.12")
        build.build(path, Variant(seed=CRASHING))
    except KernelBuildError as error:
        pytest.skip(str(error))
    return f"kernel:{path}"


@pytest.mark.parametrize("crashes", [100, pytest.param(1000, marks=pytest.mark.deep)])
def test_a_worker_whose_c_port_crashes_in_every_task(
    cluster: Cluster, crashing: str, tmp_path: Path, night: Callable[..., Night], crashes: int
) -> None:
    """So many forced crashes leave as many whole case files, and the smallest is small."""
    folder = tmp_path / "night"
    cluster.add_worker()
    campaign = night(
        folder, "--scheduler", cluster.address, "--port", crashing, "--seeded", CRASHING, "--lane", "bulk",
        "--keep", "2000",
    )  # fmt: skip
    wait_for_units(folder, crashes * 5 // 4, 4 * SECONDS)
    told = campaign.end()
    assert campaign.process.returncode == 1, told
    check_whole(folder)
    ledger = Ledger(folder)
    (figures,) = ledger.figures().values()
    verdicts = Counter(read_case(path).header.verdict for path in (folder / "found").iterdir())
    assert verdicts["crash"] >= crashes
    assert verdicts.total() == figures["failures"] == len(ledger.findings())
    assert figures["failures"] >= 0.99 * figures["units"]
    assert sum(case["times"] for case in ledger.cases()) == figures["failures"]
    smallest = min(len(read_case(path).steps) for path in (folder / "cases").glob("*SIGSEGV*.jsonl"))
    assert smallest <= 3
    assert {row["port"] for row in ledger.findings()} == {with_variant(crashing, Variant(seed=CRASHING))}


# Redis


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[Any]:
    """A real server on a port of its own, that can be stopped and started."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("there is no redis-server: apt-get install redis-server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    class Server:
        url = f"redis://127.0.0.1:{port}"
        process: "subprocess.Popen[bytes] | None" = None

        def begin(self) -> None:
            options = ("--port", str(port), "--bind", "127.0.0.1", "--dir", str(tmp_path))
            saving = ("--appendonly", "yes", "--save", "")
            with (tmp_path / "redis.log").open("ab") as log:
                self.process = subprocess.Popen([program, *options, *saving], stdout=log, stderr=log)
            for _ in range(100):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    return
                time.sleep(0.1)
            pytest.fail("redis-server does not begin")

        def stop(self) -> None:
            if self.process is not None:
                self.process.terminate()
                self.process.wait()

    server = Server()
    server.begin()
    yield server
    server.stop()


MACHINES = ("--lane", "machine", "--workers", "2", "--seeded", SEED)


def examples_of(url: str) -> set[bytes]:
    import redis

    server = redis.Redis.from_url(url)
    return {value for key in server.keys("*") for value in server.smembers(key)}


def wait_for(what: Callable[[], Any], seconds: float = SECONDS) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(0.2)
    return pytest.fail("it did not come")


def test_redis_is_stopped_and_started(
    redis_server: Any, tmp_path: Path, night: Callable[..., Night], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What fails is in Redis; while Redis is away it waits in the ledger, and is entered afterwards."""
    folder = tmp_path / "night"
    campaign = night(folder, "--redis", redis_server.url, *MACHINES)
    wait_for(lambda: examples_of(redis_server.url))
    redis_server.stop()
    campaign.until("Hypothesis' database is away, its examples wait")
    waiting = wait_for(lambda: Ledger(folder).unkept_examples())
    redis_server.begin()
    campaign.until("it goes on")
    wait_for(lambda: {value for _, value in waiting} <= examples_of(redis_server.url))
    campaign.end()
    assert campaign.process.returncode == 1, campaign.told
    check_whole(folder)
    assert not (folder / "examples").exists()


def test_examples_of_one_campaign_are_tried_in_another(
    redis_server: Any, tmp_path: Path, night: Callable[..., Night]
) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    first = night(one, "--redis", redis_server.url, *MACHINES)
    known = wait_for(lambda: examples_of(redis_server.url))
    first.end()
    second = night(other, "--redis", redis_server.url, *MACHINES, "--seed", "77")

    def tried() -> bool:
        ledger = Ledger(other)
        rows = ledger.db.execute("SELECT value FROM examples WHERE kept = 1").fetchall()
        return bool(known & {value for (value,) in rows})

    wait_for_units(other, 1)
    wait_for(tried)
    second.end()
    check_whole(other)


def test_examples_are_in_the_folder_by_default(tmp_path: Path, night: Callable[..., Night]) -> None:
    folder = tmp_path / "night"
    campaign = night(folder, *MACHINES)
    wait_for_units(folder, 1)
    (key,) = wait_for(lambda: Ledger(folder).setting("keys"))
    database = DirectoryBasedExampleDatabase(folder / "examples")
    wait_for(lambda: list(database.fetch(bytes.fromhex(key))))
    campaign.end()
    check_whole(folder)
