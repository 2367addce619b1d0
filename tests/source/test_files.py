"""Exported files of every kind are read exactly, and a damaged one is no small set."""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import fsspec
import pytest

from dsaudit.parameters import ParameterError, Parameters
from dsaudit.source import estimated, files, reachable
from tests.source.providers import Reader, an_order, ids, not_whole

BIG = "12345678901234567890.1230"
LINE = f'{{"id": 9007199254740993, "total": {BIG}, "e": 1e2, "note": "\\ud800", "updated_at": null}}'
COLUMNS = "id,total,note,updated_at"


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """The folder of the only account."""
    folder = tmp_path / "export" / "shop"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def take(export: Path, read: Reader) -> Callable[..., Any]:
    def taken(name: str, content: bytes | str | None = None, more: str = "", **options: Any) -> Any:
        if content is not None:
            (export / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return read(source=f"{{kind: files, folder: '{export.parent}'{more}}}", read=name, **options)

    return taken


Take = Callable[..., Any]


def records(recording: Any) -> list[dict[str, Any]]:
    assert recording.problem("shop", "order") is None
    return [item.record for item in recording.items("shop", "order")]


def parquet(path: Path, select: str) -> None:
    with duckdb.connect() as engine:
        engine.execute(f"copy ({select}) to '{path}' (format parquet)")


# JSON Lines


@pytest.mark.parametrize("name", ["orders.json", "orders.jsonl", "orders.ndjson", "orders.ndjson.gz"])
def test_json_lines_keep_every_digit(take: Take, name: str) -> None:
    content = f"\ufeff{LINE}\n\n  {json.dumps(an_order(2))}".encode()
    one, two = records(take(name, gzip.compress(content) if name.endswith(".gz") else content))
    assert (one["id"], one["total"], one["note"]) == (9007199254740993, Decimal(BIG), "\ud800")
    assert str(one["total"]) == BIG
    assert two["id"] == 2


def test_the_recording_holds_the_lines_as_they_were(take: Take, tmp_path: Path) -> None:
    recording = take("orders.jsonl", f"{LINE}\n")
    path = recording.file("shop", "order")
    assert path == recording.file("shop", "line"), "a nested resource's records are in its parent's file"
    assert gzip.decompress(path.read_bytes()).decode() == f"{LINE}\n"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'{"id": 1}\n{broken\n', "line 2 is no JSON"),
        (b'{"id": 1}\n{"id": 2', "line 2 is no JSON"),
        (b'{"id": 1}{"id": 2}\n', "line 1 is no JSON"),
        (b'{"id": NaN}\n', "line 1 is no JSON"),
        (b'{"id": 1, "id": 2}\n', "line 1: a name is given twice"),
        (b'{"id": "\xff"}\n', "not UTF-8"),
    ],
)
def test_a_line_that_is_no_record_is_told(take: Take, content: bytes, told: str) -> None:
    assert told in not_whole(take("orders.jsonl", content))


