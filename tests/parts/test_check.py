"""What `dsaudit check` finds: each path of the file is tried on the source's first pages, each id in the tables."""

from __future__ import annotations

import pytest
from click.testing import CliRunner, Result

from dsaudit.cli import main
from tests.checks.auditing import variables
from tests.parts.shop import Shop


@pytest.fixture
def filled(shop: Shop) -> Shop:
    for key in range(1, 7):
        shop.put(key)
        shop.customer(key)
    return shop


def checked(shop: Shop, *changes: tuple[str, str]) -> Result:
    path = shop.file("several")
    text = path.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    with variables(shop.environment):
        return CliRunner().invoke(main, ["check", str(path)])


def test_of_a_sound_file_every_path_is_found_by_one_page_of_each_list(filled: Shop) -> None:
    result = checked(filled)
    assert result.exit_code == 0, result.output
    for name, paths in (("order", 4), ("line", 3), ("customer", 3)):
        assert f"✓ source: resources.{name}: {paths} paths found in its first page" in result.output
    assert sum(path.startswith("/acme/order.json") and "limit=5" in path for path in filled.asked) == 1
    assert not any("after=" in path for path in filled.asked)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("read: order.json", "read: order/7.json", "resources.order.read: "),
        ("total: money", "total: {from: totl, as: money}", "fields.total.from: totl is in none of the 5 records"),
        (
            "total: money",
            "total: {from: total, as: money, currency: ttal}",
            "currency: ttal is in none of the 5 records of the first page; did you mean total?",
        ),
        ("from: updated_at", "from: total.at", "from: total.at is in none of the 5 records"),
        ("at: lines", "at: line", "resources.line.nested.at: line is in none"),
        ("key: line_id", "key: line_id, id_from: nr", "resources.line.id_from[0]: nr is in none"),
        ("updated: updated_at", "updated: changed", "resources.order.updated: changed is in none of the 5 records"),
        (
            "page_size: 5",
            "page_size: 5, paging: {style: link, records: itemz}",
            "source.paging.records: itemz is not in the answer",
        ),
        (
            "page_size: 5",
            "page_size: 5, paging: {style: cursor, parameter: after, next: ordr}",
            "paging.next: ordr is not in the answer",
        ),
        (
            "page_size: 5",
            "page_size: 5, paging: {style: page, more: ordr}",
            "source.paging.more: ordr is not in the answer",
        ),
    ],
)
def test_a_path_that_the_source_does_not_have_is_named_with_its_place(
    old: str, new: str, told: str, filled: Shop
) -> None:
    result = checked(filled, (old, new))
    assert result.exit_code == 3
    lines = [line for line in result.output.splitlines() if line.startswith("✗ source: ")]
    assert any(told in line and ".yml:" in line for line in lines), result.output


def test_what_is_null_or_left_out_is_no_mistake(filled: Shop) -> None:
    for record in filled.records["acme", "order"].values():
        record["total"] = None
    assert checked(filled).exit_code == 0
    filled.records["acme", "order"][1]["gift"] = "yes"  # so keys are left out here, and the next may be one of them
    result = checked(filled, ("total: money", "total: {from: voucher, as: money}"))
    assert result.exit_code == 0 and "– source: " in result.output and "voucher is in none" in result.output
    filled.records.clear()
    assert "resources.order.read: the list is empty, so its paths were not tried" in checked(filled).output


def test_a_tenant_that_no_table_knows_is_named_with_the_ids_that_are_there(filled: Shop) -> None:
    assert "✗ tenants" not in checked(filled).output  # a tenant without a row yet
    result = checked(filled, ("id: B", "id: C"))
    assert result.exit_code == 0 and "tenants[1].id: no row of the declared tables has it\n" in result.output
    result = checked(filled, ("id: A", "id: X"))
    assert result.exit_code == 3
    assert "✗ tenants: " in result.output and "has it; 1 other is there, and no tenant of the file" in result.output
    filled.execute("update orders set tenant_id = '4711'")
    assert "; 4711 and 1 more are there, and" in checked(filled, ("id: A", "id: X")).output


def test_a_key_that_does_not_tell_rows_apart_is_named(filled: Shop) -> None:
    filled.execute("update customers set name = 'Ada'")
    assert "– keys" not in checked(filled).output
    result = checked(filled, ("{table: customers, key: customer_id,", "{table: customers, key: name,"))
    assert result.exit_code == 0
    assert "resources.customer.key: 6 rows have 1 value of name: it is not the key, or rows are" in result.output


def test_states_that_the_file_does_not_explain_are_named(filled: Shop) -> None:
    filled.execute("update raw set status = 'archived' where source_id = '1'")
    result = checked(filled)
    assert result.exit_code == 3
    assert "raw.states: status holds archived, which the file does not explain" in result.output
    assert checked(filled, ("raw: {table: raw", "raw: {states: {held: archived}, table: raw")).exit_code == 0


def test_a_count_that_is_not_answered_is_no_way_in(filled: Shop) -> None:
    result = checked(filled, ("read: customer.json,", "read: customer.json, count: customer/0.json,"))
    assert result.exit_code == 3
    assert "✗ reading acme: cannot be estimated: " in result.output


def test_skipped_checks_are_named(filled: Shop) -> None:
    told = checked(filled).output
    assert "the parameter file has no syncs (the table of sync runs)\n    initial_sync_completed," in told


def test_a_provider_that_the_catalogue_does_not_have_is_told_with_what_could_be_meant(filled: Shop) -> None:
    result = checked(filled, ("integration: shop", "integration: shop\nprovider: shoppify"))
    assert result.exit_code == 0
    assert (
        "– provider: " in result.output
        and "no provider shoppify, nor is it the path of a .yml file; did you" in result.output
    )


def test_nested_records_without_raw_rows_are_told_before_they_are_called_missing(filled: Shop) -> None:
    filled.execute("delete from raw where object_type = 'line'")
    assert "no raw row is of this type; if its records are kept inside those of order" in checked(filled).output
    embedded = ("nested: {in: order, at: lines}", "nested: {in: order, at: lines, embedded: true}")
    assert "no raw row is of this type" not in checked(filled, embedded).output
