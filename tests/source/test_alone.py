"""One record asked for alone: found, absent, answered wrongly; and what a recording of it says of all others."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from dsaudit.parameters import ParameterError, Parameters
from dsaudit.source import Alone, Recording
from tests.source.providers import Provider, an_order

ONE = ", one: 'orders/{id}.json'"
Given = Callable[..., Parameters]


def alone(parameters: Parameters, folder: Path, source_id: str = "1") -> Recording:
    reading = Alone(parameters, folder / "alone", "order")
    try:
        reading.one("shop", source_id)
        return reading.recording()
    finally:
        reading.close()


def found(recording: Recording, resource: str = "order") -> list[str]:
    assert recording.problem("shop", resource) is None
    return [item.source_id for item in recording.items("shop", resource)]


def test_a_record_is_asked_for_alone_and_holds_what_is_nested_in_it(
    provider: Provider, parameters: Given, tmp_path: Path
) -> None:
    provider.gives("/shop/orders/1.json", {"order": an_order(1, lines=[{"id": 7}, {"id": 8}])})
    recording = alone(parameters(more=ONE), tmp_path)
    assert found(recording) == ["1"] and found(recording, "line") == ["7", "8"]
    assert provider.asked == ["/shop/orders/1.json"]
    # Nothing follows from it for the list.
    assert recording.is_part("shop", "line") and recording.count("shop", "order") is None


def test_an_answer_that_is_the_record_itself_is_taken_to_its_last_digit(
    provider: Provider, parameters: Given, tmp_path: Path
) -> None:
    provider.gives("/shop/orders/1.json", '{"id": 1,\n "total": 10.10000000000000000001}')
    (item,) = alone(parameters(more=ONE), tmp_path).items("shop", "order")
    assert str(item.record["total"]) == "10.10000000000000000001"


def test_a_record_is_absent_only_if_one_of_the_list_is_answered(
    provider: Provider, parameters: Given, tmp_path: Path
) -> None:
    provider.lists("orders", [an_order(2)])
    provider.gives("/shop/orders/2.json", {"order": an_order(2)})
    assert found(alone(parameters(more=ONE), tmp_path)) == []
    assert provider.asked == ["/shop/orders/1.json", "/shop/orders.json?limit=2", "/shop/orders/2.json"]


def test_an_address_that_never_answers_says_nothing(provider: Provider, parameters: Given, tmp_path: Path) -> None:
    provider.lists("orders", [an_order(2)])
    problem = alone(parameters(more=ONE), tmp_path).problem("shop", "order")
    assert problem and "one: nothing is found by its id, not even a record that the list holds" in problem


@pytest.mark.parametrize("body", [{"order": an_order(2)}, {"order": None}, {"a": an_order(1), "b": 1}, [an_order(1)]])
def test_another_record_than_the_one_asked_for_is_refused(
    provider: Provider, parameters: Given, tmp_path: Path, body: object
) -> None:
    provider.gives("/shop/orders/1.json", body)
    assert alone(parameters(more=ONE), tmp_path).problem("shop", "order")


@pytest.mark.parametrize(
    ("source_id", "asked"), [("a/../b?c", "/shop/orders/a%2F..%2Fb%3Fc.json"), ("ü 1", "/shop/orders/%C3%BC%201.json")]
)
def test_an_id_cannot_lead_to_another_address(
    provider: Provider, parameters: Given, tmp_path: Path, source_id: str, asked: str
) -> None:
    provider.gives(asked, {"order": {"id": source_id}})
    assert found(alone(parameters(more=ONE), tmp_path, source_id)) == [source_id]
    assert alone(parameters(more=ONE), tmp_path, "..").problem("shop", "order")


def test_a_row_of_another_database_is_asked_for_alone(
    parameters: Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sqlite3.connect(tmp_path / "shop.sqlite") as connection:
        connection.execute("create table orders (id integer, total text)")
        connection.executemany("insert into orders values (?, ?)", [(1, "1.00"), (2, "2.00")])
    connection.close()
    monkeypatch.setenv("SHOP_URL", f"sqlite:///{tmp_path}/shop.sqlite")
    more = ", one: 'select * from orders where id = :id'"
    declared = parameters(source="{kind: sql, url_env: SHOP_URL}", read="orders", more=more)
    assert found(alone(declared, tmp_path, "2")) == ["2"]
    assert found(alone(declared, tmp_path, "3")) == []


@pytest.mark.parametrize(
    ("source", "one", "words"),
    [
        ("", "orders/{key}.json", "one: has no {id}, where the id is to stand"),
        ("{kind: sql, url_env: SHOP_URL}", "select * from orders", "one: has no :id, where the id is to stand"),
        ("{kind: files, folder: ..}", "orders/{id}.json", "one: a record alone is asked of a REST API or a SQL"),
    ],
)
def test_what_cannot_be_asked_for_is_a_mistake_in_the_file(
    parameters: Given, provider: Provider, source: str, one: str, words: str
) -> None:
    with pytest.raises(ParameterError, match="resources") as caught:
        parameters(source=source, more=f", one: '{one}'")
    assert words in str(caught.value)
