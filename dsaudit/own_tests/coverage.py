"""Which lines a run of tests covered: Cobertura's XML, coverage.py's JSON, and LCOV."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from dsaudit.own_tests.files import LARGEST, Unreadable, instant, number, parsed

BRANCHES = re.compile(r"\((\d+)/(\d+)\)")


@dataclass
class Covered:
    """One file of the code: its lines with how often each ran, and its branches as taken and there, by line."""

    lines: dict[int, int] = field(default_factory=dict)
    branches: dict[int, tuple[int, int]] = field(default_factory=dict)

    @property
    def there(self) -> int:
        """How many lines and branches there are."""
        return len(self.lines) + sum(there for _, there in self.branches.values())

    @property
    def hit(self) -> int:
        """How many of them were covered."""
        return sum(map(bool, self.lines.values())) + sum(taken for taken, _ in self.branches.values())

    @property
    def missed(self) -> list[int]:
        """The lines that no test ran."""
        return sorted(line for line, hits in self.lines.items() if not hits)

    def add(self, other: Covered) -> None:
        """Take in what another run covered of the same file."""
        for line, hits in other.lines.items():
            self.lines[line] = self.lines.get(line, 0) + hits
        for line, (taken, there) in other.branches.items():
            before = self.branches.get(line, (0, 0))
            self.branches[line] = max(taken, before[0]), max(there, before[1])


@dataclass(frozen=True)
class Measured:
    """What one file of results tells: the files of the code, by their names in it, and when it was measured."""

    path: Path
    files: dict[str, Covered]
    at: datetime | None = None


def together(measured: Iterable[Measured]) -> dict[str, Covered]:
    """Return what several runs covered, file by file: a line is covered where any of them ran it."""
    whole: dict[str, Covered] = {}
    for one in measured:
        for name, covered in one.files.items():
            whole.setdefault(name, Covered()).add(covered)
    return whole


def percent(files: Iterable[Covered]) -> float | None:
    """Return how much of the lines and branches is covered, as coverage.py reckons; None of nothing."""
    given = list(files)
    there = sum(one.there for one in given)
    return 100 * sum(one.hit for one in given) / there if there else None


def read(path: Path) -> Measured:
    """Return what a file of coverage tells, whichever of the three it is; raises `Unreadable`."""
    with path.open("rb") as file:
        start = file.read(200).lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"<"):
        return _cobertura(path)
    if path.stat().st_size > LARGEST:
        raise Unreadable(f"it is larger than {LARGEST // 1024 // 1024} MB")
    if start.startswith(b"{"):
        return _json(path)
    if re.match(rb"(TN|SF):", start):
        return _lcov(path)
    raise Unreadable("it is none of Cobertura's XML, coverage.py's JSON and LCOV")


def _cobertura(path: Path) -> Measured:
    root = parsed(path)
    if root.tag != "coverage":
        raise Unreadable(f"it is no Cobertura XML: {root.tag} stands where coverage is expected")
    sources = [(one.text or "").strip() for one in root.iterfind("sources/source")]
    files: dict[str, Covered] = {}
    for one in root.iter("class"):
        name = one.get("filename") or one.get("name") or ""
        # With several sources it is not told which of them a name is in.
        whole = str(PurePosixPath(sources[0]) / name) if len(sources) == 1 else name
        covered = files.setdefault(whole, Covered())
        for line in one.iterfind("lines/line"):
            at = number(line.get("number"))
            branches = BRANCHES.search(line.get("condition-coverage") or "")
            taken = {at: (int(branches[1]), int(branches[2]))} if branches else {}
            covered.add(Covered({at: number(line.get("hits"))}, taken))
    return Measured(path, files, instant(root.get("timestamp")))


def _json(path: Path) -> Measured:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise Unreadable(f"{error.lineno}: it is no JSON: {error.msg}") from None
    except RecursionError:
        raise Unreadable("it is nested too deeply") from None
    try:
        files = {str(name): _of_json(one) for name, one in document["files"].items()}
        return Measured(path, files, instant(document.get("meta", {}).get("timestamp")))
    except (KeyError, TypeError, AttributeError, ValueError):
        raise Unreadable("it is no JSON of coverage.py's: files with executed_lines are expected") from None


def _of_json(one: Mapping[str, Any]) -> Covered:
    lines = {int(line): 1 for line in one["executed_lines"]} | {int(line): 0 for line in one["missing_lines"]}
    branches: dict[int, tuple[int, int]] = {}
    for key, taken in (("executed_branches", 1), ("missing_branches", 0)):
        for start, _ in one.get(key, ()):
            before = branches.get(int(start), (0, 0))
            branches[int(start)] = before[0] + taken, before[1] + 1
    return Covered(lines, branches)


def _lcov(path: Path) -> Measured:
    files: dict[str, Covered] = {}
    covered = Covered()
    for at, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        key, _, value = line.strip().partition(":")
        try:
            if key == "SF":
                covered = files.setdefault(value, Covered())
            elif key == "DA":
                one, hits = value.split(",")[:2]
                covered.add(Covered({int(one): int(float(hits))}))
            elif key == "BRDA":
                one, _, _, taken = value.split(",")
                before = covered.branches.get(int(one), (0, 0))
                covered.branches[int(one)] = before[0] + (taken not in ("-", "0")), before[1] + 1
        except (ValueError, OverflowError):
            raise Unreadable(f"{at}: {key} is not as LCOV has it") from None
    return Measured(path, files)
