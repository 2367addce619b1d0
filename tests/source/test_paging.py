"""Every style of paging reads all records and only those, in whatever portions they come; and its faults are named."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from dsaudit.parameters import ParameterError, Parameters
from dsaudit.source import Recording, record, rest
from dsaudit.source.paging import MARGIN, Listing
from tests.source.providers import Reader, an_order, ids, not_whole, serving
from tests.source.providers import rest as section
from tests.source.shelf import STYLES, Fault, Shelf, broken, cut, saying


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    made = Shelf([an_order(key) for key in range(1, 8)])
    with serving(made.answer, made.tokens) as made.address:
        yield made


def options(shelf: Shelf, style: str, page_size: int = 3, **others: Any) -> dict[str, Any]:
    paging, path, more = STYLES[style]
    given = section(shelf.address, f"page_size: {page_size}, paging: {paging}")
    return {"source": given, "read": path, "more": more + others.pop("more", ""), **others}


@pytest.mark.parametrize("style", STYLES)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records=some.integers(0, 12), page_size=some.integers(1, 5), most=some.integers(1, 5))
def test_all_records_and_only_those(
    style: str, shelf: Shelf, parameters: Callable[..., Parameters], records: int, page_size: int, most: int
) -> None:
    shelf.records, shelf.most = [an_order(key) for key in range(1, records + 1)], most
    declared = parameters(**options(shelf, style, page_size), counted=True)
    with tempfile.TemporaryDirectory() as folder:
        record(declared, Path(folder))
        recording = Recording(Path(folder), declared)
        assert recording.problem("shop", "order") is None
        assert ids(recording) == [str(key) for key in range(1, records + 1)]


@pytest.mark.parametrize("style", STYLES)
def test_a_failure_in_the_middle_names_list_and_page(style: str, shelf: Shelf, read: Reader) -> None:
    shelf.faults = dict.fromkeys(range(2, 20), broken())
    problem = not_whole(read(**options(shelf, style)))
    assert "page 2: " in problem and "still answers 500" in problem
    assert len(shelf.asked) == 1 + rest.ATTEMPTS


@pytest.mark.parametrize("style", STYLES)
def test_a_failure_that_passes_is_waited_out(style: str, shelf: Shelf, read: Reader) -> None:
    shelf.faults = {2: broken(503), 4: cut}
    assert ids(read(**options(shelf, style))) == [str(key) for key in range(1, 8)]


@pytest.mark.parametrize("style", STYLES)
def test_a_connection_that_is_cut_is_told(
    style: str, shelf: Shelf, read: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest, "ATTEMPTS", 2)
    shelf.faults = dict.fromkeys(range(2, 20), cut)
    assert "page 2: " in (problem := not_whole(read(**options(shelf, style)))) and "no answer" in problem


@pytest.mark.parametrize("style", STYLES)
def test_a_page_that_is_given_again_is_told(style: str, shelf: Shelf, read: Reader) -> None:
    first: list[Any] = []

    def kept(answer: Any) -> Any:
        first.append(answer)
        return answer

    shelf.faults = {1: kept, 2: lambda answer: first[0]}
    problem = not_whole(read(**options(shelf, style)))
    assert any(word in problem for word in ("circle", "records moved", "does not move", "came twice")), problem


@pytest.mark.parametrize("style", STYLES)
def test_a_provider_that_ignores_where_to_go_on_is_no_endless_list(style: str, shelf: Shelf, read: Reader) -> None:
    first: list[Any] = []

    def the_same(answer: Any) -> Any:
        first.append(answer)
        return first[0]

    shelf.faults = dict.fromkeys(range(1, 50), the_same)
    not_whole(read(**options(shelf, style)))
    assert len(shelf.asked) <= 3


@pytest.mark.parametrize("style", STYLES)
def test_a_page_that_is_skipped_is_seen_by_the_count(style: str, shelf: Shelf, read: Reader) -> None:
    gone = shelf.records[3]
    shelf.counted = 7
    shelf.records = [one for one in shelf.records if one is not gone]
    assert "6 records were read, but the source counts 7" in not_whole(read(**options(shelf, style), counted=True))


def vanishing(shelf: Shelf) -> Callable[[int], None]:
    """Delete the first record when the second page is asked for: the fourth moves to where the third was."""
    return lambda number: shelf.records.pop(0) and None if number == 2 else None


@pytest.mark.parametrize("style", ["offset", "clause"])
def test_an_overlap_sees_that_records_moved(style: str, shelf: Shelf, read: Reader) -> None:
    shelf.before = vanishing(shelf)
    assert "page 2: " in (problem := not_whole(read(**options(shelf, style)))) and "may have been skipped" in problem


def test_without_the_overlap_a_skipped_record_would_be_missed(shelf: Shelf, read: Reader) -> None:
    shelf.before = vanishing(shelf)
    given = options(shelf, "offset")
    given["source"] = given["source"].replace("{style: offset}", "{style: offset, overlap: false}")
    assert ids(read(**given)) == ["1", "2", "3", "5", "6", "7"]


@pytest.mark.parametrize("style", ["page", "page_from_zero", "offset_of_total", "link"])
def test_a_list_that_slid_while_it_was_read_by_position_is_read_once_more(
    style: str, shelf: Shelf, read: Reader
) -> None:
    shelf.before = vanishing(shelf)
    assert ids(read(**options(shelf, style), counted=True)) == ["2", "3", "4", "5", "6", "7"]


def test_a_list_that_slides_each_time_is_not_whole(shelf: Shelf, read: Reader) -> None:
    shelf.before = lambda number: shelf.records.pop(0) and None if number in (2, 5) else None
    problem = not_whole(read(**options(shelf, "page"), counted=True))
    assert "counted fewer while the list was read by position: records may have been skipped" in problem


@pytest.mark.parametrize(
    ("style", "counted", "changed", "hides"),
    [
        ("page", False, "2026-11-20T12:00:00Z", True),
        ("page", True, "2026-11-20T12:00:00Z", False),
        ("page", True, "2099-11-20T12:00:00Z", True),  # in use: one may have come for one that went
        ("offset_of_total", False, "2026-11-20T12:00:00Z", False),
        ("link", False, "2026-11-20T12:00:00Z", True),
        ("offset", False, "2026-11-20T12:00:00Z", False),
        ("cursor", False, "2026-11-20T12:00:00Z", False),
    ],
)
def test_whether_a_deletion_may_have_hidden_a_record_is_known(
    style: str, counted: bool, changed: str, hides: bool, shelf: Shelf, read: Reader
) -> None:
    shelf.records[0]["updated_at"] = changed
    recording = read(**options(shelf, style), counted=counted)
    assert recording.is_by_position("shop", "order") is hides
    assert recording.is_by_position("shop", "line") is hides


def test_a_list_of_one_page_hides_nothing(shelf: Shelf, read: Reader) -> None:
    assert not read(**options(shelf, "link", page_size=9)).is_by_position("shop", "order")


def test_a_short_page_is_no_end(shelf: Shelf, read: Reader) -> None:
    shelf.most = 2
    assert len(ids(read(**options(shelf, "page", page_size=5)))) == 7


@pytest.mark.parametrize(
    ("style", "number", "fault", "told"),
    [
        ("cursor", 2, saying("c/6=", "c/3="), "the cursor does not move"),
        ("cursor", 1, saying('"next": "c/3="', '"next": {"a": 1}'), "is no cursor"),
        ("cursor", 1, saying('"data"', '"datum"'), "there is no list of records at data"),
        ("nodes", 2, saying('"endCursor": "6"', '"endCursor": "3"'), "the cursor does not move"),
        ("nodes", 1, saying('"endCursor": "3"', '"endCursor": null'), "names no cursor"),
        ("nodes", 1, saying('"hasNextPage"', '"hasPreviousPage"'), "there is no true or false"),
        ("nodes", 1, saying('"orders"', '"customers"'), "there is no connection at data.orders"),
        ("edges", 1, saying('"node"', '"knot"'), "an entry of the list has no node"),
        ("last_id", 3, saying('"has_more": false', '"has_more": "no"'), "there is no true or false at has_more"),
        ("last_id", 1, saying('"id"', '"key"'), "the last record has no id"),
        ("offset_of_total", 1, saying('"total": 7', '"total": "many"'), "there is no number of records at total"),
        ("offset_of_total", 3, saying('"total": 7', '"total": 9'), None),
        ("page", 2, lambda answer: (200, {}, b'{"message": "try later"}'), "one list of records"),
        ("page", 2, lambda answer: (200, {}, b"\xff"), "not with JSON in UTF-8"),
        ("page", 1, saying('"id": 1,', '"id": 9, "id": 1,'), "a name is given twice in one object"),
    ],
)  # fmt: skip
def test_a_page_that_is_not_what_was_declared(
    style: str, number: int, fault: Fault, told: str | None, shelf: Shelf, read: Reader
) -> None:
    shelf.faults = {number: fault}
    recording = read(**options(shelf, style))
    if told is None:
        assert recording.problem("shop", "order") is None, "a list that grows while it is read has told both numbers"
    else:
        assert f"page {number}: " in (problem := not_whole(recording)) and told in problem


@pytest.mark.parametrize("host", ["http://localhost:1", "//localhost:1", "HTTPS://127.0.0.1", "http://a@127.0.0.1"])
def test_a_link_in_the_body_to_another_host_is_not_asked_for(host: str, shelf: Shelf, read: Reader) -> None:
    shelf.faults = {1: saying('"/shop/', f'"{host}/shop/')}
    assert "page 2: " in (problem := not_whole(read(**options(shelf, "link_in_body")))) and "on another host" in problem
    assert len(shelf.asked) == 1


def test_endless_pages_without_a_record_are_an_error(
    shelf: Shelf, read: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest, "MOST_EMPTY", 3)
    numbers = iter(range(99))
    shelf.faults = dict.fromkeys(
        range(2, 99), lambda answer: (200, {}, f'{{"data": [], "meta": {{"next": "{next(numbers)}"}}}}'.encode())
    )
    assert "page 5: 4 pages in a row have no record" in not_whole(read(**options(shelf, "cursor")))


def test_more_without_records_is_an_error(shelf: Shelf, read: Reader) -> None:
    shelf.faults = {3: lambda answer: (200, {}, b'{"data": [], "has_more": true}')}
    assert "says that there is more, and holds no record" in not_whole(read(**options(shelf, "last_id")))


def test_a_total_that_the_list_does_not_reach_is_told(shelf: Shelf, read: Reader) -> None:
    total = saying('"total": 7', '"total": 8')
    shelf.faults = dict.fromkeys(range(1, 9), total)
    assert "7 records were read, but the source counts 8" in not_whole(read(**options(shelf, "offset_of_total")))


# GraphQL


def test_graphql_is_posted_with_its_variables_and_counted_by_a_document(shelf: Shelf, read: Reader) -> None:
    bodies: list[Any] = []
    original = shelf._graphql

    def counting(given: Any) -> Any:
        bodies.append(given)
        return (200, {}, b'{"data": {"ordersCount": {"count": 7}}}') if "Count" in given["query"] else original(given)

    shelf._graphql = counting  # type: ignore[method-assign]
    assert read(**options(shelf, "nodes", more=", count: '{ ordersCount { count } }'")).count("shop", "order") == 7
    assert [body.get("variables") for body in bodies][1:3] == [{"first": 3, "after": None}, {"first": 3, "after": "3"}]


def test_graphql_is_asked_for_what_changed_by_a_variable_on_every_page(
    shelf: Shelf, parameters: Callable[..., Parameters]
) -> None:
    since = datetime(2026, 11, 10, 12, tzinfo=UTC)
    given = options(shelf, "nodes", more=", since: 'query=updated_at:>\"{since}\"'")
    for old, new in (
        ("$after: String", "$after: String, $query: String"),
        ("after: $after", "after: $after, query: $query"),
    ):
        given["more"] = given["more"].replace(old, new)
    declared = parameters(**given)
    bodies: list[Any] = []
    original = shelf._graphql
    shelf._graphql = lambda given: bodies.append(given["variables"]) or original(given)  # type: ignore
    client = rest.Client.of(declared, declared.tenants[0])
    listing = Listing.of_changes(declared.resources["order"], since, "rest")
    assert sum(len(page.records) for page in client.pages(listing)) == 7
    client.close()
    assert len(bodies) == 3
    asked = since - MARGIN
    assert {body["query"] for body in bodies} == {f'updated_at:>"{asked.isoformat()}"'}


def test_graphql_that_asks_to_come_back_later_is_asked_again(
    shelf: Shelf, read: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    throttled = b'{"errors": [{"message": "slowly", "extensions": {"code": "THROTTLED"}}]}'
    shelf.faults = {2: lambda answer: (200, {"Retry-After": "0"}, throttled)}
    assert len(ids(read(**options(shelf, "nodes")))) == 7
    shelf.asked.clear()
    monkeypatch.setattr(rest, "ATTEMPTS", 2)
    shelf.faults = dict.fromkeys(range(2, 9), shelf.faults[2])
    assert "asks too often" in not_whole(read(**options(shelf, "nodes"))).replace("we ask", "asks")


@pytest.mark.parametrize(
    ("error", "told", "refused"),
    [
        ('{"message": "no such field: s3cret", "extensions": {"code": "BAD_INPUT"}}', "1 error (BAD_INPUT)", False),
        ('{"message": "s3cret"}', "1 error (no code)", False),
        ('{"extensions": {"code": "ACCESS_DENIED"}}', "refused with ACCESS_DENIED", True),
    ],
)
def test_graphql_errors_are_told_without_their_text(
    error: str, told: str, refused: bool, shelf: Shelf, read: Reader
) -> None:
    shelf.faults = {1: lambda answer: (200, {}, f'{{"data": null, "errors": [{error}]}}'.encode())}
    recording = read(**options(shelf, "nodes"))
    assert told in (problem := not_whole(recording)) and "s3cret" not in problem
    assert bool(recording.refusal("shop", "order")) is refused


QUERY = "query ($first: Int, $after: String) { orders(first: $first, after: $after) { nodes { id } } }"


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ("mutation { a }", "holds a mutation"),
        ("subscription { a }", "holds a subscription"),
        (QUERY + " mutation M { a }", "holds a mutation"),
        ("# query\nmutation { a }", "holds a mutation"),
        ("fragment F on T { a } mutation { ...F }", "holds a mutation"),
        (QUERY + ' { a(b: "}") } mutation { c }', "holds a mutation"),
        ('{ a(b: """x\\""" } """) } mutation { c }', "holds a mutation"),
        (QUERY + QUERY, "has to hold one query"),
        ("fragment F on T { a }", "has to hold one query"),
        ("# nothing", "has to hold one query"),
        ("type T { a: B }", "holds a type"),
        (QUERY + " }", "a bracket closes"),
        ("query { a", "is not closed"),
        ('query { a(b: "x) }', "belongs to nothing"),
        ("{ orders { nodes { id } } }", "does not use the variable $first"),
        (QUERY.replace("$after", "$before"), "does not use the variable $after"),
    ],
)
def test_no_document_is_sent_but_one_query(
    document: str, told: str, shelf: Shelf, parameters: Callable[..., Parameters]
) -> None:
    given = options(shelf, "nodes")
    given["more"] = ", query: '" + document.replace("\n", "\n\n    ") + "'"
    with pytest.raises(ParameterError, match=r"resources\.order\.query: the document") as caught:
        parameters(**given)
    assert told in str(caught.value)


