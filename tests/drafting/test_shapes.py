"""Integrations of other shapes are drafted as they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from dsaudit import server
from dsaudit.drafting import Draft
from dsaudit.drafting.writing import written
from dsaudit.parameters import load
from tests.drafting import schemas
from tests.drafting.comparing import compare

ENOUGH = 0.8


def of(server_url: str, statements: str, root: Path, **given: Any) -> Iterator[Draft]:
    with schemas.built(server_url, statements) as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv(schemas.URL_ENV, url)
        yield schemas.drafted(schemas.URL_ENV, root, **given)


@pytest.fixture(scope="module")
def on_the_row(postgres: server.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Draft]:
    """The draft of the system whose records stand on their rows."""
    yield from of(postgres.url, schemas.ON_THE_ROW, tmp_path_factory.mktemp("row"))


@pytest.fixture(scope="module")
def parted(postgres: server.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Draft]:
    """The draft of the system whose raw table is partitioned."""
    yield from of(postgres.url, schemas.PARTED, tmp_path_factory.mktemp("parted"))


@pytest.fixture(scope="module")
def unlike(postgres: server.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Draft]:
    """The draft of the system whose tables and columns are called like nothing that is known."""
    yield from of(postgres.url, schemas.UNLIKE, tmp_path_factory.mktemp("unlike"))


def test_roles_keys_tenants_and_fields_are_told_by_what_the_columns_hold(unlike: Draft) -> None:
    values = unlike.values()
    drafted = {name: values[name] for name in ("tenants", "raw", "defaults", "resources", "relations")}
    compared = compare(drafted, yaml.safe_load(schemas.UNLIKE_WRITTEN))
    print(f"\nunlike: {compared.told()}")
    assert compared.share >= ENOUGH and set(drafted["resources"]) == {"reader", "lending", "loan_book"}, compared.told()


def test_what_values_prove_and_no_constraint_says_is_a_guess_that_tells_so(unlike: Draft) -> None:
    key = unlike.entries["resources", "reader", "key"]
    assert key.value == "mark" and key.guess and "100% of the sampled raw records" in key.guess
    assert "later" in str(unlike.entries["defaults", "updated"].guess)
    key = unlike.entries["resources", "loan_book", "key"]
    assert key.guess and "no constraint says so" in key.guess


def test_a_record_on_the_row_is_matched_by_its_values(on_the_row: Draft) -> None:
    charge = on_the_row.values()["resources"]["charge"]
    assert (charge["table"], charge["key"]) == ("Charge", "id")
    assert charge["fields"] == {
        "amount": {"from": "amount", "as": "money", "currency": "currency"},
        "currency": "text",
        "createdAt": {"from": "created", "as": "instant", "epoch": "seconds"},
        "customerId": {"from": "customer", "as": "text"},
        "paid": "boolean",
    }
    assert on_the_row.value("resources.customer.fields.fullName") == {"from": "full_name", "as": "text"}


def test_a_flag_of_deletion_is_found_and_no_raw_table_and_no_tenants_are_made_up(on_the_row: Draft) -> None:
    values = on_the_row.values()
    assert values["defaults"]["deleted"] == "is_deleted"
    assert not {"raw", "tenants", "deliveries", "syncs", "record"} & set(values)
    assert set(values["resources"]) == {"charge", "customer"}, "a view of a table is no resource beside it"


def test_a_reference_without_a_foreign_key_is_tried_on_the_data(on_the_row: Draft) -> None:
    assert on_the_row.values()["relations"] == [
        {"child": "charge.customerId", "parent": "customer.id", "nullable": True}
    ]
    entry = on_the_row.entries["relations", "0"]
    assert entry.guess and "100%" in entry.guess


def test_a_partitioned_raw_table_with_quoted_names_is_read(parted: Draft) -> None:
    values = parted.values()
    assert values["raw"]["table"] == "Crm.landing"
    assert values["raw"]["columns"] == {
        "row_id": "seq",
        "tenant": "workspace_id",
        "resource": "entity_type",
        "source_id": "external_id",
        "payload": "body",
        "content_hash": "Checksum",
        "via": "via",
        "state": "state",
        "error": "none",
        "received_at": "landed_at",
    }
    assert values["raw"]["states"] == {"processed": ["done"], "error": ["failed"]}
    assert values["raw"]["webhook"] == ["push_event"]
    assert "hash" not in values["raw"], "no recipe of ours gives these hashes"


def test_uuid_keys_dates_rates_and_names_that_must_be_quoted(parted: Draft) -> None:
    deal = parted.values()["resources"]["deal"]
    assert (deal["table"], deal["key"], deal["raw"], deal["id_from"]) == ("Crm.Deal %", "deal_uid", "Deal", "uid")
    assert deal["fields"]["win_rate"] == "decimal"
    assert deal["fields"]["closed_on"] == "date"
    assert deal["fields"]["Deal Value"] == {"from": "value", "as": "money"}
    assert "labels" not in deal["fields"], "no type compares a list"


def test_a_list_deep_in_the_parents_record_is_found_by_its_rows(parted: Draft) -> None:
    stage = parted.values()["resources"]["deal_stage"]
    assert stage["key"] == ["deal_uid", "step"]
    assert stage["nested"] == {"in": "deal", "at": "history.stages"}
    assert stage["id_from"] == ["../uid", "#"]
    assert stage["fields"] == {"label": "text"}


@pytest.mark.parametrize("name", ["on_the_row", "parted", "unlike"])
def test_what_is_drafted_is_a_parameter_file(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    made: Draft = request.getfixturevalue(name)
    path = tmp_path / "drafted.yml"
    path.write_text(written(made), encoding="utf-8")
    load(path)
    assert yaml.safe_load(path.read_text()) == made.values()
