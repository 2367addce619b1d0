"""The copy: that it is whole, that the audited database is only read for it, and that nothing of it stays."""

from __future__ import annotations

import subprocess
from pathlib import Path
from urllib.parse import quote, urlsplit

import psycopg
import pytest

from dsaudit import server
from dsaudit.scratch import Scratch, ScratchError, attacks, copied, dumping, fill
from examples import databases
from examples.migrations import Migrations
from examples.storefront.processes import BACKEND
from tests.scratch.conftest import SCHEMAS, Clone

pytestmark = pytest.mark.xdist_group("scratch")
ROOT = Path(__file__).parents[2]
REFERRALS = ROOT / "examples/referrals/backend/migrations/0001_partner_center_referrals.sql"


def one(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchone()[0]


def other_database(url: str, name: str, *statements: str) -> str:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'create database "{name}" template template0')
    there = urlsplit(url)._replace(path=f"/{name}").geturl()
    with psycopg.connect(there, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())
    return there


def test_everything_of_a_hard_schema_arrives(filled: Scratch) -> None:
    assert filled.left_out == []
    order = filled.tables["public.Order"]
    assert [key.name for key in order.keys] == ["Order pk", "one open"]
    assert order.columns["doubled"].computed_from == ("low",)
    line = filled.tables['Other Schema.Line "item"']
    assert {key.name: key.on_delete for key in line.foreigns} == {
        'Line "item"_parent_fkey': "set_null",
        "line_order": "set_null",
        "line_product": "no_action",
        "line_tenant": "restrict",
    }
    assert next(key.set_columns for key in line.foreigns if key.name == "line_order") == ("order_id",)
    tenants = filled.tables["public.tenants"]
    assert (tenants.row_security, tenants.forced, [one.roles for one in tenants.policies]) == (
        True,
        True,
        [("hard_app",)],
    )
    assert filled.tables["public.events_2025"].partition_of == "public.events"
    assert one(filled.url, "select count(*) from pg_views where viewname = 'open_orders'") == 1


def test_nothing_is_written_to_the_audited_database(audited: str) -> None:
    next_number = "select pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text"
    before = one(audited, next_number)
    with copied(audited, SCHEMAS) as scratch:
        fill(scratch, 3)
        attacks(scratch)
    assert one(audited, next_number) == before


