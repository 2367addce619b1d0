"""Leaving the larger share of the rate limit to production, and telling beforehand what a reading costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from email.utils import formatdate
from itertools import pairwise
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as some

from dsaudit.parameters import ParameterError, Parameters
from dsaudit.parameters.source import Paging, Source
from dsaudit.source import estimated, paging
from dsaudit.source.pacing import LONGEST_PAUSE, LONGEST_WAIT, Pace, retry_after
from tests.source.providers import Provider, Reader, an_order, ids, serving
from tests.source.providers import rest as section
from tests.source.shelf import STYLES, Shelf

NOW = 1_800_000_000.0  # seconds since 1970


def source(**values: Any) -> Source:
    return Source.model_validate({"kind": "rest", "base_url": "http://127.0.0.1", **values})


# Waiting where the provider asks for it


@pytest.mark.parametrize(
    ("given", "wait"),
    [
        ({"retry-after": "4"}, 4),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "9999"}, LONGEST_WAIT),
        ({"retry-after": formatdate(NOW + 30, usegmt=True)}, 30),
        ({"retry-after": formatdate(NOW - 30, usegmt=True)}, 0),
        ({"retry-after": formatdate(NOW + 30, usegmt=True), "date": formatdate(NOW + 20, usegmt=True)}, 10),
        ({"retry-after": "soon"}, 0.2),
        ({"retry-after": "-3"}, 0.2),
        ({"retry-after": "nan"}, 0.2),
        ({}, 0.2),
    ],
)
def test_retry_after_is_seconds_or_a_time_by_the_providers_clock(given: dict[str, str], wait: float) -> None:
    assert retry_after(given, NOW, otherwise=0.2) == wait


def test_a_time_to_come_back_is_heeded_over_http(provider: Provider, read: Reader) -> None:
    provider.gives("/shop/orders.json?limit=2", {}, status=429, Retry_After=formatdate(usegmt=True))
    provider.lists("orders", [an_order(1)])
    assert ids(read()) == ["1"]


# The share of the limit


@pytest.mark.parametrize(
    ("declared", "headers", "wait"),
    [
        ({"used": "Calls"}, {"Calls": "8/40"}, 0),
        ({"used": "Calls"}, {"Calls": "9/40"}, 0.1),
        ({"used": "Calls"}, {"Calls": "many"}, 0),
        ({"used": "Calls"}, {"Calls": "1/0"}, 0),
        ({"used": "Calls"}, {}, 0),
        ({"remaining": "Left", "limit": "Limit", "reset": "Reset"}, {"Left": "80", "Limit": "100", "Reset": "9"}, 0),
        ({"remaining": "Left", "limit": "Limit", "reset": "Reset"}, {"Left": "79", "Limit": "100", "Reset": "9"}, 9),
        ({"remaining": "Left", "limit": 100, "reset": "Reset"}, {"Left": "79", "Reset": str(int(NOW) + 9)}, 9),
        ({"remaining": "Left", "limit": 100, "reset": "Reset"}, {"Left": "79", "Reset": str(int(NOW) - 9)}, 0),
        ({"remaining": "Left", "limit": 100, "reset": "Reset"}, {"Left": "0", "Reset": "3600"}, LONGEST_WAIT),
        ({"remaining": "Left", "limit": "Limit"}, {"Left": "0", "Limit": "100, 100;window=60"}, 0.1),
    ],
)
def test_more_than_our_share_is_waited_for(declared: dict[str, Any], headers: dict[str, str], wait: float) -> None:
    assert Pace(source(rate_limit=declared, rate_share=20)).after(headers, NOW) == wait


def test_the_wait_grows_until_the_share_is_kept() -> None:
    pace = Pace(source(rate_limit={"used": "Calls"}, rate_share=50))
    waits = [pace.after({"Calls": "30/40"}, NOW) for _ in range(9)]
    assert waits == sorted(waits) and waits[-1] == LONGEST_PAUSE
    assert pace.after({"Calls": "3/40"}, NOW) == 0
    assert pace.after({"Calls": "30/40"}, NOW) == waits[0]


def test_without_a_declared_header_nothing_is_guessed() -> None:
    assert Pace(source()).after({"X-Shopify-Shop-Api-Call-Limit": "40/40"}, NOW) == 0


@given(some.lists(some.floats(0, 3), min_size=2, max_size=30), some.floats(0.5, 100), some.integers(1, 100))
def test_requests_keep_to_the_share_of_the_rate(gaps: list[float], rate: float, share: int) -> None:
    pace, now, sent = Pace(source(rate=rate, rate_share=share)), 0.0, []
    for gap in gaps:
        now += gap
        now += pace.before(now)
        sent.append(now)
    apart = 100 / (rate * share)
    assert all(later - earlier >= apart * (1 - 1e-9) for earlier, later in pairwise(sent))
    assert sent[-1] <= sum(gaps) + apart * len(gaps)


@pytest.mark.parametrize("limit", ["{used: a, remaining: b, limit: c}", "{remaining: a}", "{}"])
def test_a_rate_limit_is_told_in_one_way(limit: str, parameters: Callable[..., Parameters]) -> None:
    with pytest.raises(ParameterError, match="needs either used, or remaining and limit"):
        parameters(source=section("http://127.0.0.1", f"rate_limit: {limit}"))


def test_a_client_waits_as_it_is_told(provider: Provider, read: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("time.sleep", waits.append)
    provider.gives("/shop/orders.json?limit=2", {"orders": []}, Calls="30/40")
    read(source=section(provider.address, "page_size: 2, rate_limit: {used: Calls}, rate_share: 50"))
    assert 0.1 in waits


# What a reading costs


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    made = Shelf()
    with serving(made.answer, made.tokens) as made.address:
        yield made


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("records", [0, 1, 3, 4, 6, 7])
def test_the_calls_are_as_many_as_estimated(style: str, records: int, shelf: Shelf, read: Reader) -> None:
    shelf.records = [an_order(key) for key in range(1, records + 1)]
    declared, path, more = STYLES[style]
    recording = read(source=section(shelf.address, f"page_size: 3, paging: {declared}"), read=path, more=more)
    assert recording.count("shop", "order") == records
    own = [
        path for path in shelf.asked if "_control" not in path
    ]  # another program may ask where it had this port before
    assert paging.calls(source(paging=yaml.safe_load(declared)).paging, 3, records) == len(own)


def test_one_answer_is_one_call() -> None:
    assert paging.calls(Paging(style="none"), 10, 1000) == 1


@pytest.mark.parametrize(
    ("more", "counted", "told"),
    [
        (
            "page_size: 3, rate: 10, rate_share: 5",
            True,
            "about 36 calls for 100 records; 1 minute at 5 % of 10 requests",
        ),
        ("page_size: 3, rate: 10", True, "about 36 calls for 100 records; less than a minute at 20 % of 10 requests"),
        ("page_size: 3, rate: 10", False, "at least 1 call for 0 records, and 1 list of unknown length; less than"),
        ("page_size: 9", True, "about 14 calls for 100 records; less than a minute if it goes on answering as now"),
    ],
)
def test_calls_and_minutes_are_told_beforehand(
    more: str, counted: bool, told: str, shelf: Shelf, parameters: Callable[..., Parameters]
) -> None:
    shelf.counted = 100
    ((_, ok, words),) = estimated(parameters(source=section(shelf.address, more), counted=counted))
    assert ok and words.startswith(told)


def test_a_count_that_cannot_be_had_is_told(shelf: Shelf, parameters: Callable[..., Parameters]) -> None:
    shelf.counted = -1
    ((_, ok, words),) = estimated(parameters(source=section(shelf.address), counted=True))
    assert not ok and words.startswith("cannot be estimated: ") and "expected one number" in words