@pytest.mark.parametrize("damage", ["cut in the middle", "cut at the end", "other bytes", "no gzip"])
def test_a_damaged_archive_is_told(take: Take, damage: str) -> None:
    lines = "".join(f"{json.dumps(an_order(key))}\n" for key in range(2000)).encode()
    packed = bytearray(gzip.compress(lines))
    if damage == "other bytes":
        packed[-6] ^= 1  # in the checksum
    parts = {"cut in the middle": packed[: len(packed) // 2], "cut at the end": packed[:-3], "no gzip": lines}
    for name in ("orders.jsonl.gz", "orders.csv.gz"):
        assert "is cut off or damaged" in not_whole(take(name, bytes(parts.get(damage, packed))))


def test_no_file_is_no_empty_list(take: Take) -> None:
    assert "No such file" in not_whole(take("orders.jsonl"))
    assert "No such file" in not_whole(take("orders-*.parquet"))
    assert "is read only as" in not_whole(take("orders.xml", "<orders/>"))


def test_files_of_a_pattern_are_one_list(take: Take, export: Path) -> None:
    for number in (1, 2):
        (export / f"orders-{number}.jsonl").write_text(f"{json.dumps(an_order(number))}\n")
    assert ids(take("orders-*.jsonl")) == ["1", "2"]
    (export / "orders-3.jsonl").write_text(f"{json.dumps(an_order(3))}\n{json.dumps(an_order(2))}\n")
    assert "came twice" in not_whole(take("orders-*.jsonl"))


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_folder_is_neither_a_column_nor_a_pattern(take: Take, export: Path, kind: str) -> None:
    for number, name in enumerate(("status=paid", "d[1]", "d1")):
        (export / name).mkdir()
        duckdb.execute(f"copy (select {number} as id, 'open' as status) to '{export / name}/orders.{kind}'")
    found = records(take(f"'*/orders.{kind}'"))
    assert [(int(one["id"]), one["status"]) for one in found] == [(2, "open"), (1, "open"), (0, "open")]


def test_a_file_with_the_number_of_records_is_held_against_them(take: Take, export: Path) -> None:
    (export / "count.json").write_text('{"count": 2}')
    assert "1 record was read, but the source counts 2" in not_whole(take("orders.jsonl", LINE, counted=True))
    (export / "count.json").write_text('{"count": 1}')
    assert take("orders.jsonl", LINE, counted=True).count("shop", "order") == 1
    (export / "count.json").unlink()
    assert "No such file" in not_whole(take("orders.jsonl", LINE, counted=True))


# CSV


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("name", ["orders.csv", "orders.csv.gz"])
def test_csv_is_text_and_nothing_is_not_the_empty_text(take: Take, name: str, end: str) -> None:
    lines = [f"\ufeff{COLUMNS}", f"007,{BIG},,NULL", '8,1e5,""," a ""b""\n c"', "9,\\N,null,é"]
    content = "".join(f"{line}{end}" for line in lines).encode()
    found = records(take(name, gzip.compress(content) if name.endswith(".gz") else content))
    assert [list(one.values()) for one in found] == [
        ["007", BIG, None, "NULL"],
        ["8", "1e5", "", ' a "b"\n c'],
        ["9", "\\N", "null", "é"],
    ]


def test_a_csv_of_other_delimiters_is_declared(take: Take) -> None:
    assert records(take("orders.csv", "id;a\n1;2,5\n", more=", delimiter: ';'")) == [{"id": "1", "a": "2,5"}]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("id,a\n1\n", "no such file as its name says at line 2"),
        ("id,a\n1,2,s3cret\n", "no such file as its name says at line 2"),
        ('id,a\n1,"2\n', "no such file as its name says at line 2"),
        (
            b"id,a\n%b1,\xff\n" % b"".join(b"%d,2\n" % one for one in range(5000)),
            "no such file as its name says at line 5002",
        ),
        (b"id,\xff\n1,2\n", "is not UTF-8"),
        ("id,id\n1,2\n", "has to name every column, each once"),
        ("id,\n1,2\n", "has to name every column, each once"),
        ("", "has to name every column, each once"),
    ],
)
def test_a_csv_that_is_none_is_told(take: Take, content: Any, told: str) -> None:
    assert told in (problem := not_whole(take("orders.csv", content))) and "s3cret" not in problem


# Parquet


def test_parquet_keeps_every_digit_and_instants_in_utc(take: Take, export: Path) -> None:
    parquet(
        export / "orders.parquet",
        f"""select 9007199254740993::bigint as id, {BIG}::decimal(38, 4) as total, 1.50::decimal(5, 2) as small,
        0.1::float as single, 'nan'::double as nothing, timestamptz '2026-11-20 12:00:00.123456+01' as updated_at,
        timestamp_ns '2026-11-20 12:00:00.123456789' as fine, [1.10::decimal(5, 2)] as list,
        {{'at': timestamptz '2026-11-20 12:00:00+01', 'it''s': 1.20::decimal(5, 2)}} as inside,
        '{{"a": 1.10}}'::json as document, 'x'::blob as bytes, date '2026-01-02' as day, true as flag,
        null::int as none, uuid '00000000-0000-0000-0000-000000000001' as uuid""",
    )
    (one,) = records(take("orders.parquet"))
    assert {name: str(value) for name, value in one.items()} == {
        "id": "9007199254740993",
        "total": BIG,
        "small": "1.50",
        "single": "0.1",
        "nothing": "nan",
        "updated_at": "2026-11-20T11:00:00.123456+00:00",
        "fine": "2026-11-20T12:00:00.123456789",
        "list": "[Decimal('1.10')]",
        "inside": "{'at': '2026-11-20T11:00:00+00:00', \"it's\": Decimal('1.20')}",
        "document": "{'a': Decimal('1.10')}",
        "bytes": "\\x78",
        "day": "2026-01-02",
        "flag": "True",
        "none": "None",
        "uuid": "00000000-0000-0000-0000-000000000001",
    }


def test_parquet_values_that_python_lacks_are_kept_wherever_they_stand(take: Take, export: Path) -> None:
    values = {
        "0.1::float": Decimal("0.1"),
        "'-inf'::float": "-inf",
        "date 'infinity'": "infinity",
        "timestamptz '-infinity'": "-infinity",
        "timestamptz '10000-01-01 01:00:00.5+01'": "10000-01-01T00:00:00.5+00:00",
        "timestamp_ns '2026-11-20 12:00:00.123456789'": "2026-11-20T12:00:00.123456789",
        "interval '1 month 1 day'": "1 month 1 day",
    }
    for value, told in values.items():
        select = f"select 1 as id, {value} as a, [{{'\"b': {value}}}, null] as l, map {{{value}: [{value}]}} as m"
        parquet(export / "orders.parquet", select)
        (one,) = records(take("orders.parquet"))
        assert one == {"id": 1, "a": told, "l": [{'"b': told}, None], "m": {str(told): [told]}}


