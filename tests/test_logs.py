"""The application's own logs as they are read: files of every kind, odd lines, a bound, and what a recording keeps."""

from __future__ import annotations

import gzip
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dsaudit.logs import Line, Log, LogError, Notes, read, record, since_of
from dsaudit.parameters import ParameterError, Parameters, load

NOW = datetime.now(UTC).replace(microsecond=0)
COLUMNS = "columns: {message: event, delivery_id: [delivery, webhook.id], source_id: id, error: exc}"


def declared(folder: Path, section: str) -> Parameters:
    path = folder / "parameters" / "small.yml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"integration: small\ndatabase: {{url_env: SMALL_URL}}\nlogs: {section}\n", encoding="utf-8")
    return load(path)


def a_line(seconds: float = 60, **values: Any) -> str:
    at = (NOW - timedelta(seconds=seconds)).isoformat()
    return json.dumps({"timestamp": at, "level": "info", "event": "taken", **values})


def written(path: Path, *lines: str | bytes, age: float = 0) -> Path:
    """Write a log file that was last written some seconds ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = b"\n".join(one if isinstance(one, bytes) else one.encode() for one in lines) + b"\n"
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    os.utime(path, (NOW.timestamp() - age,) * 2)
    return path


def found(folder: Path, section: str, most: int | None = None) -> tuple[list[Line], Notes]:
    parameters, notes = declared(folder, section), Notes()
    return list(read(parameters, since_of(parameters), notes, most)), notes


def test_files_by_pattern_rotated_and_compressed_are_each_read_once(tmp_path: Path) -> None:
    written(tmp_path / "var" / "app.log", a_line(1, delivery="d3"))
    written(tmp_path / "var" / "app.log.1", a_line(90, delivery="d2"), age=60)
    written(tmp_path / "var" / "app.log.2.gz", a_line(200, delivery="d1"), age=120)
    (tmp_path / "var" / "current.log").symlink_to("app.log")
    lines, notes = found(tmp_path, f"{{files: [var/app.log*, var/current.log], {COLUMNS}}}")
    assert [(one.delivery_id, one.number) for one in lines] == [("d3", 1), ("d2", 1), ("d1", 1)]
    assert notes.files[1:] == ["app.log.1", "app.log.2.gz"] and not list(notes.limits())


def test_a_variable_may_name_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMALL_LOGS", str(tmp_path / "elsewhere" / "*.log"))
    written(tmp_path / "elsewhere" / "app.log", a_line())
    assert found(tmp_path, "{files_env: SMALL_LOGS}")[1].lines == 1
    monkeypatch.delenv("SMALL_LOGS")
    assert found(tmp_path, "{files_env: SMALL_LOGS}")[1].problems == ["the environment variable SMALL_LOGS is not set"]
    assert found(tmp_path, "{files: nothing/*.log}")[1].problems == ["there is no file nothing/*.log"]


def test_a_link_to_nothing_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    written(tmp_path / "app.log", a_line())
    (tmp_path / "current.log").symlink_to("rotated away")
    notes = found(tmp_path, "{files: '*.log'}")[1]
    assert (notes.lines, notes.problems) == (1, ["current.log could not be read: No such file or directory"])


def test_lines_may_name_a_thing_under_several_keys(tmp_path: Path) -> None:
    written(
        tmp_path / "app.log",
        a_line(1, delivery="d1", id=7),
        a_line(2, webhook={"id": "d2"}),
        a_line(3, **{"webhook.id": "d3"}),
        a_line(4, id={"no": "id"}, level="ERROR", exc="Traceback\n  File x\nValueError: of Ada"),
    )
    lines, notes = found(tmp_path, f"{{files: app.log, {COLUMNS}}}")
    assert [one.delivery_id for one in lines] == ["d1", "d2", "d3", None]
    assert [one.source_id for one in lines] == ["7", None, None, '{"no": "id"}']
    assert [one.is_error for one in lines] == [False, False, False, True]
    assert lines[3].error == "ValueError: of Ada" and notes.naming == 4


@pytest.mark.parametrize(
    ("given", "zone"),
    [
        ("2026-11-20T12:00:00Z", None),
        ("2026-11-20T12:00:00.000000123Z", None),
        ("2026-11-20 13:00:00,000", "Europe/Berlin"),
        ("2026-11-20 12:00:00 UTC", None),
        (1795176000, None),
        (1795176000.0, None),
        (1795176000000, None),
        (1795176000000000000, None),
    ],
)
def test_instants_are_written_in_many_ways(given: Any, zone: str | None, tmp_path: Path) -> None:
    written(tmp_path / "app.log", json.dumps({"timestamp": given, "level": "info"}))
    parameters = declared(tmp_path, f"{{files: app.log, zone: {zone or 'null'}}}")
    (line,) = read(parameters, datetime(2026, 1, 1, tzinfo=UTC), Notes())
    assert line.at == datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_odd_lines_are_counted_and_told_and_the_others_read(tmp_path: Path) -> None:
    written(
        tmp_path / "app.log",
        b"\xef\xbb\xbf" + a_line(1).encode(),
        "Traceback (most recent call last):",
        "[1, 2]",
        a_line(2)[:40],
        a_line(3, timestamp="yesterday"),
        a_line(3, timestamp="2026-11-20 12:00:00"),
        a_line(3, timestamp=True),
        "",
        b'{"timestamp": "' + NOW.isoformat().encode() + b'", "level": "info", "event": "caf\xe9"}',
        a_line(4, event="x" * 1_200_000),
        "[" * 100_000,
        a_line(5, level="Ada's own word"),
    )
    lines, notes = found(tmp_path, f"{{files: app.log, {COLUMNS}}}")
    assert [one.number for one in lines] == [1, 9, 12] and lines[1].message == "caf\ufffd"
    assert notes.odd == {"not_json": 3, "cut_off": 1, "no_instant": 3, "too_long": 1}
    told = "; ".join(notes.limits())
    assert "8 lines of the log could not be read: 1 cut off, 3 without an instant" in told
    assert "1 line of the log is not UTF-8" in told
    assert lines[2].level == "other", "what a level could hold is nobody's to see"


def test_what_is_older_than_the_window_is_left_out(tmp_path: Path) -> None:
    day = 86400
    written(tmp_path / "old.log", a_line(9 * day), age=8 * day)
    written(tmp_path / "new.log", a_line(8 * day), a_line(6 * day), a_line(60))
    lines, notes = found(tmp_path, "{files: '*.log'}")
    assert len(lines) == notes.lines == 2 and notes.files == ["new.log"]


def test_no_more_is_read_than_allowed_and_that_is_told(tmp_path: Path) -> None:
    many = [a_line(60, delivery=f"d{number}", filler="x" * 900) for number in range(1500)]
    written(tmp_path / "app.log", *many)
    written(tmp_path / "app.log.1", a_line(3600), age=3500)
    lines, notes = found(tmp_path, f"{{files: app.log*, megabytes: 1, {COLUMNS}}}")
    assert 800 < len(lines) < 1100 and lines[-1].delivery_id == "d1499", "the newest are read"
    assert notes.unread == ["app.log.1"] and {one.number for one in lines} == {None}
    assert list(notes.limits()) == ["the log is longer than logs.megabytes; what is older than these was not read"]


def test_a_compressed_file_that_ends_early_is_told(tmp_path: Path) -> None:
    path = written(tmp_path / "app.log.gz", *(a_line(60, filler=os.urandom(500).hex()) for _ in range(200)))
    path.write_bytes(path.read_bytes()[:-5000])
    lines, notes = found(tmp_path, "{files: app.log.gz}")
    assert 0 < len(lines) < 200
    assert notes.problems == ["app.log.gz could not be read whole: it ends early, or is no gzip"]


def test_the_counts_of_a_long_log_stay_few_and_lose_no_line() -> None:
    notes = Notes()
    for number in range(50_000):
        level = ("info", "error")[number % 2]
        notes.take(Line(NOW - timedelta(seconds=7 * number), level, level == "error", "", "app.log", number))
    assert notes.step > 1 and len(notes.counts) <= 20_000
    assert sum(notes.counts.values()) == notes.lines == 50_000
    assert {second % notes.step for second, _ in notes.counts} == {0}


# The recording


@pytest.fixture
def some(tmp_path: Path) -> Parameters:
    noise = [a_line(30, event="page_read") for _ in range(50)]
    written(tmp_path / "app.log", *noise, a_line(20, delivery="d1"), a_line(10, level="error", event="lost \ud800"))
    return declared(tmp_path, f"{{files: app.log, {COLUMNS}}}")


def test_a_recording_keeps_errors_and_names_and_counts_the_rest(some: Parameters, tmp_path: Path) -> None:
    record(some, tmp_path / "recording")
    log = Log(tmp_path / "recording", some)
    assert [(one.delivery_id, one.is_error) for one in log.lines()] == [("d1", False), (None, True)]
    assert log.problem is None and log.notes.lines == 52
    assert sum(log.notes.counts.values()) == 52 and log.notes.last == NOW - timedelta(seconds=10)
    assert (tmp_path / "recording" / "logs.jsonl.gz").stat().st_mode & 0o077 == 0


def test_what_is_recorded_is_not_read_again(some: Parameters, tmp_path: Path) -> None:
    record(some, tmp_path / "recording")
    first = list(Log(tmp_path / "recording", some).lines())
    (tmp_path / "app.log").unlink()
    record(some, tmp_path / "recording")
    assert list(Log(tmp_path / "recording", some).lines()) == first != []


def test_an_altered_recording_and_another_description_are_refused(some: Parameters, tmp_path: Path) -> None:
    record(some, tmp_path / "recording")
    other = declared(tmp_path, "{files: app.log, columns: {message: event}}")
    assert "has changed since" in str(Log(tmp_path / "recording", other).problem)
    with gzip.open(tmp_path / "recording" / "logs.jsonl.gz", "at") as file:
        file.write("{}\n")
    with pytest.raises(LogError, match="its digest is another"):
        list(Log(tmp_path / "recording", some).lines())


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (["plain text"] * 3 + [a_line()], "most of the log could not be read: 3 lines of the log"),
        ([json.dumps({"timestamp": NOW.isoformat()})], "no line of the log tells its level"),
        ([a_line(level="Schlimm")], "which levels mean a failure is not known (logs.errors); there are schlimm"),
        ([a_line(level=50)], None),  # pino's and bunyan's error
        ([a_line()], None),
    ],
)
def test_a_log_that_proves_nothing_says_why(lines: list[str], problem: str | None, tmp_path: Path) -> None:
    written(tmp_path / "app.log", *lines)
    parameters = declared(tmp_path, "{files: app.log}")
    record(parameters, tmp_path / "recording")
    told = Log(tmp_path / "recording", parameters).problem
    assert told is None if problem is None else problem in str(told)


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ("{}", "small.yml:3:1: logs: needs files, files_env or command"),
        (
            "{files: a, columns: {id: x}}",
            "logs.columns: id is nothing that dsaudit reads of a line; it reads at, level",
        ),
        ("{files: a, zone: Nowhere}", "logs.zone: no time zone is called Nowhere"),
        ("{files: a, zone: ../etc}", "logs.zone: no time zone is called ../etc"),
        ("{files: a, megabytes: 0}", "logs.megabytes: has to be at least 1"),
        ("{file: a}", "logs.file: unknown key; did you mean files?"),
    ],
)
def test_a_mistake_in_the_section_is_named(section: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(ParameterError) as caught:
        declared(tmp_path, section)
    assert words in str(caught.value)
