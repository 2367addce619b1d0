"""Other tenants on the copy: sound policies keep them out, and each hole in them is found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest

from dsaudit.scratch import Intrusion, Scratch, ScratchError, as_tenant, fill, intrusions
from dsaudit.scratch.reflection import reflected
from tests.scratch.conftest import cloned

pytestmark = pytest.mark.xdist_group("scratch")
SETTINGS = {"client_account_id": "app.client_account_id", "engagement_id": "app.engagement_id"}
MINE = " and ".join(
    f"{column} = nullif(current_setting('{name}', true), '')::uuid" for column, name in SETTINGS.items()
)
TABLES = f"""
create schema shop;
grant usage on schema shop to hard_app;
create table shop.carts (
  id uuid primary key, client_account_id uuid not null, engagement_id uuid not null, name text not null unique
);
create table shop.items (
  id uuid primary key, client_account_id uuid not null, engagement_id uuid not null,
  cart_id uuid not null references shop.carts (id) on delete cascade
);
grant select, insert, update, delete on shop.carts, shop.items to hard_app;
alter table shop.carts enable row level security;
alter table shop.items enable row level security;
create policy tenant_isolation on shop.carts using ({MINE}) with check ({MINE});
create policy tenant_isolation on shop.items using ({MINE}) with check ({MINE});
"""


@pytest.fixture(scope="module")
def shop(filled: Scratch) -> Iterator[Scratch]:
    with cloned(filled, (TABLES,)) as clone:
        with psycopg.connect(clone.url) as connection:
            scratch = replace(clone, tables=reflected(connection, ["shop"]), plans={}, counts={})
        fill(scratch, 6)
        yield scratch


def let_in(found: list[Intrusion]) -> set[tuple[str, str, str]]:
    return {(one.table, one.attempt, one.state) for one in found if one.outcome == "let in"}


def test_sound_policies_keep_everybody_out(shop: Scratch) -> None:
    found = intrusions(shop, "hard_app", SETTINGS)
    assert {one.outcome for one in found} == {"kept out"}
    assert {one.table for one in found} == {"shop.carts", "shop.items"}
    assert {one.state for one in found} == {OTHER, *IN_ONE, NONE, EMPTY, MALFORMED}
    assert {one.attempt for one in found} == {"read", "change", "delete", "plant", "take over", "give away"}


def test_a_tenant_sees_its_own_row_and_no_other(shop: Scratch) -> None:
    with psycopg.connect(shop.url) as connection:
        account, engagement = connection.execute(
            "select client_account_id::text, engagement_id::text from shop.carts limit 1"
        ).fetchone()
    values = {"app.client_account_id": account, "app.engagement_id": engagement}
    with as_tenant(shop, "hard_app", values) as connection:
        assert connection.execute("select count(*) from shop.carts").fetchone() == (1,)


IN_ONE = ("another client_account_id", "another engagement_id")
OTHER, NONE, EMPTY, MALFORMED = "another tenant", "no setting", "an empty setting", "a malformed setting"
ACCOUNT = "current_setting('app.client_account_id', true)"
ALTER = "alter policy tenant_isolation on shop.carts"


@pytest.mark.parametrize(
    ("hole", "expected"),
    [
        ("alter table shop.carts disable row level security", {("read", NONE), ("plant", MALFORMED)}),
        (f"{ALTER} with check (true)", {("plant", OTHER), ("give away", OTHER)}),
        (f"{ALTER} using (true)", {("read", OTHER), ("delete", NONE)}),
        (f"{ALTER} using ({ACCOUNT} is null or {MINE})", {("read", NONE), ("delete", NONE)}),
        (f"{ALTER} using (coalesce({ACCOUNT}, '') = '' or {MINE})", {("read", NONE), ("read", EMPTY)}),
        ("create policy reading on shop.carts for select using (true)", {("read", OTHER), ("read", MALFORMED)}),
        ("create policy changing on shop.carts for update using (true)", {("take over", OTHER)}),
        ("create policy deleting on shop.carts for delete using (true)", {("delete", OTHER)}),
    ],
)
def test_a_hole_in_the_policies_is_found(shop: Scratch, hole: str, expected: set[tuple[str, str]]) -> None:
    with cloned(shop, (hole,)) as holed:
        found = let_in(intrusions(holed, "hard_app", SETTINGS))
    assert {("shop.carts", *one) for one in expected} <= found
    assert not {one for one in found if one[0] == "shop.items"}


def test_a_role_that_bypasses_row_security_is_let_in(shop: Scratch) -> None:
    with psycopg.connect(shop.url, autocommit=True) as connection:
        connection.execute("create role bypassing bypassrls in role hard_app")
    try:
        found = intrusions(shop, "bypassing", SETTINGS, ["shop.items"])
        assert ("shop.items", "read", "no setting") in let_in(found)
    finally:
        with psycopg.connect(shop.url, autocommit=True) as connection:
            connection.execute("drop role bypassing")


def test_a_trigger_cannot_become_more_than_the_application(shop: Scratch) -> None:
    raising = (
        "create function shop.rise() returns trigger language plpgsql as "
        "$$ begin reset role; set role postgres; return new; end $$",
        "create trigger rise before insert on shop.carts for each row execute function shop.rise()",
    )
    with cloned(shop, raising) as hostile, as_tenant(hostile, "hard_app", {}) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match='permission denied to set role "postgres"'):
            connection.execute(
                "insert into shop.carts select * from shop.carts union all select null, null, null, null"
            )
        connection.rollback()
        assert connection.execute("select session_user::text like 'dsaudit_worker%'").fetchone() == (True,)


def test_whoever_sees_nothing_at_all_proves_nothing(shop: Scratch) -> None:
    with cloned(shop, ("revoke all on shop.items from hard_app",)) as closed:
        found = intrusions(closed, "hard_app", SETTINGS, ["shop.items"])
    assert {one.outcome for one in found} == {"not tried"}
    assert {one.reason for one in found} == {"the tenant cannot read its own row: permission denied for table items"}


def test_a_role_or_a_table_that_is_not_there_is_told(shop: Scratch) -> None:
    with pytest.raises(ScratchError, match="the copy has no role nobody_here to be used"):
        intrusions(shop, "nobody_here", SETTINGS)
    (one,) = intrusions(shop, "hard_app", SETTINGS, ["shop.gone"])
    assert (one.outcome, one.reason) == (
        "not tried",
        "the copy has no table shop.gone with client_account_id, engagement_id",
    )
