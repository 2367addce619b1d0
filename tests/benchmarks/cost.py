"""What a command costs, and the place where its figures are written down."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

SETTINGS = {"shared_buffers": "1GB", "work_mem": "128MB", "max_wal_size": "1GB"}  # of the server
README = Path(__file__).parent / "README.md"


@dataclass(frozen=True)
class Cost:
    """Seconds, and MB at the most; ``found`` is missing, extra, different, or why it found nothing."""

    wall: float
    client: float
    postgres: float
    other: float
    memory: float
    found: str


def measured(words: Sequence[str], given: str, postmaster: int) -> Cost:
    """Run a command that reads `given` and prints what it found."""
    before, at_work, started = of_postgres(postmaster), busy(), time.perf_counter()
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdin and process.stdout and process.stderr
    process.stdin.write(given)
    process.stdin.close()
    found, said = process.stdout.read(), process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = status
    wall = time.perf_counter() - started
    client, postgres = used.ru_utime + used.ru_stime, of_postgres(postmaster) - before
    other = max(busy() - at_work - client - postgres, 0)
    if status:
        found = f"failed: {(said.strip().splitlines() or [str(status)])[-1][:60]}"
    return Cost(wall, client, postgres, other, used.ru_maxrss / 1024, found.strip())


def postmaster(url: str) -> int:
    """Return the process that all of a server's others are children of."""
    with psycopg.connect(url) as connection:
        path = connection.execute("select current_setting('data_directory')").fetchone()
    assert path
    return int((Path(path[0]) / "postmaster.pid").read_text().split()[0])


def of_postgres(postmaster: int) -> float:
    """Return the CPU seconds of the server: its own, of those that ended, and of those that live."""
    parent = psutil.Process(postmaster)
    own = parent.cpu_times()
    total = own.user + own.system + own.children_user + own.children_system
    for child in parent.children():
        try:
            times = child.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


def busy() -> float:
    """Return the CPU seconds of all programs."""
    times = psutil.cpu_times()
    return times.user + times.nice + times.system + times.irq + times.softirq


def medians(rounds: int) -> str:
    """Return of how many rounds the figures are."""
    return "one round" if rounds == 1 else f"medians of {rounds} rounds"


def write_down(title: str, said: str, lines: Iterable[str]) -> None:
    """Put a table into the README under its title, in the place of the one before."""
    title = f"## {title}"
    before, _, rest = README.read_text(encoding="utf-8").partition(f"{title}\n")
    _, mark, after = rest.partition("\n## ")
    head = f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} CPUs, {said}"
    body = "\n".join([title, "", head, "", *lines, ""])
    README.write_text(before.rstrip() + "\n\n" + body + (f"\n## {after}" if mark else ""), encoding="utf-8")
