"""What a parameter file leaves out is inferred where the database's catalogue is certain of it, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dsaudit import server
from dsaudit.database import Database
from dsaudit.database.inference import completed, infer
from dsaudit.parameters import ParameterError, Parameters, load
from tests.drafting.schemas import URL_ENV, built

TABLES = """
create table shop (id uuid primary key default gen_random_uuid(), name text);
create table raw (
  id bigint generated always as identity primary key, shop_id uuid references shop (id), object_type text,
  source_id text, payload jsonb, status text, error_message text, source text, content_hash text,
  received_at timestamptz);
create table sold (
  id uuid primary key default gen_random_uuid(), shop_id uuid references shop (id), order_id bigint not null,
  raw_id bigint references raw (id), deleted_at timestamptz, unique (shop_id, order_id));
create table plain (id text primary key, shop_id uuid, is_deleted boolean not null default false);
create table mailed (id bigint generated always as identity primary key, email text not null unique, deleted_at text);
create table twice (a_id bigint not null unique, b_id bigint not null unique);
create table loose (id bigint generated always as identity primary key, order_id bigint unique);
"""
HEAD = f"""\
integration: thin
database: {{url_env: {URL_ENV}}}
tenants: [{{name: one, id: 00000000-0000-0000-0000-000000000001}}]
record: {{table: shop, columns: {{tenant: id, scopes: none, registration: none}}}}
raw: {{table: raw, columns: {{tenant: shop_id}}}}
resources:
"""


@pytest.fixture(scope="module")
def database(postgres: server.Server) -> Iterator[Database]:
    """A database whose tables tell of their keys, or do not."""
    with built(postgres.url, TABLES) as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv(URL_ENV, url)
        from dsaudit.parameters.database import Database as Settings

        one = Database.open(Settings(url_env=URL_ENV))  # type: ignore[call-arg]
        yield one
        one.close()


def parameters(folder: Path, resources: str) -> Parameters:
    path = folder / "thin.yml"
    path.write_text(HEAD + resources, encoding="utf-8")
    return load(path)


def inferred(folder: Path, resources: str, database: Database) -> dict[str, object]:
    return {one.key: one.value for one in infer(parameters(folder, resources), database)}


def test_key_tenant_raw_row_and_deletion_are_told_by_the_catalogue(tmp_path: Path, database: Database) -> None:
    thin = parameters(tmp_path, "  order: {table: sold}\n")
    found = infer(thin, database)
    assert {one.key: one.value for one in found} == {
        "key": ["order_id"],
        "tenant": "shop_id",
        "built_from": "raw_id",
        "deleted": "deleted_at",
    }
    order = completed(thin, found, database.catalogue()).resources["order"]
    assert (order.key, order.tenant, order.built_from, order.deleted) == (
        ["order_id"],
        "shop_id",
        "raw_id",
        "deleted_at",
    )
    assert all(one.why and one.key in str(one) for one in found)


def test_what_is_declared_wins_and_so_does_a_declared_none(tmp_path: Path, database: Database) -> None:
    declared = "  order: {table: sold, key: id, deleted: null, tenant: shop_id, built_from: null}\n"
    assert inferred(tmp_path, declared, database) == {}
    with_default = "  order: {table: sold, tenant: shop_id}\ndefaults: {deleted: null}\n"
    assert set(inferred(tmp_path, with_default, database)) == {"key", "built_from"}


def test_a_key_of_the_source_may_be_the_primary_key(tmp_path: Path, database: Database) -> None:
    found = inferred(tmp_path, "  item: {table: plain}\n", database)
    assert found == {"key": ["id"], "tenant": "shop_id", "deleted": "is_deleted"}


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ("mailed", "an address that is unique is no id, and a text called deleted_at no time"),
        ("twice", "two columns may be the id"),
        ("loose", "an id that may be null tells no row"),
        ("absent", "there is no such table"),
    ],
)
def test_what_is_not_certain_is_not_inferred(tmp_path: Path, database: Database, table: str, why: str) -> None:
    thin = parameters(tmp_path, f"  item: {{table: {table}}}\n")
    assert not infer(thin, database), why
    with pytest.raises(ParameterError, match=r"thin\.yml: resources\.item\.key: missing"):
        completed(thin, infer(thin, database), database.catalogue())
