"""The recording: the same bytes each time, used again without the source, and gone on with where it broke off."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dsaudit.parameters import Parameters
from dsaudit.source import Recording, SourceError, record, replay, rest, resume
from dsaudit.source.recording import instant_at
from tests.source.providers import TOKEN, an_order, ids, not_whole, serving
from tests.source.providers import rest as section
from tests.source.shelf import STYLES, Shelf, broken

COUNT = 11
QUIET: Any = lambda line: None  # noqa: E731


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    made = Shelf([an_order(key, total=key / 4) for key in range(1, COUNT + 1)])
    with serving(made.answer, made.tokens) as made.address:
        yield made


@pytest.fixture
def declared(shelf: Shelf, parameters: Callable[..., Parameters]) -> Callable[[str], Parameters]:
    """The shelf's list, three records a page, in one of the styles."""

    def made(style: str) -> Parameters:
        paging, path, more = STYLES[style]
        return parameters(
            source=section(shelf.address, f"page_size: 3, paging: {paging}"), read=path, more=more, counted=True
        )

    return made


def run_folder(tmp_path: Path, name: str) -> Path:
    """Return the folder of a run in which a recording can be taken."""
    (tmp_path / name / "private").mkdir(parents=True)
    return tmp_path / name


def taken(parameters: Parameters, run: Path) -> bytes:
    """Record the source into a run's folder and return the bytes of its list."""
    record(parameters, run / "private" / "recording")
    return (run / "private" / "recording" / "shop" / "order.jsonl.gz").read_bytes()


# The file


def test_the_same_records_give_the_same_bytes(declared: Callable[[str], Parameters], tmp_path: Path) -> None:
    assert taken(declared("link"), run_folder(tmp_path, "one")) == taken(declared("link"), run_folder(tmp_path, "two"))


def test_the_records_stand_as_the_source_wrote_them(
    shelf: Shelf, declared: Callable[[str], Parameters], tmp_path: Path
) -> None:
    own = '{"id" :1e0,\r\n "total":\t100.10,"n":12345678901234567890.1230, "t":"a\\nb \\u00e9é"}'
    shelf.faults = {1: lambda answer: (200, {}, f'{{"a": {{"b": []}}, "orders" : [ {own} ,\n{{}} ] }}'.encode())}
    content = gzip.decompress(taken(declared("link"), run_folder(tmp_path, "one"))).decode()
    assert content == own.replace("\r\n", " ") + "\n{}\n"


def test_duckdb_reads_the_file(shelf: Shelf, declared: Callable[[str], Parameters], tmp_path: Path) -> None:
    run = run_folder(tmp_path, "one")
    taken(declared("link"), run)
    path = Recording(run / "private" / "recording", declared("link")).file("shop", "line")
    with duckdb.connect() as engine:
        found = engine.execute("select json->>'id', json->>'total' from read_ndjson_objects(?)", [str(path)]).fetchall()
    assert found == [(str(key), str(key / 4)) for key in range(1, COUNT + 1)]
    shelf.records = []
    taken(declared("link"), run)
    with duckdb.connect() as engine:
        assert engine.execute("select count(*) from read_ndjson_objects(?)", [str(path)]).fetchall() == [(0,)]


def test_a_recording_is_private(declared: Callable[[str], Parameters], tmp_path: Path) -> None:
    run = run_folder(tmp_path, "one")
    taken(declared("link"), run)
    for path in (run / "private" / "recording").rglob("*"):
        assert path.name == "index.json" or path.stat().st_mode & 0o077 == 0
        assert path.is_dir() or TOKEN.encode() not in path.read_bytes()


# Replay


def test_a_replay_is_the_same_bit_for_bit_and_asks_nobody(
    shelf: Shelf, declared: Callable[[str], Parameters], tmp_path: Path
) -> None:
    run, again = run_folder(tmp_path, "first-run"), run_folder(tmp_path, "second-run")
    content = taken(declared("cursor"), run)
    shelf.asked.clear()
    replay(run)(declared("cursor"), again / "private" / "recording", QUIET)
    assert (again / "private" / "recording" / "shop" / "order.jsonl.gz").read_bytes() == content
    recording = Recording(again / "private" / "recording", declared("cursor"))
    first = Recording(run / "private" / "recording", declared("cursor"))
    assert ids(recording) == ids(first) and recording.started == first.started
    assert recording.index["replayed"] == "first-run" and not shelf.asked
    third = run_folder(tmp_path, "third-run") / "private" / "recording"
    replay(again)(declared("cursor"), third, QUIET)
    assert json.loads((third / "index.json").read_text())["replayed"] == "first-run"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("integration: shop", "integration: other", "for another integration"),
        ("{name: shop, id: 1", "{name: else, id: 1", "for other tenants"),
        ("{name: shop, id: 1", "{name: shop, id: 2", "by another description"),
        ("  line: {table", "  row: {table", "for other resources"),
        ("page_size: 3", "page_size: 4", "by another description"),
        ("read: link", "read: links", "by another description"),
        ("id: 1, account: shop", "id: 1, account: mart", "by another description"),
    ],
)
def test_a_recording_of_something_else_is_refused(
    old: str, new: str, told: str, declared: Callable[[str], Parameters], tmp_path: Path
) -> None:
    from dsaudit.parameters import load

    run = run_folder(tmp_path, "one")
    path = declared("link").path
    taken(declared("link"), run)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    for read, folder in ((replay(run), tmp_path / "two"), (resume, run / "private" / "recording")):
        with pytest.raises(SourceError, match=told) as caught:
            read(load(path), folder, QUIET)
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "two").exists()
    path.write_text(text.replace("policy: {", "policy: {latency_seconds: 9, "))
    replay(run)(load(path), tmp_path / "two", QUIET)  # what has nothing to do with reading may change


