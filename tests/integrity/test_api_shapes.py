"""An API of another shape: numbers as ids, no tenants and no token, bare lists, refusals without a frame."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from dsaudit.verdict import Status
from tests.checks.auditing import all_rows, opened, told
from tests.integrity.between import Answer, serving
from tests.integrity.system import System

pytestmark = pytest.mark.xdist_group("integrity")

SCHEMA = """
create table shop (id bigint primary key, name text, opened date, ratio double precision, tags jsonb,
  is_open boolean, seen timestamp, pattern text[]);
create table sale (number bigint primary key, shop bigint references shop, total numeric(12, 4), at timestamptz,
  host inet);
insert into shop values
  (9007199254740993, 'Zoë', '2024-02-29', 0.1, '{"a": [1.0, null], "b": 9007199254740993}', true,
   '2024-03-31 02:30:00', '{x,y}'),
  (2, null, null, 1e21, 'null', false, null, '{}'), (3, '', '0001-01-01', null, null, null, 'infinity', null);
insert into sale values (1, 9007199254740993, 0.1000, '2024-10-27 01:30:00+01', '10.0.0.1/8'), (2, 2, null, null, null),
  (3, null, 12, null, null);
"""
PARAMETERS = """
integration: small-shop
blueprints: [data_integrity]
database: {url_env: SMALL_DISCOVERY_URL}
resources: {shop: {table: shop, key: id}, sale: {table: sale, key: number}}
relations: [{child: sale.shop, parent: shop.id, nullable: true}]
apis:
  url_env: SHOP_API
  paging: none
  error: {fields: [code, detail]}
  endpoints:
    - resource: shop
      list: shops
      one: shop/{id}
      fields: {id: id, called: name, "more.opened": opened, ratio: ratio, tags: tags, open: is_open, seen: seen,
               pattern: pattern}
      counts: {sales: sale.shop}
      ids: {sale_nos: sale.shop}
    - {resource: sale, list: "shop/{shop}/sales", key: number, fields: [number, total, at, host]}
