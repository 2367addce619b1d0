"""Row by row: dsaudit against reladiff, datacompy and a plain merge, on the same orders, in one run, in turns.

Other work on the machine makes wall seconds worthless, so CPU seconds count: the contender's own, and those of the
PostgreSQL that it keeps busy. ``other`` is what everybody else used of the machine meanwhile.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg
from rich.console import Console

from dsaudit import server
from tests.benchmarks import orders
from tests.benchmarks.contenders import CONTENDERS

README = Path(__file__).parent / "README.md"
EXPECTED = {"full rows": [50, 50, 100], "declared fields": [50, 50, 75]}
SETTINGS = {"shared_buffers": "1GB", "work_mem": "128MB", "max_wal_size": "1GB"}


@dataclass(frozen=True)
class Cost:
    """Seconds, and MB at the most; ``found`` is missing, extra, different, or why it found nothing."""

    wall: float
    client: float
    postgres: float
    other: float
    memory: float
    found: str


def measured(name: str, made: dict[str, str], postmaster: int) -> Cost:
    """Run one contender in a process of its own."""
    before, busy, started = _postgres(postmaster), _busy(), time.perf_counter()
    words = [sys.executable, "-m", "tests.benchmarks.contenders", name]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdin and process.stdout and process.stderr
    process.stdin.write(json.dumps(made))
    process.stdin.close()
    found, said = process.stdout.read(), process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = status
    wall = time.perf_counter() - started
    client, postgres = used.ru_utime + used.ru_stime, _postgres(postmaster) - before
    other = max(_busy() - busy - client - postgres, 0)
    if status:
        found = f"failed: {(said.strip().splitlines() or [str(status)])[-1][:60]}"
    return Cost(wall, client, postgres, other, used.ru_maxrss / 1024, found.strip())


def _postgres(postmaster: int) -> float:
    """CPU seconds of the server: its own, of those that ended, and of those that live."""
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


def _busy() -> float:
    times = psutil.cpu_times()
    return times.user + times.nice + times.system + times.irq + times.softirq


def main(rows: int = 1_000_000, rounds: int = 1, only: str = "") -> None:
    """Make the orders, measure in turns, print the medians and write them down."""
    console = Console(highlight=False)
    chosen = [name for name in CONTENDERS if not only or name in only.split(";")]
    costs: dict[str, list[Cost]] = {name: [] for name in chosen}
    with tempfile.TemporaryDirectory(prefix="dsaudit-bench-") as folder, server.running(Path(folder), SETTINGS) as one:
        console.print(f"making {rows} orders")
        made = orders.make(one.url, Path(folder), rows)
        with psycopg.connect(one.url) as connection:
            path = connection.execute("select current_setting('data_directory')").fetchone()
        assert path
        postmaster = int((Path(path[0]) / "postmaster.pid").read_text().split()[0])
        for number in range(rounds):
            for name in chosen:
                costs[name].append(measured(name, made, postmaster))
                console.print(f"round {number + 1}: {name}: {costs[name][-1]}")
        version = one.version
    lines = _table(costs)
    print("\n".join(lines))
    _write(rows, rounds, version, lines)


def _table(costs: dict[str, list[Cost]]) -> list[str]:
    head = (
        "| | wall s | client CPU s | PostgreSQL CPU s | CPU s | ratio | other CPU s | MB | missing, extra, different |"
    )
    lines = []
    pair = ""
    for name, several in costs.items():
        if CONTENDERS[name][0] != pair:
            pair = CONTENDERS[name][0]
            lines += ["", f"**{pair}**", "", head, "|---|" + "---:|" * 7 + "---|"]
            base = _medians(several)
        one = _medians(several)
        cpu = one["client"] + one["postgres"]
        expected = next(str(found) for kind, found in EXPECTED.items() if pair.endswith(kind))
        found = several[-1].found + ("" if several[-1].found == expected else " (not all, or too many)")
        figures = (one["wall"], one["client"], one["postgres"], cpu, cpu / (base["client"] + base["postgres"]))
        shown = " | ".join(f"{figure:.1f}" for figure in (*figures, one["other"]))
        lines.append(f"| {name} | {shown} | {one['memory']:.0f} | {found} |")
    return lines


def _medians(several: list[Cost]) -> dict[str, Any]:
    names = ("wall", "client", "postgres", "other", "memory")
    return {name: statistics.median(getattr(one, name) for one in several) for name in names}


def _write(rows: int, rounds: int, version: str, lines: list[str]) -> None:
    """Put the table into the README in the place of that size."""
    title = f"## {rows:,} orders".replace(",", " ")
    said = f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} CPUs, PostgreSQL {version}, medians of {rounds}."
    text = README.read_text(encoding="utf-8")
    before, _, rest = text.partition(title)
    _, mark, after = rest.partition("\n## ")
    body = "\n".join([title, "", said, *lines, ""])
    README.write_text(before.rstrip() + "\n\n" + body + (f"\n## {after}" if mark else ""), encoding="utf-8")
