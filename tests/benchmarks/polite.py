"""What an audit costs whoever else uses the server: pgbench without one, beside a polite one, and beside another."""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
import yaml

from dsaudit import server
from examples import discovery
from tests.benchmarks.cost import busy, of_postgres, postmaster, write_down
from tests.checks.auditing import verdicts

CHECKS = ("orphans", "references_stay_within_the_tenant", "children_share_the_tenancy")
MODES = {"polite": True, "not polite": False}
CLIENTS = 2
SCALE = 10
SAMPLED = 0.05  # seconds between two looks at the locks
ALTERED = 5.0  # seconds between two who want a table for themselves
# Student's t for an interval of 95 %, by the number of pairs from two on.
T = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)
SESSIONS = """
select pid, coalesce(extract(epoch from clock_timestamp() - xact_start), 0)::float, exists (
    select from pg_locks as l where l.pid = a.pid and l.locktype = 'relation' and l.granted and l.relation >= 16384
)
from pg_stat_activity as a where starts_with(application_name, 'dsaudit')
"""
HEAD = (
    "| | pairs | TPS alone | TPS beside | loss | 95 % interval | server CPUs for the audit | longest lock held s |"
    " longest wait for it s | audits |"
)


@dataclass
class Window:
    """Some seconds of pgbench: its transactions a second, the CPUs that the server used for the audit, and locks."""

    tps: float
    used: float
    held: float
    waited: float
    audits: int
    other: float


@dataclass(frozen=True)
class Place:
    """The server under load, and the audited system on it."""

    pgbench: str
    bench_url: str
    owner_url: str
    parameters: Path
    postmaster: int
    seconds: float


def main(rows: int, pairs: int, seconds: float) -> None:
    """Measure pairs of windows, with an audit and without, in turns of both modes."""
    pgbench = _pgbench()
    if not pgbench:
        print("polite: left out, as there is no pgbench (of PostgreSQL's client or contrib package)")
        return
    found: dict[str, list[tuple[Window, Window]]] = {mode: [] for mode in MODES}
    with discovery.running(size=rows) as sample:
        base = sample.server_url.rpartition("/")[0]
        with psycopg.connect(sample.server_url, autocommit=True) as owner:
            owner.execute("create database bench")
            version = owner.info.parameter_status("server_version")
        os.environ |= sample.environment
        subprocess.run([pgbench, "-i", "-q", "-s", str(SCALE), f"{base}/bench"], check=True, capture_output=True)
        root = postmaster(sample.server_url)
        place = Place(pgbench, f"{base}/bench", f"{base}/discovery", sample.parameters, root, seconds)
        for number in range(pairs):
            for mode, is_polite in MODES.items():
                _set(sample.parameters, is_polite)
                order = (False, True) if number % 2 else (True, False)
                windows = {beside: _window(place, beside) for beside in order}
                alone, with_it = windows[False], windows[True]
                found[mode].append((alone, with_it))
                print(f"{mode}: {alone.tps:.0f} TPS alone, {with_it.tps:.0f} beside", flush=True)
    lines = [HEAD, "|---|" + "---:|" * 9, *(_line(mode, windows) for mode, windows in found.items())]
    print("\n".join(lines))
    other = statistics.median(one.other for several in found.values() for pair in several for one in pair)
    said = f"PostgreSQL {version}, pgbench with {CLIENTS} clients at scale {SCALE}, windows of {seconds:.0f} s; other"
    title = f"Beside an audit of {rows:,} assets".replace(",", " ")
    write_down(title, f"{said} programs used {other:.1f} CPUs (median).", lines)


def _pgbench() -> str | None:
    folders = [str(folder) for folder, _ in server.installations()]
    return shutil.which("pgbench") or shutil.which("pgbench", path=os.pathsep.join(folders))


def _set(parameters: Path, is_polite: bool) -> None:
    file = yaml.safe_load(parameters.read_text(encoding="utf-8"))
    file["database"]["polite"] = is_polite
    parameters.write_text(yaml.safe_dump(file, allow_unicode=True), encoding="utf-8")


