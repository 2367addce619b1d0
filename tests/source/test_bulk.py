"""A bulk export: what is nested follows in lines of its own and is put where it belongs; or the export is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dsaudit.parameters import load
from dsaudit.source import Recording, record

FILE = """
integration: shop
database: {{url_env: NOT_USED}}
tenants: [{{name: shop, id: 1, account: shop}}]
source: {{kind: files, folder: exports{gids}}}
policy: {{in_flight_seconds: 0}}
resources:
  order: {{table: o, key: id, read: "orders*.jsonl*", bulk: Order, updated: updatedAt{count}}}
  line: {{table: l, key: id, nested: {{in: order, at: lines}}, bulk: LineItem}}
  tax: {{table: t, key: id, nested: {{in: line, at: taxes}}, bulk: TaxLine}}
  refund: {{table: r, key: id, read: "orders*.jsonl*", bulk: Refund}}
"""
Body = dict[str, Any]


def gid(kind: str, key: int, slash: str = "/") -> str:
    return f"gid:{slash}{slash}shopify{slash}{kind}{slash}{key}"


LINES: list[Body] = [
    {
        "id": gid("Order", 1),
        "updatedAt": "2026-11-20T12:00:00Z",
        "customer": {"id": gid("Customer", 5)},
        "total": 10.50,
    },
    {"id": gid("LineItem", 11), "title": 'of "gid://shopify/Order/1"', "__parentId": gid("Order", 1)},
    {"id": gid("TaxLine", 111), "__parentId": gid("LineItem", 11)},
    {"id": gid("Refund", 21), "__parentId": gid("Order", 1)},
    {"id": gid("LineItem", 12), "title": "b", "__parentId": gid("Order", 1)},
    {"id": gid("Unasked", 12), "__parentId": gid("Order", 1)},
    {"id": gid("Order", 2), "updatedAt": "2026-11-21T12:00:00Z", "customer": None, "total": 0},
]
DONE = {"status": "COMPLETED", "errorCode": None, "partialDataUrl": None, "objectCount": "7", "rootObjectCount": "2"}
Read = Callable[..., Recording]


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Read:
    """Write an export, and perhaps the answer that describes its operation, and read it."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "exports" / "shop"
    folder.mkdir(parents=True)
    (tmp_path / "parameters").mkdir()

    def made(*files: list[Any], told: Any = None, gids: str = "") -> Recording:
        for number, lines in enumerate(files):
            text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
            (folder / f"orders{number}.jsonl").write_text(text, encoding="utf-8")
        if told is not None:
            (folder / "told.json").write_text(json.dumps(told), encoding="utf-8")
        count = ", count: told.json" if told is not None else ""
        (tmp_path / "parameters" / "shop.yml").write_text(FILE.format(count=count, gids=gids), encoding="utf-8")
        parameters = load("parameters/shop.yml")
        record(parameters, tmp_path / "recording")
        return Recording(tmp_path / "recording", parameters)

    return made


def ids(recording: Recording, name: str) -> list[tuple[str, str | None]]:
    assert recording.problem("shop", name) is None
    return [(item.source_id, item.parent_id) for item in recording.items("shop", name)]


@pytest.mark.parametrize("told", [None, {"data": {"node": DONE}}, {"count": 2}])
def test_what_is_nested_goes_into_its_parent_or_is_a_list_of_its_own(told: Any, read: Read) -> None:
    recording = read(LINES, told=told)
    assert ids(recording, "order") == [("1", None), ("2", None)]
    assert ids(recording, "line") == [("11", "1"), ("12", "1")]
    assert ids(recording, "tax") == [("111", "11")]
    assert ids(recording, "refund") == [("21", None)]
    first, second = [item.record for item in recording.items("shop", "order")]
    assert first["customer"] == {"id": 5} and str(first["total"]) == "10.5" and second["lines"] == []
    assert first["lines"][0]["title"] == 'of "gid://shopify/Order/1"', "a part of a text is no id"
    (refund,) = [item.record for item in recording.items("shop", "refund")]
    assert refund["__parentId"] == 1, "by which it can be joined"


def test_ids_can_stay_as_they_are(read: Read) -> None:
    recording = read(LINES, gids=", gids: text")
    assert ids(recording, "line")[0] == (gid("LineItem", 11), gid("Order", 1))


def test_a_slash_may_be_escaped(read: Read) -> None:
    escaped = [json.dumps(line).replace("/", "\\/") for line in LINES]
    assert ids(read(escaped), "tax") == [("111", "11")]


def test_several_files_are_one_list(read: Read) -> None:
    recording = read(LINES[:6], LINES[6:], told=DONE)
    assert ids(recording, "order") == [("1", None), ("2", None)]


@pytest.mark.parametrize(
    ("lines", "told", "problem"),
    [
        (LINES[1:], None, "line 1 belongs to a record that does not stand before it"),
        ([LINES[0], LINES[6], LINES[1]], None, "line 3 belongs to a record that does not stand before it"),
        ([LINES[0], LINES[2]], None, "line 2 belongs to a record that does not stand before it"),
        ([*LINES, json.dumps(LINES[0])[:40]], None, "line 8 is no JSON"),
        ([{"name": "x"}], None, "line 1 has no id that tells its type"),
        ([{"id": 7}], None, "line 1 has no id that tells its type"),
        ([{**LINES[0], "lines": []}], None, "has lines already, where the lines of LineItem should go"),
        (LINES[:6], DONE, "6 lines were read, but the bulk operation wrote 7"),
        (LINES, {**DONE, "objectCount": "8"}, "7 lines were read, but the bulk operation wrote 8"),
        (LINES, {**DONE, "status": "FAILED"}, "the bulk operation has not ended well"),
        (LINES, {**DONE, "partialDataUrl": "x"}, "the bulk operation has not ended well"),
        (LINES, {**DONE, "objectCount": None}, "objectCount is no number"),
        (LINES, {"count": 3}, "2 records were read, but the source counts 3"),
        ([LINES[0], LINES[0]], None, "1 id came twice"),
    ],
)
def test_an_export_that_is_not_whole_is_no_list(lines: list[Any], told: Any, problem: str, read: Read) -> None:
    recording = read(lines, told=told)
    assert recording.count("shop", "order") is None
    assert problem in str(recording.problem("shop", "order"))
    assert recording.problem("shop", "line")


def test_an_operation_that_found_nothing_wrote_no_file(read: Read) -> None:
    recording = read(told={**DONE, "objectCount": "0"})
    assert ids(recording, "order") == []
