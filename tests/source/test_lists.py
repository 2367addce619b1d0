"""Reading a provider over real HTTP: to the end, with patience, and never a short answer for a small set."""

from __future__ import annotations

import gzip
import json
import re
import tempfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsaudit.parameters import Parameters, Resource
from dsaudit.source import SourceError, doubles, noting, reachable, rest
from dsaudit.source.reading import record_of
from tests.source.providers import TOKEN, Provider, Reader, an_order, ids, not_whole
from tests.source.providers import rest as section

# Pages


@pytest.mark.parametrize("relative", [False, True])
def test_pages_are_read_to_the_last(provider: Provider, read: Reader, relative: bool) -> None:
    pages = [[an_order(1), an_order(2)], [an_order(3), an_order(4)], [an_order(5)]]
    provider.lists("orders", *pages, relative=relative)
    recording = read()
    assert ids(recording) == ["1", "2", "3", "4", "5"]
    assert recording.problem("shop", "order") is None
    assert recording.count("shop", "order") == 5
    assert provider.tokens == {TOKEN}


@pytest.mark.parametrize("relation", ['rel="NEXT"', 'rel="next last"', "REL=next", 'title="b"; rel="last Next"'])
def test_a_link_is_the_next_one_in_any_case_and_beside_others(relation: str, provider: Provider, read: Reader) -> None:
    link = f'<{provider.address}/shop/orders.json?page=1>; rel="first", <{provider.address}/shop/more.json>; {relation}'
    provider.gives("/shop/orders.json?limit=2", {"orders": [an_order(1), an_order(2)]}, Link=link)
    provider.gives("/shop/more.json", {"orders": [an_order(3)]})
    assert ids(read()) == ["1", "2", "3"]


def test_an_empty_list_is_whole(provider: Provider, read: Reader) -> None:
    provider.lists("orders", [])
    recording = read()
    assert recording.count("shop", "order") == 0
    assert recording.count("shop", "line") == 0


@pytest.mark.parametrize(
    ("size", "alone", "is_whole"),
    [
        (5, {"orders": [an_order(1)]}, False),  # misspelt, and the provider keeps pages shorter than was asked for
        (2, {"orders": [an_order(1)], "meta": {"next": "b"}}, True),  # it is left out of the last page
        (2, {"orders": [an_order(1)], "meta": {"next": None}}, True),
        (2, {"orders": [an_order(1), an_order(2)]}, False),  # the size is ignored, and the page is full
        (3, {"orders": [an_order(1), an_order(2)]}, True),
        (2, "try later", False),
    ],
)
def test_a_page_that_is_the_last_for_want_of_the_path_is_asked_whether_it_is(
    size: int, alone: Any, is_whole: bool, provider: Provider, read: Reader
) -> None:
    paging = f"page_size: {size}, paging: {{style: cursor, parameter: after, next: meta.next}}"
    provider.gives(f"/shop/orders.json?limit={size}", {"orders": [an_order(1), an_order(2)]})
    provider.gives("/shop/orders.json?limit=1", alone)
    provider.gives("/shop/count.json", {"count": 2})
    recording = read(source=section(provider.address, paging))
    if is_whole:
        assert ids(recording) == ["1", "2"]
    else:
        told = not_whole(recording)
        assert "/shop/orders.json: there is no meta.next in the answer, and nothing tells whether its 2 records" in told
        assert re.search(r"correct \S*shop\.yml:\d+:\d+: source\.paging\.next, or declare the list's count", told)
    assert ids(read(source=section(provider.address, paging), counted=True)) == ["1", "2"]


def test_pages_in_a_circle_are_an_error(provider: Provider, read: Reader) -> None:
    back = f'<{provider.address}/shop/orders.json?limit=2>; rel="next"'
    provider.gives("/shop/orders.json?limit=2", {"orders": [an_order(1)]}, Link=back)
    assert "circle" in not_whole(read())


def test_scopes_in_a_circle_are_no_endless_list(provider: Provider, read: Reader) -> None:
    link = f'<{provider.address}/shop/scopes.json?limit=2>; rel="next"'
    provider.gives("/shop/scopes.json?limit=2", {"scopes": [{"handle": "read_orders"}]}, Link=link)
    provider.lists("orders", [an_order(1)])
    recording = read(source=section(provider.address, "page_size: 2, scopes: scopes.json"))
    assert recording.scopes("shop") is None
    assert "circle" in recording.index["tenants"]["shop"]["problems"][0]
    assert ids(recording) == ["1"]


def test_ids_are_told_apart_by_their_last_digit(provider: Provider, read: Reader) -> None:
    body = '{"orders": [{"id": 1.00000000000000000001}, {"id": 1.00000000000000000002}]}'
    provider.gives("/shop/orders.json?limit=2", body)
    assert ids(read()) == ["1.00000000000000000001", "1.00000000000000000002"]


