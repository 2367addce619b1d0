"""Values by their paths and held against what is expected; and what a body gives away."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from dsaudit.flows.refusals import given_away
from dsaudit.flows.values import ABSENT, agrees, found_at, given, plain, words

BODY = {"a": {"b": [{"c": 1}, {"c": None}]}, "x.y": 2, "m": {"n.o": {"p": 3}}, "": 4}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        *(("a.b.0.c", 1), ("a.b.1.c", None), ("a.b.2.c", ABSENT), ("a.b.-1.c", ABSENT), ("a.b.c", ABSENT)),
        *(
            ("x.y", 2),
            ("m.n.o.p", 3),
            ("a.b.0.c.d", ABSENT),
            ("", BODY),
            ("a.b.99999999999", ABSENT),
            ("a.b.٠", ABSENT),
        ),
    ],
)
def test_a_path_leads_through_objects_lists_and_names_with_dots(path: str, found: Any) -> None:
    assert found_at(BODY, path) is found or found_at(BODY, path) == found


def test_a_list_may_be_the_whole_answer() -> None:
    assert found_at([{"id": 7}], "0.id") == 7 and found_at("text", "0") is ABSENT and found_at(None, "a") is ABSENT


NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        *((299.99, Decimal("299.99")), (299.99, "299.990"), (1, Decimal("1.0")), (1.0, 1), (1e3, "1000"), (0, "-0.0")),
        *((True, True), (None, None), ("", ""), ("7", "7"), ([1, {"a": 2.0}], [Decimal(1), {"a": "2"}]), ({}, {})),
        *((date(2026, 1, 2), "2026-01-02"), (NOON, "2026-01-02T13:00:00+01:00")),
    ],
)
def test_values_that_are_equal(expected: Any, found: Any) -> None:
    assert agrees(expected, found)


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        *((1, True), (True, 1), (None, ABSENT), (None, ""), (None, 0), (0, None), (0, ""), ("7", 7), ("a", "A")),
        *((1, "1_0"), (1, "one"), (1, "٣"), (10, "1e999999999"), ([1], 1), ([1, 2], [2, 1]), ({"a": None}, {})),
        *(
            ({}, {"a": 1}),
            ("x", ABSENT),
            (ABSENT, ABSENT),
            (date(2026, 1, 2), "2026-1-2"),
            (NOON, "2026-01-02T12:00:00"),
        ),
    ],
)
def test_values_that_differ(expected: Any, found: Any) -> None:
    assert not agrees(expected, found)


def test_what_is_shown_of_a_value_says_what_it_is_and_no_more() -> None:
    shown = [words(one) for one in ("partial", "Zoë", "", "7", 7, True, None, ABSENT, [1], {"a": 1}, Decimal("1.50"))]
    assert shown == [
        *("partial", "a text of 3 letters", "an empty text", '"7"', "7", "true", "null", "nothing there"),
        *("a list of 1", "an object of 1 name", "1.50"),
    ]
    assert given("{listing}") == "{listing}" and given("7") == '"7"' and given(date(2026, 1, 2)) == '"2026-01-02"'
    assert plain({"a": [Decimal("1.50"), Decimal("2.00")]}) == {"a": [1.5, 2]}


@pytest.mark.parametrize(
    "text",
    [
        '{"error": "at com.acme.Shop.find(Shop.java:31)"}',
        '{"error": "at Object.<anonymous> (/srv/app/index.js:10:5)"}',
        "panic: x\n\ngoroutine 1 [running]:",
        "insert into things (id) values (1)",
        'duplicate key value violates unique constraint "things_pkey"',
        '{"detail": "(psycopg.errors.NotNullViolation) null value"}',
        "Traceback (most recent call last)",
        "C:\\\\app\\\\things.py",
        "models.py",
    ],
)
def test_a_body_that_gives_something_away(text: str) -> None:
    assert list(given_away(text))


@pytest.mark.parametrize(
    "text",
    [
        '{"error": {"code": "not_found", "message": "select a listing from the list, or insert one"}}',
        "this laptop runs Node.js, not Next.js; see https://shop.example/index.php?id=7 or ask ann@shop.py",
        "price: update it, set a number; delete from your cart what you do not want",
        "the file prices.csv is malformed on line 12, column 3: a number is expected at 'x'",
        "no relation to the seller exists; the type does not matter",
        "",
    ],
)
def test_a_readable_refusal_gives_nothing_away(text: str) -> None:
    assert list(given_away(text)) == []
