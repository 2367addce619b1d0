"""The tour: plants faults in the sample, audits it, and holds what was found against the planters' answer keys."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dsaudit.parameters import project_root
from dsaudit.run.rows import read_rows
from dsaudit.verdict.card import scope_text

Progress = Callable[[str], None]


class TourError(Exception):
    """A fault could not be planted; the message is the sample's own."""


@dataclass(frozen=True)
class Stop:
    """One fault of the tour: what must be found, and whether it was."""

    fault: str
    check: str
    phase: str
    scope: str
    rows: int
    missed: list[str]  # keys that the answer names and the verdict does not, and the other way round
    rank: int  # the root's place among all that is not green, from 1; 0 if it is green
    first: bool  # whether the fault's root check, the first of its answer key, stands before all consequences

    @property
    def found(self) -> bool:
        """Whether the root check fails with just the right rows, before its consequences."""
        return self.rank > 0 and not self.missed and self.first


def plant(example: str, state: Path, faults: list[str], seed: int, progress: Progress) -> list[dict[str, Any]]:
    """Plant `faults` in the sample at `state` and return their answer keys, written before anybody looked.

    Raises
    ------
    TourError
        The sample refused one.
    """
    keys = []
    for fault in faults:
        progress(f"planting {fault}")
        done = _sample(example, "plant", fault, "--json", "--seed", str(seed), "--state", str(state))
        keys.append(json.loads(done))
    _sample(example, "settle", "--state", str(state))
    return keys


def faults_of_the_tour(example: str) -> list[str]:
    """Return the faults that can be planted side by side, as the sample names them."""
    return _sample(example, "tour").split()


def _sample(example: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", f"examples.{example}", *arguments],
        cwd=project_root(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise TourError(f"{' '.join(arguments[:2])}: {done.stderr.strip().splitlines()[-1]}")
    return done.stdout


def compare(keys: list[dict[str, Any]], result: dict[str, Any], folder: Path) -> tuple[list[Stop], list[str]]:
    """Return how each fault was found, and the checks that changed although no answer key names them."""
    stops = [_stop(key, number, result, folder) for key in keys for number in range(len(key["must"]))]
    named = {name for key in keys for name in _named(key)}
    alarms = [
        v["check"] for v in result["verdicts"] if v["status"] not in ("pass", "skipped") and v["check"] not in named
    ]
    return stops, alarms


def _named(key: dict[str, Any]) -> set[str]:
    """Return the checks that an answer key names, as roots or as consequences."""
    return {expected["check"] for expected in key["must"]} | set(key["may"])


def _stop(key: dict[str, Any], number: int, result: dict[str, Any], folder: Path) -> Stop:
    expected = key["must"][number]
    check, order = expected["check"], result["order"]
    verdict = next(one for one in result["verdicts"] if one["check"] == check)
    rows = _rows(folder, check)
    keyed = next((column["name"] for column in verdict["columns"] if column["role"] == "key"), "")
    inside = [row for row in rows if all(str(row.get(name)) == value for name, value in expected["scope"].items())]
    found = {str(row.get(keyed)) for row in inside}
    missed = sorted(set(expected["keys"]) - found)
    later = [name for name in key["may"] if name in order and check in order and order.index(name) < order.index(check)]
    return Stop(
        fault=key["fault"],
        check=check,
        phase=verdict["phase"],
        scope=scope_text(expected["scope"]),
        rows=len(inside),
        missed=missed,
        rank=order.index(check) + 1 if verdict["status"] == expected["status"] and check in order else 0,
        first=number > 0 or not later,
    )


def _rows(folder: Path, check: str) -> list[dict[str, Any]]:
    path = folder / "private" / "rows" / f"{check}.jsonl"
    return read_rows(path) if path.is_file() else []