def test_what_is_no_recording_is_refused(declared: Callable[[str], Parameters], tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="there is no recording"):
        replay(tmp_path)(declared("link"), tmp_path / "two", QUIET)
    run = run_folder(tmp_path, "one")
    taken(declared("link"), run)
    index = run / "private" / "recording" / "index.json"
    index.rename(index.with_name("index.json.draft"))
    with pytest.raises(SourceError, match="not read to its end there; go on with it by --resume"):
        replay(run)(declared("link"), tmp_path / "two", QUIET)
    index.write_text("{}")
    with pytest.raises(SourceError, match="no index that this version understands"):
        replay(run)(declared("link"), tmp_path / "two", QUIET)


# Resume

REREAD = ["offset_of_total", "page", "page_from_zero"]


def again(parameters: Parameters, run: Path) -> Recording:
    record(parameters, run / "private" / "recording", resume=True)
    return Recording(run / "private" / "recording", parameters)


def content_of(run: Path) -> bytes:
    return (run / "private" / "recording" / "shop" / "order.jsonl.gz").read_bytes()


@pytest.mark.parametrize("style", STYLES)
def test_a_broken_reading_goes_on_behind_its_last_page(
    style: str,
    shelf: Shelf,
    declared: Callable[[str], Parameters],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = taken(declared(style), run_folder(tmp_path, "whole"))
    asked = len(shelf.asked)
    monkeypatch.setattr(rest, "ATTEMPTS", 1)
    shelf.asked.clear()
    shelf.faults = {3: broken()}
    run = run_folder(tmp_path, "broken")
    taken(declared(style), run)
    assert "page 3: " in not_whole(Recording(run / "private" / "recording", declared(style)))
    shelf.asked.clear()
    shelf.faults = {}
    recording = again(declared(style), run)
    assert recording.problem("shop", "order") is None
    assert ids(recording) == [str(key) for key in range(1, COUNT + 1)]
    assert content_of(run) == whole, "two readings and one give the same bytes"
    assert len(shelf.asked) == asked - 2 + (style in REREAD), "pages by their number alone show nothing that moved"


@pytest.mark.parametrize("style", ["offset", "offset_of_total", "page"])
def test_a_numbered_list_that_moved_since_it_broke_off_is_read_anew(
    style: str, shelf: Shelf, declared: Callable[[str], Parameters], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest, "ATTEMPTS", 1)
    shelf.faults = {3: broken()}
    run = run_folder(tmp_path, "broken")
    taken(declared(style), run)
    shelf.faults = {}
    del shelf.records[1]  # behind it, every record now stands one place earlier
    shelf.records.append(an_order(COUNT + 1, total=1))
    assert ids(again(declared(style), run)) == [str(one["id"]) for one in shelf.records]


def test_a_whole_list_is_not_read_again(shelf: Shelf, declared: Callable[[str], Parameters], tmp_path: Path) -> None:
    run = run_folder(tmp_path, "one")
    whole = taken(declared("offset"), run)
    shelf.asked.clear()
    assert again(declared("offset"), run).count("shop", "order") == COUNT
    assert content_of(run) == whole and not shelf.asked


def test_a_list_that_was_found_wanting_is_read_anew(
    shelf: Shelf, declared: Callable[[str], Parameters], tmp_path: Path
) -> None:
    run = run_folder(tmp_path, "one")
    shelf.counted = 12
    taken(declared("link"), run)
    assert "the source counts 12" in not_whole(Recording(run / "private" / "recording", declared("link")))
    shelf.asked.clear()
    assert "the source counts 12" in not_whole(again(declared("link"), run))
    assert len(shelf.asked) == 4


@pytest.mark.parametrize("damage", ["cut", "changed", "journal", "gone"])
def test_pages_that_are_not_as_they_were_written_are_read_anew(
    damage: str,
    shelf: Shelf,
    declared: Callable[[str], Parameters],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rest, "ATTEMPTS", 1)
    shelf.faults = {3: broken()}
    run = run_folder(tmp_path, "one")
    content = bytearray(taken(declared("link"), run))
    path = run / "private" / "recording" / "shop" / "order.jsonl.gz"
    if damage == "changed":
        content[-10] ^= 1
    path.write_bytes(content[:-10] if damage == "cut" else content)
    if damage == "gone":
        path.unlink()
    if damage == "journal":
        path.with_name("order.journal").write_text("{")
    shelf.faults = {}
    shelf.asked.clear()
    assert len(ids(again(declared("link"), run))) == COUNT
    assert len(shelf.asked) == 4


def test_the_window_of_a_resumed_reading_begins_with_the_first(
    shelf: Shelf, declared: Callable[[str], Parameters], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest, "ATTEMPTS", 1)
    shelf.faults = {3: broken()}
    run = run_folder(tmp_path, "one")
    taken(declared("link"), run)
    started = Recording(run / "private" / "recording", declared("link")).started
    shelf.faults = {}
    recording = again(declared("link"), run)
    assert recording.started == started
    assert recording.index["tenants"]["shop"]["resources"]["order"]["started"] < recording.index["ended"]


def test_a_cursor_that_holds_the_token_is_not_kept(
    shelf: Shelf, declared: Callable[[str], Parameters], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest, "ATTEMPTS", 1)

    def telling(answer: Any) -> Any:
        return answer[0], {"Link": answer[1]["Link"].replace("&from", f"&token={TOKEN}&from")}, answer[2]

    shelf.faults = {1: telling, 2: telling, 3: broken()}
    run = run_folder(tmp_path, "one")
    taken(declared("link"), run)
    for path in (run / "private" / "recording").rglob("*.j*"):
        assert TOKEN.encode() not in path.read_bytes()
    shelf.faults = {}
    assert len(ids(again(declared("link"), run))) == COUNT


def test_a_cursor_that_the_provider_forgot_is_no_end(
    shelf: Shelf, declared: Callable[[str], Parameters], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest, "ATTEMPTS", 1)
    shelf.faults = {3: broken(), 4: broken(410)}
    run = run_folder(tmp_path, "one")
    taken(declared("cursor"), run)
    assert len(ids(again(declared("cursor"), run))) == COUNT
    assert len(shelf.asked) == 4 + 4, "all of its pages are read anew"


def test_a_killed_reading_goes_on(shelf: Shelf, declared: Callable[[str], Parameters], tmp_path: Path) -> None:
    whole = taken(declared("link"), run_folder(tmp_path, "whole"))
    shelf.asked.clear()
    reached, killed = threading.Event(), threading.Event()

    def stopping(number: int) -> None:
        if number == 3:
            reached.set()
            killed.wait(60)

    shelf.before = stopping
    run = run_folder(tmp_path, "killed")
    code = (
        "import sys; from pathlib import Path; from dsaudit.parameters import load; from dsaudit.source import record; "
        "record(load(sys.argv[1]), Path(sys.argv[2]))"
    )
    arguments = [sys.executable, "-c", code, str(declared("link").path), str(run / "private" / "recording")]
    with subprocess.Popen(arguments, env={**os.environ, "SHOP_TOKEN": TOKEN}) as process:
        assert reached.wait(60)
        process.send_signal(signal.SIGKILL)
    killed.set()
    shelf.before = QUIET
    with (run / "private" / "recording" / "shop" / "order.jsonl.gz").open("ab") as file:
        file.write(b"\x1f\x8bhalf a page" * 1000)
    shelf.asked.clear()
    resume(declared("link"), run / "private" / "recording", QUIET)
    assert len(shelf.asked) == 2
    assert content_of(run) == whole
    assert len(ids(Recording(run / "private" / "recording", declared("link")))) == COUNT


@pytest.mark.parametrize(
    ("given", "instant"),
    [
        (1790000000, "2026-09-21T14:13:20+00:00"),
        (1790000000123, "2026-09-21T14:13:20.123000+00:00"),
        (Decimal("1790000000.5"), "2026-09-21T14:13:20.500000+00:00"),
        ("2026-09-21T16:13:20+02:00", "2026-09-21T14:13:20+00:00"),
        ("2026-09-21T14:13:20", None),
        (True, None),
        (10**20, None),
        ("soon", None),
    ],
)
def test_a_time_of_change_is_a_text_with_its_zone_or_counts_from_1970(given: object, instant: str | None) -> None:
    found = instant_at({"at": given}, "at")
    assert found == (datetime.fromisoformat(instant) if instant else None)