def test_the_session_that_reads_the_schema_cannot_write(audited: str, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []
    run = subprocess.run

    def watched(command: list[str], **options: object) -> object:
        commands.append([str(word) for word in command])
        return run(command, **options)

    monkeypatch.setattr(dumping.subprocess, "run", watched)
    with copied(audited, ["public"]):
        pass
    (dump,) = [command for command in commands if "--schema-only" in command]
    assert "default_transaction_read_only=on" in dump[-1]
    assert "--lock-wait-timeout=2000" in dump
    assert str(urlsplit(audited).password) not in " ".join(dump)


def test_a_role_that_may_only_read_is_enough_and_what_it_may_not_read_is_told(audited: str) -> None:
    owner_url, audit_url = databases.create(audited, "readable", "_scratch")
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute("create table parents (id integer primary key)")
        connection.execute("create table hidden (id integer primary key)")
        connection.execute("create table children (id integer primary key, parent integer references parents)")
        connection.execute("create table strays (id integer primary key, hidden_id integer)")
        connection.execute("alter table strays add constraint stray foreign key (hidden_id) references hidden (id)")
        connection.execute("revoke select on hidden from auditor_scratch")
    with copied(audit_url) as scratch:
        assert {*scratch.tables} == {"public.parents", "public.children", "public.strays"}
        assert scratch.left_out == [
            "table public.hidden: the role may not read it",
            'fk constraint public.strays stray: relation "public.hidden" does not exist',
        ]
        assert fill(scratch, 5) == dict.fromkeys(scratch.tables, 5)
        assert {one.outcome for one in attacks(scratch)} == {"refused"}


def test_an_extension_that_is_not_there_is_told_and_so_is_what_needs_it(audited: str) -> None:
    url = other_database(
        audited,
        "extended",
        "create extension btree_gist",
        "create table rooms (room integer, during tstzrange, exclude using gist (room with =, during with &&))",
        "update pg_catalog.pg_extension set extname = 'unheard_of' where extname = 'btree_gist'",
    )
    with copied(url) as scratch:
        extension, constraint = scratch.left_out
        assert extension.startswith('extension unheard_of: extension "unheard_of" is not available')
        assert constraint.startswith("constraint public.rooms rooms_room_during_excl: ")
        assert scratch.tables["public.rooms"].keys == []


def test_a_newer_server_than_pg_dump_is_refused_in_words() -> None:
    with pytest.raises(
        ScratchError, match=r"the audited server is PostgreSQL 99, and the newest pg_dump at hand is of"
    ):
        dumping.newest_pg_dump(99_00_01)


def test_a_schema_that_is_not_there_is_refused(audited: str) -> None:
    with (
        pytest.raises(ScratchError, match="the audited database has no schema warehouse"),
        copied(audited, ["public", "warehouse"]),
    ):
        pass


def test_a_wrong_password_is_not_told(audited: str) -> None:
    parts = urlsplit(audited)
    url = parts._replace(netloc=f"postgres:{quote('hidden-word')}@{parts.hostname}:{parts.port}").geturl()
    with pytest.raises(ScratchError, match="password authentication failed") as told, copied(url):
        pass
    assert "hidden-word" not in str(told.value)


def test_roles_come_along_and_none_is_a_superuser_or_logs_in(audited: str) -> None:
    with psycopg.connect(audited, autocommit=True) as connection:
        connection.execute("create role scratch_group nologin bypassrls")
        groups = "scratch_group, pg_execute_server_program"
        connection.execute(f"create role scratch_chief login superuser in role {groups}")
        connection.execute("create role scratch_reader login")
    rights = (
        "select array_agg(row(rolname, rolsuper, rolbypassrls, rolcanlogin)::text order by rolname) from pg_roles "
        "where rolname like 'scratch%'"
    )
    with copied(audited, SCHEMAS, roles=["scratch_chief"]) as scratch:
        assert one(scratch.url, rights) == ["(scratch_chief,f,t,f)", "(scratch_group,f,t,f)"]
        assert one(scratch.url, "select pg_has_role('scratch_chief', 'scratch_group', 'member')")
        assert not one(scratch.url, "select pg_has_role('scratch_chief', 'pg_execute_server_program', 'member')")
        assert scratch.left_out == ["role scratch_chief: it is no member of pg_execute_server_program here"]


def test_a_trigger_of_the_audited_schema_reaches_nothing_of_this_machine(audited: str, tmp_path: Path) -> None:
    body = f"begin copy (select 1) to program 'touch {tmp_path}/reached'; return new; end"
    url = other_database(
        audited,
        "hostile",
        "create table bait (id integer primary key)",
        f"create function reach() returns trigger security definer language plpgsql as $$ {body} $$",
        "create trigger reach before insert on bait for each row execute function reach()",
    )
    with copied(url) as scratch:
        fill(scratch, 2)
        (attack,) = [one for one in attacks(scratch) if one.kind == "primary key"]
        assert not list(tmp_path.iterdir())
        with scratch.connect() as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("insert into bait values (1000)")
        assert attack.outcome == "refused"  # by update, where there is no trigger
    assert not list(tmp_path.iterdir())


def test_the_copy_is_gone_afterwards_also_from_a_server_that_was_given(
    audited: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = (
        "select (select array_agg(datname order by 1) from pg_database)::text "
        "|| (select array_agg(rolname order by 1) from pg_roles)::text"
    )
    with server.running() as given:
        monkeypatch.setenv("DSAUDIT_POSTGRES_URL", given.url)
        before = one(given.url, everything)
        with pytest.raises(KeyError, match="of the block"), copied(audited, SCHEMAS) as scratch:
            assert urlsplit(scratch.url).port == given.port
            assert one(given.url, everything) != before
            fill(scratch, 2)
            raise KeyError("of the block")
        assert one(given.url, everything) == before


def test_a_copy_of_a_copy_is_the_same(filled: Scratch, clone: Clone) -> None:
    with copied(clone().url, SCHEMAS) as again:
        assert again.tables == filled.tables
        assert again.left_out == []


def test_what_constraints_call_may_be_called_in_the_copy(audited: str) -> None:
    url = other_database(
        audited,
        "guarded",
        "create function fine(n integer) returns boolean language sql immutable as $$ select n > 0 $$",
        "revoke execute on function fine(integer) from public",
        "create table guarded (id serial primary key, n integer not null constraint is_fine check (fine(n)))",
    )
    with copied(url.replace("postgresql://", "postgresql+psycopg://")) as scratch:
        assert fill(scratch, 4) == {"public.guarded": 4}
        assert {one.outcome for one in attacks(scratch)} == {"refused"}


@pytest.mark.parametrize("sample", ["storefront", "referrals"])
def test_the_samples_schemas_are_copied_filled_and_attacked_whole(audited: str, sample: str, tmp_path: Path) -> None:
    owner_url, audit_url = databases.create(audited, sample, f"_{sample}")
    if sample == "storefront":
        Migrations(BACKEND, tmp_path).run(owner_url)
    else:
        databases.execute(owner_url, REFERRALS.read_text())
    with copied(audit_url) as scratch:
        assert scratch.left_out == []
        assert fill(scratch, 40) == dict.fromkeys(scratch.tables, 40)
        found = attacks(scratch)
        assert len(found) > len(scratch.tables)
        assert [one for one in found if one.outcome != "refused"] == []