"""
CHECKS = ("api_serves_the_rows", "api_values_equal_tables", "endpoints_agree", "errors_have_one_format")
SHOPS = """[
  {"id": 9007199254740993, "called": "Zoë", "more": {"opened": "2024-02-29"}, "ratio": 0.10,
   "tags": {"b": 9007199254740993, "a": [1, null]}, "open": true, "seen": "2024-03-31T02:30:00",
   "pattern": ["x", "y"], "sales": 1, "sale_nos": [1]},
  {"id": 2, "called": null, "more": {"opened": null}, "ratio": 1000000000000000000000, "tags": null, "open": false,
   "seen": null, "pattern": [], "sales": 1, "sale_nos": ["2"]},
  {"id": 3, "called": "", "more": {"opened": "0001-01-01"}, "ratio": null, "tags": null, "open": null,
   "seen": "infinity", "pattern": null, "sales": 0, "sale_nos": []}]"""
SALES = {
    "9007199254740993": '{"page": [{"number": 1, "total": "0.1", "at": "2024-10-27T00:30:00Z", "host": "10.0.0.1"}]}',
    "2": '{"page": [{"number": 2, "total": null, "at": null, "host": null}]}',
    "3": '{"page": []}',
}


@contextmanager
def shops(text: str = SHOPS, sales: Mapping[str, str] = SALES) -> Iterator[str]:
    texts = {str(one["id"]): one for one in json.loads(text)}

    def answer(path: str, headers: dict[str, str]) -> Answer:
        assert "authorization" not in {name.lower() for name in headers}
        kind, _, rest = path.strip("/").partition("/")
        key = rest.partition("/")[0]
        if kind == "shops" and not rest:
            return Answer(path, 200, text.encode())
        if not key.isdecimal():
            return Answer(path, 422, b'{"code": 12, "detail": "no number"}')
        if key not in texts:
            return Answer(path, 404, b'{"code": 11, "detail": "there is none"}')
        found = sales[key] if rest.endswith("/sales") else json.dumps(texts[key])
        return Answer(path, 200, found.encode())

    with serving(answer) as address:
        yield address


def judged(
    system: System, text: str = SHOPS, sales: Mapping[str, str] = SALES
) -> tuple[dict[str, Any], dict[str, list[dict[str, Any]]]]:
    with shops(text, sales) as api, opened(system.parameters, {**system.environment, "SHOP_API": api}) as audit:
        found = {name: audit.check(name) for name in (*CHECKS, "api_isolates_tenants")}
        return found, {name: all_rows(audit, one) for name, one in found.items()}


@pytest.fixture
def system(new: Callable[..., System]) -> System:
    one = new("shop", schema=SCHEMA, parameters=PARAMETERS)
    one.execute("grant select on shop, sale to AUDITOR")
    return one


def test_values_are_compared_by_the_types_of_their_columns(system: System) -> None:
    found, rows = judged(system)
    for name in CHECKS:
        assert found[name].status is Status.PASS, (told(found[name]), rows[name])
    assert found["api_isolates_tenants"].status is Status.SKIPPED
    assert "apis.headers" in found["api_isolates_tenants"].results[0].reason


@pytest.mark.parametrize(
    ("change", "to", "field", "difference"),
    [
        ('"ratio": 0.10', '"ratio": 0.11', "ratio", "another number"),
        ('"b": 9007199254740993', '"b": 9007199254740992', "tags", "another content"),
        ('"Zoë"', '"Zoe\u0308"', "called", "another Unicode form"),
        ('"open": false', '"open": null', "open", "null in the answer"),
        ('"opened": null', '"closed": null', "more.opened", "not in the answer"),
        ('"2024-03-31T02:30:00"', '"2024-03-31T03:30:00"', "seen", "not of its type"),
        ('["x", "y"]', '["y", "x"]', "pattern", "another content"),
    ],
)
def test_a_value_that_differs_is_named(change: str, to: str, field: str, difference: str, system: System) -> None:
    assert change in SHOPS
    found, rows = judged(system, SHOPS.replace(change, to, 1))
    named = rows["api_values_equal_tables"]
    assert {row["field"] for row in named} == {field} and {row["way"] for row in named} == {"list", "id"}
    assert all(difference in str(row["difference"]) for row in named), named
    others = {name for name in CHECKS if found[name].status is not Status.PASS}
    assert others == {"api_values_equal_tables"}


def test_counts_and_ids_that_differ_are_named(system: System) -> None:
    _, rows = judged(system, SHOPS.replace('"sales": 0', '"sales": 1').replace('["2"]', "[3]"))
    told = {(row["source_id"], row["field"]): row["told"] for row in rows["endpoints_agree"]}
    assert told == {
        ("3", "sales"): "the tables 0; the list 1; by its id 1; the list shop/{shop}/sales 0",
        ("2", "sale_nos"): "the tables 1; the list 1, others; by its id 1, others; the list shop/{shop}/sales 1",
    }


def test_records_in_the_list_of_another_parent_are_named(system: System) -> None:
    swapped = {**SALES, "3": SALES["2"], "2": SALES["3"]}
    found, rows = judged(system, sales=swapped)
    named = {(row["source_id"], row["problem"]) for row in rows["api_serves_the_rows"]}
    assert named == {("2", "in the list of another parent")}
    assert found["endpoints_agree"].status is Status.FAIL  # and the lists of the children tell otherwise


def test_an_endpoint_of_a_column_that_is_not_there_is_told(system: System) -> None:
    system.edit("called: name", "called: nmae")
    found, _ = judged(system)
    assert found["api_values_equal_tables"].status is Status.INCONCLUSIVE
    assert "has no column nmae; did you mean name?" in str(found["api_values_equal_tables"].results[0].reason)
    with opened(system.parameters, {**system.environment, "SHOP_API": "http://127.0.0.1:9"}) as audit:
        assert "apis.endpoints[0].fields.called" in str(audit.check("declared_columns_exist").rows)
