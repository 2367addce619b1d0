"""Reads log files line by line, the newest first, and takes note of whatever could not be read.

A log can be gigabytes, so nothing of it is held. A line that is odd is counted and told, never passed over silently.
"""

from __future__ import annotations

import glob
import gzip
import json
import os
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, cast
from zoneinfo import ZoneInfo

from dsaudit.logs.command import output
from dsaudit.parameters import Parameters
from dsaudit.parameters.logs import Logs
from dsaudit.verdict.card import plural

MEGABYTE = 1_000_000
LONGEST = MEGABYTE  # bytes of a line
KEPT = 500  # characters of a message
MAGIC = b"\x1f\x8b"  # with which gzip begins, whatever a file is called
NAMES = ("tenant", "resource", "source_id", "delivery_id")
LEVEL = re.compile("[a-z]{0,12}|[0-9]{1,3}")  # another text may be anything
STEPS = (1, 60, 3600)  # seconds of the intervals in which lines are counted: longer ones for longer logs
MOST_COUNTS = 20_000
# Seconds since 1970 beyond the year 5000 are milliseconds, and so on.
FARTHEST, FINER = 95_617_584_000, 3
ODD = {
    "not_json": "no JSON object",
    "cut_off": "cut off",
    "too_long": f"longer than {LONGEST:,} bytes",
    "no_instant": "without an instant that tells its time zone",
}


@dataclass(frozen=True)
class Line:
    """One line of a log: what happened, and whom and what it names, as the line itself writes it."""

    at: datetime
    level: str
    is_error: bool
    message: str
    file: str
    number: int | None  # None where the beginning of its file was not read
    tenant: str | None = None
    resource: str | None = None
    source_id: str | None = None
    delivery_id: str | None = None
    error: str | None = None  # its last line, where an exception has its name
    # Of a line that tells how a run of the sync ended: how, the id of its task, and what else it says, by path.
    ended: str | None = None
    task_id: str | None = None
    values: dict[str, Any] | None = field(default=None, hash=False)


