"""How two values and two sides are held against each other: exactly, and fairly to what is still under way."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsaudit.parameters import Resource
from dsaudit.reconcile import Sides, kind_of, same_json, typed
from dsaudit.reconcile.values import Unreadable, same
from dsaudit.source.reading import parse
from dsaudit.source.recording import Item, identity

ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
INSTANTS = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=ZONES)
DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**20), max_value=10**20)


# Values


@pytest.mark.parametrize(
    ("kind", "there", "here"),
    [
        ("text", None, "<null>"),
        ("text", None, ""),
        ("text", "a", "a "),
        ("text", "a", "A"),
        ("text", "é", unicodedata.normalize("NFD", "é")),
        ("text", "1", True),
        ("integer", 2**53, 2**53 + 1),
        ("integer", 9007199254740993, "9007199254740992"),
        ("integer", 0, None),
        ("integer", 1, True),
        ("decimal", "0.3", 0.30000000000000004),
        ("decimal", "12345678901234567890.1230", Decimal("12345678901234567890.1231")),
        ("money", "10.00", Decimal("0.1")),
        ("money", "NaN", "NaN0"),
        ("boolean", True, None),
        ("boolean", True, 1),
        ("instant", "2026-03-29T01:30:00-05:00", datetime(2026, 3, 29, 6, 30, 0, 1, UTC)),
        ("instant", "2026-11-01T01:30:00-04:00", datetime(2026, 11, 1, 6, 30, tzinfo=UTC)),
        ("instant", "2026-11-01T01:30:00Z", datetime(2026, 11, 1, 1, 30)),
        ("date", "2028-02-29", date(2028, 3, 1)),
        ("date", "2028-02-29", datetime(2028, 2, 29, tzinfo=UTC)),
    ],
)
def test_a_difference_is_seen(kind: Any, there: Any, here: Any) -> None:
    assert not same(typed(there, kind), typed(here, kind))


@pytest.mark.parametrize(
    ("kind", "there", "here"),
    [
        ("text", "5", 5),
        ("text", " \u202eodd\U0001f98a", " \u202eodd\U0001f98a"),
        ("integer", "9007199254740993", 9007199254740993),
        ("integer", Decimal("7.0"), 7),
        ("decimal", "1e2", Decimal("100.0000")),
        ("decimal", "19.99", 19.99),
        ("money", "-0.00", Decimal("0.0000")),
        ("money", "1.500", Decimal("1.5")),
        ("boolean", "true", True),
        ("instant", "2026-11-01T01:30:00-04:00", datetime(2026, 11, 1, 5, 30, tzinfo=UTC)),
        ("instant", "2026-11-01T01:30:00.000001+09:00", datetime(2026, 10, 31, 16, 30, 0, 1, UTC)),
        ("date", "2028-02-29", date(2028, 2, 29)),
        ("text", None, None),
    ],
)
def test_the_same_value_in_another_dress_is_the_same(kind: Any, there: Any, here: Any) -> None:
    assert same(typed(there, kind), typed(here, kind))


@given(DECIMALS, st.integers(0, 6))
def test_amounts_are_equal_whatever_their_scale_and_by_nothing_less(amount: Decimal, zeros: int) -> None:
    dressed = f"{amount:f}" + ("" if "." in f"{amount:f}" else ".") + "0" * zeros
    assert same(typed(dressed.rstrip("."), "money"), typed(amount, "money"))
    assert not same(typed(dressed.rstrip("."), "money"), typed(amount + Decimal("0.0001"), "money"))


@given(INSTANTS, ZONES)
def test_instants_are_equal_in_every_zone_and_differ_by_a_microsecond(instant: datetime, zone: timezone) -> None:
    there = typed(instant.isoformat(), "instant")
    assert same(there, typed(instant.astimezone(zone), "instant"))
    assert not same(there, typed(instant + timedelta(microseconds=1), "instant"))


@given(st.text(), st.text())
def test_texts_are_equal_only_if_they_are_the_same(one: str, other: str) -> None:
    assert same(typed(one, "text"), typed(other, "text")) == (one == other)


@given(st.one_of(st.text(), st.integers(), st.booleans(), st.floats(), st.binary(), st.lists(st.integers()), st.none()))
@pytest.mark.parametrize("kind", ["text", "integer", "decimal", "money", "boolean", "instant", "date"])
def test_whatever_comes_is_read_or_called_unreadable(kind: Any, value: Any) -> None:
    typed(value, kind)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("integer", "1.5"),
        ("integer", "1_000"),
        ("integer", "1e999999999"),
        ("decimal", "١٢"),
        ("decimal", "1e999999999"),
        ("decimal", "NaN"),
        ("decimal", float("inf")),
        ("boolean", "yes"),
        ("instant", "2026-01-01T00:00:00"),
        ("instant", "0001-01-01T00:00:00+14:00"),
        ("date", "yesterday"),
    ],
)
def test_what_is_not_of_its_type_equals_nothing_readable(kind: Any, value: Any) -> None:
    read = typed(value, kind)
    assert isinstance(read, Unreadable)
    assert not same(read, str(value))
    assert same(read, typed(value, kind))


# Keys


def test_no_separator_makes_two_keys_one() -> None:
    resource = Resource(table="t", key=["a", "b"], id_from=["a", "b"])
    one, other = ({"a": "p|q", "b": "r"}, {"a": "p", "b": "q|r"})
    assert identity(resource, one, one, "", 0) != identity(resource, other, other, "", 0)


# JSON


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), DECIMALS, st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3)),
    max_leaves=12,
)


@given(JSON)
def test_json_equals_itself_in_any_order_of_names(value: Any) -> None:
    text = json.dumps(value, default=lambda number: float(number), sort_keys=True)
    assert same_json(parse(text), parse(json.dumps(json.loads(text), sort_keys=False)))


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("1.0", "1", True),
        ("1e2", "100", True),
        ("12345678901234567890.1230", "12345678901234567890.123", True),
        ("12345678901234567890.1230", "12345678901234567890.1231", False),
        ("9007199254740993", "9007199254740992", False),
        ("true", "1", False),
        ("[true]", "[1]", False),
        ("false", "0", False),
        ("null", '""', False),
        ('{"a": null}', "{}", True),
        ('{"a": 0}', "{}", False),
        ("[1, 2]", "[2, 1]", False),
        ("[1]", "[1, null]", False),
        ('{"a": [{"b": "x "}]}', '{"a": [{"b": "x"}]}', False),
        ("[]", "{}", False),
        ('"1"', "1", False),
    ],
)
def test_json_is_compared_by_value(one: str, other: str, equal: bool) -> None:
    assert same_json(parse(one), parse(other)) is equal
    assert same_json(parse(other), parse(one)) is equal


# How values differ


NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("there", "here", "kind"),
    [
        ("a", None, "null here"),
        (None, "a", "null at the source"),
        ("a", "", "empty here"),
        ("", "a", "empty at the source"),
        ("é", unicodedata.normalize("NFD", "é"), "another Unicode form"),
        ("a ", "a", "blanks at an end"),
        ("Straße", "STRASSE", "letter case"),
        ("a long text", "a long", "cut off here"),
        ("a", "b", "another text"),
        (Decimal("1500"), Decimal("15"), "100 times too small"),
        (15, Decimal("1500"), "100 times too large"),
        (Decimal("-3"), Decimal("3"), "opposite sign"),
        (Decimal("1234567890123456.7891"), Decimal("1234567890123456.8"), "last digits"),
        (Decimal("1"), Decimal("2"), "another number"),
        (0, 5, "another number"),
        (NOON, NOON - timedelta(hours=5), "-5 h, like a time zone"),
        (NOON, NOON + timedelta(hours=5, minutes=45), "+5.75 h, like a time zone"),
        (NOON, NOON - timedelta(hours=1, minutes=15), "another time"),
        (NOON, NOON + timedelta(microseconds=1), "below a second"),
        (NOON, NOON + timedelta(days=3), "another time"),
        (NOON, Unreadable("soon"), "not of its type here"),
        (True, False, "another value"),
        (date(2026, 1, 1), date(2026, 1, 2), "another value"),
    ],
)
def test_the_kind_of_a_difference_is_named(there: Any, here: Any, kind: str) -> None:
    assert kind_of(there, here) == kind


# Sides


STARTED = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)
KEY = ("acme", "1")


def at(seconds: float) -> datetime:
    return STARTED + timedelta(seconds=seconds)


def sides(
    source: float | None, raw: dict[str, Any] | None = None, refined: list[dict[str, Any]] | None = None
) -> Sides:
    """Sides of one record, with times in seconds from when the reading of the source began."""
    resource = Resource(table="t", key="id", updated="updated_at")
    record = {"id": 1, "updated_at": None if source is None else at(source).isoformat()}
    both = Sides("order", resource, ["acme"], STARTED, at(60), timedelta(seconds=0.1))
    both.source = {KEY: Item("1", record, record)}
    if raw:
        both.raw = {KEY: {"deleted": False, "changed_at": None, **raw}}
    rows = [{"deleted": False, "updated_at": None, "refined_at": None, **row} for row in refined or []]
    both.refined = {KEY: rows} if rows else {}
    return both


@pytest.mark.parametrize(
    ("both", "in_flight"),
    [
        # What had come before the reading began, the reading has seen.
        (sides(-60, {"received_at": at(-50), "changed_at": at(-60)}), False),
        (sides(-60, {"received_at": at(-50), "changed_at": at(-70)}), False),
        # A newer state than the one read came since.
        (sides(-60, {"received_at": at(1), "changed_at": at(0.5)}), True),
        # An older one came late: that is no excuse.
        (sides(-60, {"received_at": at(1), "changed_at": at(-90)}), False),
        # The same state came late, and did not change just now: it can be judged.
        (sides(-60, {"received_at": at(1), "changed_at": at(-60)}), False),
        # It may have changed twice within the second that the source tells.
        (sides(0, {"received_at": at(1), "changed_at": at(0)}), True),
        # A deletion tells no time of its own.
        (sides(-60, {"received_at": at(1), "deleted": True}), True),
        (sides(-60, {"received_at": at(-9), "deleted": True}), False),
        # No time is known at the source.
        (sides(None, {"received_at": at(1)}), True),
        (sides(None, {"received_at": at(-1)}), False),
        # No raw table: the source's own time in the row, else the time at which the row was written.
        (sides(-60, None, [{"updated_at": at(2), "refined_at": at(3)}]), True),
        (sides(-60, None, [{"updated_at": at(-60), "refined_at": at(3)}]), False),
        (sides(None, None, [{"refined_at": at(3)}]), True),
        (sides(None, None, [{"refined_at": at(-3)}]), False),
        (sides(-60, None, [{"updated_at": at(-60), "refined_at": at(3), "deleted": True}]), True),
        # A time that had not been at the database's instant is wrong.
        (sides(-60, None, [{"updated_at": at(7200), "refined_at": at(3)}]), False),
        (sides(9e8, None, [{"updated_at": at(9e8)}]), False),
        (sides(-60, None, [{"refined_at": at(7200)}]), False),
        (sides(-60, {"received_at": at(7200), "changed_at": at(0.5)}), False),
        # Nothing is known here at all: it is missing, and not on its way.
        (sides(-60), False),
    ],
)
def test_only_what_the_reading_could_not_know_is_in_flight(both: Sides, in_flight: bool) -> None:
    assert both.in_flight(KEY) is in_flight


@pytest.mark.parametrize(("came", "in_flight"), [(1, True), (-50, False)])
def test_a_nested_record_that_is_not_here_is_in_flight_with_its_parent(came: float, in_flight: bool) -> None:
    child = sides(-60)
    child.source = {KEY: replace(child.source[KEY], parent_id=KEY[1])}
    child.parent = sides(-60, {"received_at": at(came), "changed_at": at(came - 0.5)})
    assert child.in_flight(KEY) is in_flight
    child.refined = {KEY: [{"deleted": False, "updated_at": at(-60), "refined_at": at(-59)}]}
    assert not child.in_flight(KEY), "it is here, and tells of itself"


def test_all_rows_of_a_key_are_kept_and_the_deleted_ones_do_not_live() -> None:
    both = sides(-60, None, [{"refined_at": at(-9)}, {"refined_at": at(-8), "deleted": True}, {"refined_at": at(-7)}])
    assert [row["refined_at"] for row in both.live(KEY)] == [at(-9), at(-7)]


def test_a_deletion_is_not_a_version_received() -> None:
    assert sides(-60, {"received_at": at(-9), "deleted": True}).received(KEY) is None
    assert sides(-60, {"received_at": at(-9)}).received(KEY)


def test_a_tenant_whose_source_is_not_whole_is_told_with_the_reason() -> None:
    both = sides(-60)
    both.problems["acme"] = "not whole"
    assert list(both.examined([])) == [{"tenant": "acme", "resource": "order", "examined": 0, "reason": "not whole"}]