def test_a_parquet_file_is_read_to_its_end_or_told(take: Take, export: Path) -> None:
    path = export / "orders.parquet"
    parquet(path, "select range as id, repeat('x', 50) || range as note from range(30000)")
    assert take("orders.parquet").count("shop", "order") == 30000
    content = path.read_bytes()
    assert "is no such file as its name says" in not_whole(take("orders.parquet", content[:-100]))
    assert "is no such file as its name says" in not_whole(take("orders.parquet", b"PAR1"))


def test_a_parquet_file_of_which_rows_are_lost_on_the_way_is_told(
    take: Take, export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parquet(export / "orders.parquet", "select range as id from range(10)")
    whole = files._rows
    monkeypatch.setattr(files, "_rows", lambda *parts: islice(whole(*parts), 9))
    assert "9 rows were read, but the file tells of 10" in not_whole(take("orders.parquet"))


# Behind a URL


@pytest.fixture
def bucket() -> Iterator[Any]:
    system = fsspec.filesystem("memory")
    system.store.clear()
    yield system
    system.store.clear()


REMOTE = "{kind: files, folder: 'memory://exports'}"


def test_files_behind_a_url_are_fetched_and_read(bucket: Any, read: Reader, export: Path) -> None:
    parquet(export / "orders.parquet", "select 1 as id")
    bucket.pipe("/exports/shop/part-1.parquet", (export / "orders.parquet").read_bytes())
    bucket.pipe("/exports/shop/part-2.jsonl", b'{"id": 2}\n')
    assert ids(read(source=REMOTE, read="part-*")) == ["1", "2"]
    assert ids(read(source=REMOTE, read="part-2.jsonl")) == ["2"]
    assert "No such file" in not_whole(read(source=REMOTE, read="part-3.jsonl"))
    assert "No such file" in not_whole(read(source=REMOTE, read="parts-*"))


def test_a_folder_behind_a_url_is_no_pattern(bucket: Any, read: Reader) -> None:
    bucket.pipe("/d[1]/shop/orders.jsonl", b'{"id": 1}\n')
    bucket.pipe("/d1/shop/orders.jsonl", b'{"id": 2}\n')
    for name in ("orders.jsonl", "o*.jsonl"):
        assert ids(read(source="{kind: files, folder: 'memory://d[1]'}", read=name)) == ["1"]


def test_a_file_that_did_not_come_whole_is_told(bucket: Any, read: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket.pipe("/exports/shop/orders.jsonl", b'{"id": 1}\n{"id": 2}\n')
    monkeypatch.setattr(type(bucket), "size", lambda system, path: 99)
    assert "20 bytes came of 99" in not_whole(read(source=REMOTE, read="orders.jsonl"))


@pytest.mark.parametrize(
    ("absent", "told"),
    [(["fsspec", "fsspec.core"], "files behind a URL need fsspec: pip install 'dsaudit[remote]'")],
)
def test_without_the_extra_a_url_is_refused(
    absent: list[str], told: str, read: Reader, parameters: Callable[..., Parameters], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in absent:
        monkeypatch.setitem(sys.modules, name, None)
    source = "{kind: files, folder: 's3://key:s3cret@bucket/exports?signature=s3cret'}"
    problem = not_whole(read(source=source, read="orders.jsonl"))
    assert told in problem and "s3cret" not in problem
    assert told in (dict(reachable(parameters(source=source)))["shop"] or "")


def test_a_kind_of_url_whose_package_is_absent_names_the_extra(read: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    problem = not_whole(read(source="{kind: files, folder: 's3://exports'}", read="orders.jsonl"))
    assert "pip install 'dsaudit[remote]'" in problem


# Ways in


def test_whether_the_folder_is_there_is_seen_beforehand(
    export: Path, parameters: Callable[..., Parameters], bucket: Any
) -> None:
    declared = parameters(source=f"{{kind: files, folder: '{export.parent}'}}")
    assert dict(reachable(declared)) == {"shop": None}
    assert list(estimated(declared)) == []
    export.rmdir()
    assert dict(reachable(declared)) == {"shop": "there is no folder shop"}
    assert "No such file" in (dict(reachable(parameters(source=REMOTE)))["shop"] or "")
    with pytest.raises(ParameterError, match=r"source\.folder: there is no folder"):
        parameters(source="{kind: files, folder: not/there}")
