"""Single records, asked for by id: what comes is the record, nothing, or an error, and never another thing."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from dsaudit.parameters import Parameters
from dsaudit.source import second_look
from tests.source.providers import TOKEN, Provider, an_order

BY_ID = ", one: 'orders/{id}.json'"
Load = Callable[..., Parameters]


def asked(parameters: Load, *ids: str) -> second_look.Answers:
    return second_look.ask(parameters(more=BY_ID), [("shop", "order", source_id) for source_id in ids])


def test_the_record_is_found_by_itself_or_under_a_name(parameters: Load, provider: Provider) -> None:
    provider.gives("/shop/orders/1.json", '{"order": {"id": 1, "total": 0.10000000000000000001}}')
    provider.gives("/shop/orders/2.json", an_order(2))
    answers = asked(parameters, "1", "2", "1")
    assert answers.records["shop", "order", "1"] == {"id": 1, "total": Decimal("0.10000000000000000001")}
    assert answers.records["shop", "order", "2"] == an_order(2)
    assert provider.asked == ["/shop/orders/1.json", "/shop/orders/2.json"] and provider.tokens == {TOKEN}


def test_a_record_that_is_gone_is_none_and_no_error(parameters: Load, provider: Provider) -> None:
    provider.gives("/shop/orders/2.json", "{}", status=410)
    provider.gives("/shop/orders/3.json", {"id": 3, "deleted": True})
    provider.lists("orders", [])
    answers = asked(parameters, "1", "2", "3")
    assert list(answers.records.values()) == [None, None, None] and answers.problems == {}


@pytest.mark.parametrize("is_there", [True, False])
def test_that_nothing_is_found_says_nothing_where_no_record_of_the_list_is(
    parameters: Load, provider: Provider, is_there: bool
) -> None:
    provider.lists("orders", [an_order(7)])
    if is_there:
        provider.gives("/shop/orders/7.json", an_order(7))
    answers = asked(parameters, "1", "2")
    assert [*answers.records.values()] == ([None, None] if is_there else [])
    assert ("shop" in answers.problems) is not is_there
    assert provider.asked.count("/shop/orders/7.json") == 1


def test_an_id_leads_nowhere_but_to_its_record(parameters: Load, provider: Provider) -> None:
    provider.lists("orders", [])
    asked(parameters, "../secrets?x=1&", "a/b #")
    by_id = [path for path in provider.asked if "limit" not in path]
    assert by_id == ["/shop/orders/..%2Fsecrets%3Fx%3D1%26.json", "/shop/orders/a%2Fb%20%23.json"]


@pytest.mark.parametrize(("body", "status"), [("[1]", 200), ("no JSON", 200), ("{}", 403), ("{}", 302)])
def test_what_is_no_record_is_told_and_nothing_is_known(
    parameters: Load, provider: Provider, body: str, status: int
) -> None:
    provider.gives("/shop/orders/1.json", body, status=status)
    answers = asked(parameters, "1", "2")
    assert answers.records == {} and TOKEN not in answers.problems["shop"]
    assert provider.asked == ["/shop/orders/1.json"], "the next would be answered alike"


def test_asking_ends_after_a_while(parameters: Load, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(second_look, "LONGEST", -1.0)
    answers = asked(parameters, "1")
    assert answers.records == {} and provider.asked == [] and "had passed" in answers.problems["shop"]