def test_a_word_that_looks_like_a_mutation_is_none(shelf: Shelf, read: Reader) -> None:
    document = QUERY.replace("{ orders(", '{ mutation(text: "} mutation {") { a } orders(').replace("id }", "id ...F }")
    given = options(shelf, "nodes")
    given["more"] = f", query: '{document.replace('nodes', 'nodes ')} # mutation\n\n    fragment F on T {{ x }}'"
    assert len(ids(read(**given))) == 7


def test_a_mutation_does_not_leave_even_if_the_file_was_not_asked(shelf: Shelf) -> None:
    from dsaudit.parameters.source import Source
    from dsaudit.source.paging import Request

    client = rest.Client(Source(kind="rest", base_url=shelf.address), shelf.address, None)
    with pytest.raises(rest.SourceError, match="holds a mutation"):
        client.ask(Request("graphql", {"query": "mutation { a }"}))
    client.close()
    assert not shelf.asked


# What the file may say


@pytest.mark.parametrize(
    ("paging", "told"),
    [
        ("{style: cursor, next: a}", "cursor paging needs parameter"),
        ("{style: cursor, parameter: a, next: a, last: b}", "cursor paging needs parameter"),
        ("{style: link, overlap: true}", "overlap means nothing to link paging"),
        ("{style: page, clause: a}", "clause means nothing to page paging"),
        ("{style: offset, clause: 'limit {size}'}", "a clause holds {offset} and {size}"),
        ("{style: offset, furst: 1}", "did you mean first?"),
        ("crawl", "'crawl' is not one of none, link"),
        ("graphql", "graphql paging needs the resource's query"),
    ],
)
def test_a_mistake_in_the_paging_is_named(
    paging: str, told: str, shelf: Shelf, parameters: Callable[..., Parameters]
) -> None:
    with pytest.raises(ParameterError) as caught:
        parameters(source=section(shelf.address, f"paging: {paging}"))
    assert told in str(caught.value).replace("Input", "input")
