"""Row by row: dsaudit against reladiff, datacompy and a plain merge, on the same orders, in one run, in turns.

Other work on the machine makes wall seconds worthless, so CPU seconds count: the contender's own, and those of the
PostgreSQL that it keeps busy. ``other`` is what everybody else used of the machine meanwhile.
"""

from __future__ import annotations

import itertools
import json
import multiprocessing
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import psutil

from dsaudit import server
from tests.benchmarks import orders
from tests.benchmarks.contenders import CONTENDERS, Contender
from tests.benchmarks.cost import SETTINGS, Cost, measured, medians, postmaster, write_down

EXPECTED = {"full rows": [50, 50, 100], "declared fields": [50, 50, 75]}
DISK = 2.0  # GB for a million orders in two databases and two files
MAKING = 40  # seconds for a million orders
HEAD = "| | wall s | client CPU s | PostgreSQL CPU s | CPU s | ratio | other CPU s | MB | missing, extra, different |"


def main(rows: int, rounds: int, names: Sequence[str]) -> None:
    """Make the orders, measure in turns, and write down each figure as it comes."""
    chosen = {name: _too_much(CONTENDERS[name], rows) for name in CONTENDERS if name in names}
    able = [name for name, reason in chosen.items() if not reason]
    _foretell(rows, rounds, chosen)
    costs: dict[str, list[Cost]] = {}
    with tempfile.TemporaryDirectory(prefix="dsaudit-bench-") as folder, server.running(Path(folder), SETTINGS) as one:
        # In a process of its own: a contender's memory is told as no less than that of the process that starts it.
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            made = pool.submit(orders.make, one.url, Path(folder), rows, _say).result()
        server_id = postmaster(one.url)
        for number, name in itertools.product(range(rounds), able):
            _say(f"round {number + 1} of {rounds}: {name}")
            words = [sys.executable, "-m", "tests.benchmarks.contenders", name]
            costs.setdefault(name, []).append(measured(words, json.dumps(made), server_id))
            _say(f"  {costs[name][-1]}")
            said = f"PostgreSQL {one.version}, {medians(number + 1)}."
            write_down(f"{rows:,} orders".replace(",", " "), said, _table(chosen, costs)[1:])
    print("\n".join(_table(chosen, costs)))


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def _too_much(contender: Contender, rows: int) -> str:
    """Return why a contender is left out: it holds all rows in memory, and there is not as much; '' where there is."""
    needed, free = contender.memory * rows / 1e6, psutil.virtual_memory().available / 2**20
    return f"needs about {needed / 1024:.0f} GB of memory, {free / 1024:.0f} GB are free" if needed > 0.8 * free else ""


def _foretell(rows: int, rounds: int, chosen: dict[str, str]) -> None:
    """Say what will run, what is left out and why, and about how long it takes; end where the disk is too small."""
    disk, free = DISK * rows / 1e6, shutil.disk_usage(tempfile.gettempdir()).free / 2**30
    if disk > free:
        raise SystemExit(f"{rows} orders need about {disk:.0f} GB in {tempfile.gettempdir()}, {free:.0f} GB are free")
    seconds = sum(CONTENDERS[name].seconds for name, reason in chosen.items() if not reason) * rounds + MAKING
    minutes = seconds * rows / 1e6 / 60
    _say(f"about {minutes:.0f} to {2 * minutes:.0f} minutes on a quiet machine, and {disk:.0f} GB of disk")
    for name, reason in chosen.items():
        _say(f"  {name}" + (f": left out: {reason}" if reason else ""))


def _table(chosen: dict[str, str], costs: dict[str, list[Cost]]) -> list[str]:
    lines: list[str] = []
    for pair in dict.fromkeys(CONTENDERS[name].pair for name in chosen):
        lines += ["", f"**{pair}**", "", HEAD, "|---|" + "---:|" * 7 + "---|"]
        names = [name for name in chosen if CONTENDERS[name].pair == pair]
        base = next((_cpu(costs[name]) for name in names if name in costs), 0)
        for name in names:
            if name in costs:
                lines.append(_line(name, costs[name], base))
            else:
                lines.append(f"| {name} |" + " |" * 7 + f" {chosen[name] or 'not measured yet'} |")
    return lines


def _line(name: str, several: list[Cost], base: float) -> str:
    one, pair = _medians(several), CONTENDERS[name].pair
    expected = next(str(found) for kind, found in EXPECTED.items() if pair.endswith(kind))
    found = several[-1].found
    found = "compares nothing" if found == "null" else found + ("" if found == expected else " (not all, or too many)")
    figures = (one["wall"], one["client"], one["postgres"], _cpu(several), _cpu(several) / base)
    shown = " | ".join(f"{figure:.1f}" for figure in (*figures, one["other"]))
    return f"| {name} | {shown} | {one['memory']:.0f} | {found} |"


def _cpu(several: list[Cost]) -> float:
    medians = _medians(several)
    return float(medians["client"] + medians["postgres"])


def _medians(several: list[Cost]) -> dict[str, Any]:
    names = ("wall", "client", "postgres", "other", "memory")
    return {name: statistics.median(getattr(one, name) for one in several) for name in names}