def test_the_next_page_on_another_host_is_not_asked_for(provider: Provider, read: Reader) -> None:
    away = '<http://localhost:1/shop/orders.json?page=1>; rel="next"'
    provider.gives("/shop/orders.json?limit=2", {"orders": [an_order(1)]}, Link=away)
    assert "another host" in not_whole(read())
    assert provider.asked == ["/shop/orders.json?limit=2"]


def test_a_page_that_comes_again_is_seen_by_its_ids(provider: Provider, read: Reader) -> None:
    provider.lists("orders", [an_order(1), an_order(2)], [an_order(2), an_order(3)])
    assert "1 id came twice" in not_whole(read())


def test_a_record_that_changed_between_two_pages_came_twice_too(provider: Provider, read: Reader) -> None:
    changed = an_order(2, updated_at="2026-11-20T12:00:01+01:00")
    provider.lists("orders", [an_order(1), an_order(2)], [changed])
    recording = read()
    assert "came twice" in not_whole(recording)
    assert recording.shared_ids("shop", "order") == []


def test_an_id_of_two_records_is_named(provider: Provider, read: Reader) -> None:
    provider.lists("orders", [an_order(1, note="a"), an_order(1, note="b")])
    recording = read()
    assert "1 id stands for several different records" in not_whole(recording)
    assert recording.shared_ids("shop", "order") == ["1"]


@pytest.mark.parametrize("nameless", [{"updated_at": None}, {"id": None}, {"id": ""}, "no record", 7])
def test_a_record_without_an_id_is_told(provider: Provider, read: Reader, nameless: Any) -> None:
    provider.lists("orders", [an_order(1), nameless])
    assert "1 record has no id" in not_whole(read())


# Counts


def test_a_list_that_agrees_with_the_count_is_whole(provider: Provider, read: Reader) -> None:
    provider.lists("orders", [an_order(1), an_order(2)])
    provider.gives("/shop/count.json", {"count": 2})
    assert read(counted=True).problem("shop", "order") is None


def test_a_list_shorter_than_the_count_is_not_whole(provider: Provider, read: Reader) -> None:
    provider.lists("orders", [an_order(1), an_order(2)])
    provider.gives("/shop/count.json", {"count": 3})
    recording = read(counted=True)
    assert "2 records were read, but the source counts 3" in not_whole(recording)
    assert recording.count("shop", "line") is None, "what is nested in a list that is not whole is not whole either"


@pytest.mark.parametrize(("before", "after", "whole"), [(2, 3, True), (3, 2, True), (3, 4, False), (0, 1, False)])
def test_a_source_in_use_may_count_otherwise_before_and_after(
    provider: Provider, read: Reader, before: int, after: int, whole: bool
) -> None:
    provider.lists("orders", [an_order(1), an_order(2)])
    provider.gives("/shop/count.json", {"count": before}, {"count": after})
    assert (read(counted=True).problem("shop", "order") is None) is whole


# Refusals and patience


def test_a_rate_limit_is_waited_out(provider: Provider, read: Reader) -> None:
    provider.gives("/shop/orders.json?limit=2", {}, {}, status=429, Retry_After="0.01")
    provider.lists("orders", [an_order(1)])
    assert ids(read()) == ["1"]
    assert len(provider.asked) == 3


@pytest.mark.parametrize("status", [429, 500, 503])
def test_patience_ends(provider: Provider, read: Reader, status: int) -> None:
    provider.gives("/shop/orders.json?limit=2", {}, status=status, Retry_After="0")
    assert f"still answers {status}" in not_whole(read())
    assert len(provider.asked) == rest.ATTEMPTS


def test_a_failure_in_the_middle_makes_no_small_set(provider: Provider, read: Reader) -> None:
    following = f'<{provider.address}/shop/orders.json?page=1>; rel="next"'
    provider.gives("/shop/orders.json?limit=2", {"orders": [an_order(1), an_order(2)]}, Link=following)
    provider.gives("/shop/orders.json?page=1", {}, status=500, Retry_After="0")
    assert "still answers 500" in not_whole(read())


def test_a_redirect_is_not_followed(provider: Provider, read: Reader) -> None:
    provider.gives("/shop/orders.json?limit=2", "", status=302, Location=f"{provider.address}/other")
    assert "redirect" in not_whole(read())
    assert provider.asked == ["/shop/orders.json?limit=2"]


@pytest.mark.parametrize(("status", "refused"), [(401, True), (403, True), (404, False)])
def test_a_refusal_is_told_from_a_failure(provider: Provider, read: Reader, status: int, refused: bool) -> None:
    provider.gives("/shop/orders.json?limit=2", {"errors": "no"}, status=status)
    recording = read()
    assert str(status) in not_whole(recording)
    assert bool(recording.refusal("shop", "order")) is refused


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("<html>Please log in</html>", "not with JSON"),
        ('{"orders": [', "not with JSON"),
        ('{"orders": [{"id": NaN}]}', "not with JSON"),
        ("[" * 100_000, "not with JSON"),
        ('{"errors": "try later"}', "one list of records"),
        ('{"orders": [], "more": []}', "one list of records"),
        ("3", "one list of records"),
    ],
)
def test_a_200_that_is_no_list_is_an_error(provider: Provider, read: Reader, body: str, told: str) -> None:
    provider.gives("/shop/orders.json?limit=2", body)
    assert told in not_whole(read())


