"""What is nested in records is whole, or it is said why not: a list that was cut, an id given twice, a wrong path."""

from __future__ import annotations

from typing import Any

import pytest

from tests.source.providers import Provider, Reader, an_order, ids

HAS_ALL: dict[str, Any] = {"has_more": False, "total_count": 2, "pageInfo": {"hasNextPage": False}, "next": None}


def entry(at: str, more: str = "") -> str:
    """Declare one more resource behind the orders: what stands in them at a path."""
    return f"}}\n  entry: {{table: entries, key: id, nested: {{in: order, at: {at}{more}}}"


@pytest.mark.parametrize(
    ("at", "lines", "whole"),
    [
        ("lines.data", HAS_ALL, True),
        ("lines.data", {"has_more": True}, False),
        ("lines.data", {"total_count": 5}, False),
        ("lines.data", {"next": "/orders/1/lines?page=2"}, False),
        ("lines.nodes", {"pageInfo": {"hasNextPage": True}}, False),
        ("lines.edges.node", {"totalCount": 3}, False),
        ("lines.edges.node", {"totalCount": 2}, True),
    ],
)
def test_a_nested_list_that_the_source_cut_is_not_whole(
    at: str, lines: Any, whole: bool, provider: Provider, read: Reader
) -> None:
    inside = at.split(".")[1]
    held = [{"node": {"id": 1}}, {"node": {"id": 2}}] if inside == "edges" else [{"id": 1}, {"id": 2}]
    provider.lists("orders", [an_order(1, lines={inside: held, **lines}), an_order(2, lines={inside: []})])
    recording = read(more=entry(at))
    if whole:
        assert ids(recording, "entry") == ["1", "2"]
    else:
        assert recording.count("shop", "entry") is None
        told = f"1 of 2 records of order hold only a part of what they have at {at}"
        assert recording.problem("shop", "entry") == f"the source's list of entry is not whole: {told}"
    assert len(ids(recording)) == 2, "the orders themselves are whole"


@pytest.mark.parametrize(
    ("more", "order", "whole"),
    [
        ("", {"count": 5}, True),
        ("", {"has_more": True}, False),
        ("", {"total_count": 5}, True),  # beside other things it may count anything
        (", more: count", {"count": 5}, False),
        (", more: count", {"count": 2, "has_more": True}, True),
        (", more: cut", {"cut": True}, False),
    ],
)
def test_the_sign_of_a_cut_list_can_be_declared(
    more: str, order: Any, whole: bool, provider: Provider, read: Reader
) -> None:
    provider.lists("orders", [an_order(1, lines=[{"id": 1}, {"id": 2}], **order)])
    assert (read(more=entry("lines", more)).problem("shop", "entry") is None) is whole


def test_an_id_of_two_nested_records_is_told(provider: Provider, read: Reader) -> None:
    provider.lists("orders", [an_order(1, lines=[{"id": 7, "n": 100}]), an_order(2, lines=[{"id": 7, "n": 3}])])
    recording = read()
    problem = recording.problem("shop", "line")
    assert problem and problem.endswith("several records of line share 1 id; name more parts in id_from")
    assert recording.shared_ids("shop", "line") == ["7"]
    assert len(ids(recording)) == 2 and recording.shared_ids("shop", "order") == []


@pytest.mark.parametrize(
    ("orders", "whole"),
    [
        ([], True),
        ([{}, {}], False),
        ([{"line": [{"id": 1}]}], False),
        ([{"lines": {"datum": []}}], False),
        ([{}, {"lines": None}], True),
        ([{"lines": []}], True),
        ([{"lines": {"data": []}}], True),
    ],
)
def test_a_path_that_no_record_has_is_no_empty_list(
    orders: list[Any], whole: bool, provider: Provider, read: Reader
) -> None:
    provider.lists("orders", [an_order(key, **order) for key, order in enumerate(orders)])
    recording = read(more=entry("lines.data"))
    if whole:
        assert recording.count("shop", "entry") == 0
        return
    told = f"none of {len(orders)} records of order has anything at lines.data"
    assert told in (recording.problem("shop", "entry") or "")
    assert read(more=entry("lines.data") + ", may_be_empty: true").count("shop", "entry") == 0


def test_what_stands_in_a_nested_list_that_was_cut_is_not_whole_either(provider: Provider, read: Reader) -> None:
    lines = {"data": [{"id": 1, "taxes": [{"id": 4}]}], "has_more": True}
    provider.lists("orders", [an_order(1, lines=lines)])
    deep = entry("lines.data") + "}\n  deep: {table: deep, key: id, nested: {in: entry, at: taxes}"
    problem = read(more=deep).problem("shop", "deep")
    assert problem and problem.startswith("the source's list of entry is not whole: ")