@dataclass
class Notes:
    """What a reading found of the files as a whole.

    ``counts`` has the lines of each level in each `step` of seconds, by the second since 1970 at which it begins;
    ``odd`` those that could not be read, by why; ``files`` are those that were read, ``unread`` those that were not,
    as enough was read before.
    """

    files: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    lines: int = 0
    first: datetime | None = None
    last: datetime | None = None
    without_level: int = 0
    recoded: int = 0  # lines that are not UTF-8, and were read as far as that goes
    is_cut: bool = False  # whether the beginning of a file was left out
    naming: int = 0  # lines that name a delivery or a record
    odd: Counter[str] = field(default_factory=Counter)
    step: int = STEPS[0]
    counts: Counter[tuple[int, str]] = field(default_factory=Counter)

    def take(self, line: Line) -> None:
        """Count a line."""
        self.lines += 1
        self.first = line.at if self.first is None or line.at < self.first else self.first
        self.last = line.at if self.last is None or line.at > self.last else self.last
        self.without_level += not line.level
        self.naming += bool(line.delivery_id or line.source_id)
        self.counts[int(line.at.timestamp()) // self.step * self.step, line.level] += 1
        if len(self.counts) > MOST_COUNTS and self.step < STEPS[-1]:
            self.step = next(step for step in STEPS if step > self.step)
            self.counts = binned(self.counts, self.step)

    @property
    def is_unreadable(self) -> bool:
        """Whether most lines could not be read, so that the rest says little."""
        return self.odd.total() > self.lines

    def limits(self) -> Iterator[str]:
        """Yield in sentences what was not read, or not as it stands there."""
        if self.odd:
            told = ", ".join(f"{count:,} {ODD[name]}" for name, count in sorted(self.odd.items()))
            yield f"{plural(self.odd.total(), 'line')} of the log could not be read: {told}"
        if self.recoded:
            yield f"{plural(self.recoded, 'line')} of the log {'is' if self.recoded == 1 else 'are'} not UTF-8"
        if self.unread or self.is_cut:
            yield "the log is longer than logs.megabytes; what is older than these was not read"
        yield from self.problems


def binned(counts: Counter[tuple[int, str]], step: int) -> Counter[tuple[int, str]]:
    """Return the counts of longer intervals."""
    found: Counter[tuple[int, str]] = Counter()
    for (second, level), count in counts.items():
        found[second // step * step, level] += count
    return found


def since_of(parameters: Parameters) -> datetime:
    """Return how far back a log is read: as far as latencies are looked at."""
    return datetime.now(UTC) - timedelta(days=parameters.policy.latency_days)


def read(parameters: Parameters, since: datetime, notes: Notes, most: int | None = None) -> Iterator[Line]:
    """Yield the lines of the declared files that are not older than `since`, and take notes.

    Parameters
    ----------
    most
        How many megabytes may be read, where that is fewer than the file says.
    """
    section = parameters.logs
    assert section is not None
    left = min(section.megabytes, most or section.megabytes) * MEGABYTE
    if section.command:
        with output(parameters, section, left, notes.problems) as path:
            yield from _read([path] if path else [], section, left, since, notes)
    else:
        yield from _read(_files(parameters, section, since, notes), section, left, since, notes)


def _read(paths: Iterable[Path], section: Logs, left: int, since: datetime, notes: Notes) -> Iterator[Line]:
    for path in paths:
        if left <= 0 or notes.is_cut:
            notes.unread.append(path.name)
            continue
        notes.files.append(path.name)
        try:
            with path.open("rb") as file:
                for size, line in _lines(file, path, section, left, notes):
                    left -= size
                    if line and line.at >= since:
                        notes.take(line)
                        yield line
        except (OSError, EOFError, zlib.error) as error:
            what = error.strerror if isinstance(error, OSError) and error.strerror else "it ends early, or is no gzip"
            notes.problems.append(f"{path.name} could not be read whole: {what}")


def _files(parameters: Parameters, section: Logs, since: datetime, notes: Notes) -> Iterator[Path]:
    """Yield the files, the newest first; what was last written before `since` holds nothing younger."""
    given = list(section.files)
    if section.files_env:
        given.append(os.environ.get(section.files_env, ""))
        if not given[-1]:
            notes.problems.append(f"the environment variable {section.files_env} is not set")
    found: dict[tuple[int, int], tuple[float, Path]] = {}
    for pattern in filter(None, given):
        paths = sorted(glob.glob(str(parameters.folder(pattern)), recursive=True))  # noqa: PTH207 - it may be absolute
        if not paths:
            notes.problems.append(f"there is no file {pattern}")
        for path in map(Path, paths):
            try:
                about = path.stat()
            except OSError as error:  # a link to nothing, or one that has just been rotated away
                notes.problems.append(f"{path.name} could not be read: {error.strerror}")
                continue
            if path.is_file():
                found[about.st_dev, about.st_ino] = about.st_mtime, path  # once, under however many names
    yield from (path for written, path in sorted(found.values(), reverse=True) if written >= since.timestamp())


def _lines(file: BinaryIO, path: Path, section: Logs, left: int, notes: Notes) -> Iterator[tuple[int, Line | None]]:
    """Yield each line with its size; of what is too long alone the end, which no compressed file can begin with."""
    number: int | None = 0
    size = path.stat().st_size
    if file.read(len(MAGIC)) == MAGIC:
        file.seek(0)
        file = cast(BinaryIO, gzip.GzipFile(fileobj=file))
    elif size > left:
        file.seek(size - left)
        file.readline()
        notes.is_cut, number = True, None
    else:
        file.seek(0)
    while raw := file.readline(LONGEST):
        number = None if number is None else number + 1
        if len(raw) == LONGEST and not raw.endswith(b"\n"):
            notes.odd["too_long"] += 1
            while (rest := file.readline(LONGEST)) and not rest.endswith(b"\n"):
                pass
            yield len(raw), None
        else:
            yield len(raw), _parsed(raw, path.name, number, section, notes)


def _parsed(raw: bytes, name: str, number: int | None, section: Logs, notes: Notes) -> Line | None:
    try:
        text = raw.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        text = raw.decode(errors="replace").strip()
        notes.recoded += 1
    if not text:
        return None
    try:
        values = json.loads(text[max(text.find("{"), 0) :])
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        notes.odd["cut_off" if text.startswith("{") else "not_json"] += 1
        return None
    found = {name: _value_at(values, paths) for name, paths in section.columns.items()}
    at = _instant(found["at"], section.zone)
    if at is None:
        notes.odd["no_instant"] += 1
        return None
    level = _text(found["level"]).lower()
    message = _text(found["message"])[:KEPT]
    named: dict[str, Any] = {name: _text(found.get(name))[:KEPT] or None for name in NAMES}
    return Line(
        at=at,
        level=level if LEVEL.fullmatch(level) else "other",
        is_error=level in section.error_levels,
        message=message,
        file=name,
        number=number,
        error=_text(found.get("error")).strip().rpartition("\n")[2][:KEPT] or None,
        **named,
        **_of_run(values, message, section),
    )


def _of_run(values: dict[str, Any], message: str, section: Logs) -> dict[str, Any]:
    """Return what a line says of a run of the sync, if it is one that tells how such a run ended."""
    ended = section.runs.ended(message) if section.runs else None
    if section.runs is None or ended is None:
        return {}
    task = _value_at(values, [section.runs.task_id]) if section.runs.task_id else None
    said = {path: _value_at(values, [path]) for path in section.runs.paths}
    kept = {path: _kept(value) for path, value in said.items() if value is not None}
    return {"ended": ended, "task_id": _text(task)[:KEPT] or None, "values": kept}


def _kept(value: Any) -> Any:
    """Return a value so that its type is still told: a text is cut, a list or an object is left empty."""
    return value[:KEPT] if isinstance(value, str) else type(value)() if isinstance(value, (list, dict)) else value


def _value_at(values: dict[str, Any], paths: list[str]) -> Any:
    """Return what stands at the first of the paths that a line has; some write the dots into the name itself."""
    for path in paths:
        found: Any = values.get(path)
        if found is None:
            found = values
            for step in path.split("."):
                found = found.get(step) if isinstance(found, dict) else None
        if found is not None:
            return found
    return None


def _text(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value)


def _instant(value: Any, zone: str | None) -> datetime | None:
    """Return an instant written as ISO 8601, as Python's loggers do, or as a number since 1970; None for another."""
    try:
        if isinstance(value, str):
            text = re.sub(r" ?UTC$", "+00:00", value.strip().replace(",", "."))
            found = datetime.fromisoformat(text)
            found = found.replace(tzinfo=ZoneInfo(zone)) if zone and not found.tzinfo else found
            return found.astimezone(UTC) if found.tzinfo else None
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return None
        seconds = float(value)
        for _ in range(FINER):
            seconds = seconds / 1000 if abs(seconds) >= FARTHEST else seconds
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