def test_an_answer_that_breaks_off_is_an_error(
    provider: Provider, read: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest, "ATTEMPTS", 2)
    body = json.dumps({"orders": [an_order(1)]})
    provider.gives("/shop/orders.json?limit=2", body, Content_Length=str(len(body) + 10))
    assert "no answer" in not_whole(read())


def test_a_page_that_is_too_large_is_not_taken_in(
    provider: Provider, read: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest, "LARGEST_BODY", 1000)
    packed = gzip.compress(json.dumps({"orders": [an_order(1, note="x" * 10_000_000)]}).encode())
    assert len(packed) < 20_000
    provider.answers["/shop/orders.json?limit=2"] = [(200, {"Content-Encoding": "gzip"}, packed)]
    assert "a page of more than 1000 bytes" in not_whole(read())


def test_a_list_on_another_host_is_not_asked_for(provider: Provider, read: Reader) -> None:
    assert "on another host" in not_whole(read(read="'http://localhost:1/orders.json'"))
    assert not provider.asked


def test_nobody_there_is_said_in_a_line(parameters: Callable[..., Parameters], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest, "ATTEMPTS", 1)
    nowhere = "{kind: rest, base_url: 'http://127.0.0.1:9', token_env: SHOP_TOKEN}"
    problems = dict(reachable(parameters(source=nowhere)))
    assert "no answer (ConnectError)" in (problems["shop"] or "")


def test_a_clock_told_wrongly_is_no_error(provider: Provider, read: Reader) -> None:
    provider.gives("/shop/orders.json?limit=2", {"orders": [an_order(1)]}, Date="yesterday")
    assert ids(read()) == ["1"]


# What is kept


def test_the_recording_is_private_and_holds_no_token(provider: Provider, read: Reader, tmp_path: Path) -> None:
    provider.lists("orders", [an_order(1)])
    read()
    files = [path for path in (tmp_path / "recording").rglob("*") if path.is_file()]
    for path in files:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        assert TOKEN.encode() not in content
        assert path.suffix == ".json" or path.stat().st_mode & 0o077 == 0


def test_numbers_come_back_exactly(provider: Provider, read: Reader) -> None:
    body = '{"orders": [{"id": 9007199254740993, "total": 12345678901234567890.1230, "note": "\\ud800"}]}'
    provider.gives("/shop/orders.json?limit=2", body)
    (item,) = read().items("shop", "order")
    assert item.source_id == "9007199254740993"
    assert item.record["total"] == Decimal("12345678901234567890.1230")


def test_a_cut_recording_is_no_small_set(provider: Provider, read: Reader, tmp_path: Path) -> None:
    provider.lists("orders", [an_order(1, lines=[]), an_order(2)], [an_order(3)])
    recording = read()
    path = tmp_path / "recording" / "shop" / "order.jsonl.gz"
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    path.write_bytes(gzip.compress(lines[0]))
    with pytest.raises(SourceError, match="not as it was written"):
        list(recording.items("shop", "order"))
    with pytest.raises(SourceError, match="not as it was written"):
        recording.count("shop", "line")
    path.unlink()
    with pytest.raises(SourceError, match="cannot be read"):
        recording.count("shop", "order")


def test_nested_records_have_ids_of_their_place(provider: Provider, read: Reader) -> None:
    lines = [{"id": 7}, {"id": 8}]
    order = an_order(1, lines=lines, taxes=[{}, {}], ship_to={"zip": "1"}, bill_to=None)
    provider.lists("orders", [order, an_order(2, lines=None, taxes=[{}])])
    recording = read()
    assert ids(recording, "line") == ["7", "8"]
    assert ids(recording, "tax") == ["1:1", "1:2", "2:1"]
    assert ids(recording, "address") == ['["1", "to"]']
    (line, _) = recording.items("shop", "line")
    assert line.top["id"] == 1


TIMES = [None, "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"]
DRAWN = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 2), st.sampled_from(TIMES)), max_size=8)


@settings(max_examples=25)
@given(DRAWN)
def test_ids_are_judged_alike_in_memory_and_on_disk(drawn: list[tuple[str, int, str | None]]) -> None:
    resource = Resource.model_validate({"table": "t", "key": "id", "updated": "at"})
    texts = [json.dumps({"id": name, "content": content, "at": at}) for name, content, at in drawn]
    told = []
    for most in (1, doubles.A_BATCH):
        with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
            patch.setattr(doubles, "A_BATCH", most)
            notes = noting.Notes(resource, doubles.Ids(Path(folder) / "ids"))
            for number, text in enumerate(texts):
                notes.note([record_of(text, "a line"), record_of(json.dumps({"id": f"own {number}"}), "a line")])
            told.append((notes.facts(), notes.doubt(None, None)))
            notes.close()
    assert told[0] == told[1]