def _window(place: Place, beside: bool) -> Window:
    """Run pgbench for a while, beside audits one after another or not; locks are looked at in both cases."""
    before, began = busy() - of_postgres(place.postmaster) - _children(), time.perf_counter()
    with contextlib.ExitStack() as stack:
        auditing = stack.enter_context(_auditing(place.parameters)) if beside else None
        locks = stack.enter_context(_Locks(place.owner_url).watched())
        words = [place.pgbench, "-n", "-c", str(CLIENTS), "-T", f"{place.seconds:.0f}", place.bench_url]
        done = subprocess.run(words, check=True, capture_output=True, text=True)
        audits = auditing.audits() if auditing else 0
    other = (busy() - of_postgres(place.postmaster) - _children() - before) / (time.perf_counter() - began)
    tps = re.search(r"tps = ([\d.]+)", done.stdout)
    assert tps, done.stdout
    return Window(
        float(tps[1]), sum(locks.cpu.values()) / place.seconds, locks.held, locks.waited, audits, max(other, 0.0)
    )


def _children() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF)]
    return sum(one.ru_utime + one.ru_stime for one in used)


class _Audits:
    """A process that audits again and again; it stands back behind all others, as if it were on another machine."""

    def __init__(self, parameters: Path) -> None:
        words = ["nice", "-n", "19", sys.executable, "-m", "tests.benchmarks.polite", str(parameters)]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout
        self._lines = self.process.stdout
        assert self._lines.readline().strip() == "begun"

    def audits(self) -> int:
        """End it, and return how many audits had ended."""
        self.process.terminate()
        return len(self._lines.read().splitlines())


@contextlib.contextmanager
def _auditing(parameters: Path) -> Iterator[_Audits]:
    audits = _Audits(parameters)
    try:
        yield audits
    finally:
        audits.process.kill()
        audits.process.wait()


class _Locks:
    """Looks what the audit uses and holds, and at times takes the largest table to see how long that takes."""

    def __init__(self, url: str) -> None:
        self.held = self.waited = 0.0
        self.cpu: dict[int, float] = {}  # seconds, by session
        self._url, self._over = url, threading.Event()

    @contextlib.contextmanager
    def watched(self) -> Iterator[_Locks]:
        threads = [threading.Thread(target=work) for work in (self._look, self._alter)]
        for one in threads:
            one.start()
        try:
            yield self
        finally:
            self._over.set()
            for one in threads:
                one.join()

    def _look(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            while not self._over.wait(SAMPLED):
                for pid, age, holds in connection.execute(SESSIONS):
                    self.held = max(self.held, age if holds else 0.0)
                    with contextlib.suppress(psutil.NoSuchProcess):
                        self.cpu[pid] = sum(psutil.Process(pid).cpu_times()[:2])

    def _alter(self) -> None:
        with psycopg.connect(self._url) as connection:
            while not self._over.wait(ALTERED):
                began = time.perf_counter()
                connection.execute("lock table assets in access exclusive mode")
                self.waited = max(self.waited, time.perf_counter() - began)
                connection.rollback()


def _line(mode: str, pairs: Sequence[tuple[Window, Window]]) -> str:
    losses = [1 - beside.tps / alone.tps for alone, beside in pairs]
    loss = statistics.mean(losses)
    interval = "one pair has none"
    if len(pairs) > 1:
        half = T[min(len(pairs), len(T) + 1) - 2] * statistics.stdev(losses) / len(losses) ** 0.5
        interval = f"{loss - half:.1%} to {loss + half:.1%}"
    tps = [statistics.median(pair[place].tps for pair in pairs) for place in (0, 1)]
    used = statistics.median(beside.used for _, beside in pairs)
    held, waited = max(beside.held for _, beside in pairs), max(beside.waited for _, beside in pairs)
    figures = [
        str(len(pairs)),
        *(f"{one:.0f}" for one in tps),
        f"{loss:.1%}",
        interval,
    ]
    figures += [f"{used:.2f}", f"{held:.2f}", f"{waited:.2f}", str(sum(beside.audits for _, beside in pairs))]
    return f"| {mode} | {' | '.join(figures)} |"


if __name__ == "__main__":
    print("begun", flush=True)
    while True:
        told = verdicts(Path(sys.argv[1]), os.environ, CHECKS)
        print(json.dumps({name: one.status for name, one in told.items()}), flush=True)
