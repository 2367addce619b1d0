"""Each check of the migrations is green on a clean project, and names its fault with revision, table and column."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from dsaudit import server
from dsaudit.audit import Audit
from dsaudit.checks import all_checks
from dsaudit.verdict import Status, Verdict
from tests.checks.auditing import all_rows, opened, told, verdicts
from tests.migrating.faults import CHAIN, TOLD, chained, revision
from tests.migrating.projects import Shop, running

pytestmark = pytest.mark.xdist_group("migrating")

New = Callable[..., Shop]
CHECKS = [name for name, one in all_checks().items() if "migrations" in one.listed("needs")]
BIG = 'op.alter_column("listings", "id", type_=sa.BigInteger)'
SLOW = (
    """op.execute("create function slow() returns trigger language plpgsql as """
    """'begin perform pg_sleep(0.02); return new; end'"); """
    'op.execute("create trigger slow before insert on sellers for each row execute function slow()")'
)


@pytest.fixture(scope="module")
def judged(clean: Shop) -> dict[str, Verdict]:
    """The clean project's verdicts, with a scratch database on a server of its own."""
    return verdicts(clean.parameters, {"SHOP_AUDIT_URL": clean.url}, CHECKS)


@pytest.mark.parametrize("check", CHECKS)
def test_a_clean_project_passes(check: str, judged: dict[str, Verdict]) -> None:
    assert judged[check].status is Status.PASS, told(judged[check])
    assert judged[check].examined > 0


@pytest.fixture(scope="module")
def faulty(clean: Shop, postgres: server.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audit]:
    """An audit of a chain of revisions that has every fault of a revision once."""
    with running(postgres.url, tmp_path_factory.mktemp("faulty"), clean) as shop:
        chained(shop)
        with opened(shop.parameters, shop.environment) as audit:
            yield audit


def named(rows: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of each row what is asked for."""
    return [{key: row[key] for key in one} for row, one in zip(rows, wanted, strict=True)]


@pytest.mark.parametrize("check", TOLD)
def test_a_revisions_fault_is_named_and_nothing_else_is(check: str, faulty: Audit) -> None:
    verdict = faulty.check(check)
    rows = sorted(all_rows(faulty, verdict), key=lambda row: (str(row["revision"]), str(row.get("table"))))
    assert verdict.status is Status.FAIL, told(verdict)
    assert [row["revision"] for row in rows] == [row["revision"] for row in TOLD[check]], rows
    assert named(rows, TOLD[check]) == TOLD[check]


def test_the_revisions_are_shown_with_what_they_change(faulty: Audit) -> None:
    rows = faulty.frame("revisions").set_index("revision")
    assert list(rows.index) == ["0001", "0002", *CHAIN]
    assert list(rows["in_the_audited_database"])[:3] == ["yes", "yes", "pending"]
    assert rows.loc["0007", "changes"] == "+ column colour"
    assert (rows.loc["0008", "upgrade"], rows.loc["0016", "downgrade"]) == ("fails on rows", "failed")
    assert (rows.loc["0001", "downgrade"], rows.loc["0003", "downgrade"]) == ("complete", "refused")


def test_what_a_downgrade_costs_is_shown_with_the_audited_rows(faulty: Audit) -> None:
    rows = faulty.frame("downgrade_deletions")
    dropped = rows[rows["condition"] == "the table is dropped"]
    assert dict(zip(dropped["table"], dropped["in_the_audited_database"], strict=True)) == {
        "public.listings": 2,
        "public.sellers": 1,
    }
    assert [*dropped["meeting_the_condition"]] == [*dropped["deleted_there"]] == [60, 60]
    declared = rows[rows["condition"] == "price_usd is null"].set_index("revision")
    assert 0 < declared.loc["0002", "deleted_there"] == declared.loc["0002", "meeting_the_condition"] < 60
    assert declared.loc["0002", "made_up_rows"] == 60


@dataclass(frozen=True)
class Fault:
    """What is done to a migrated shop, and what the check that has to fail tells of it."""

    check: str
    damage: Callable[[Shop], object]
    rows: list[dict[str, Any]]


def reckoned(shop: Shop) -> None:
    revision(shop, "0003", "Bigger", BIG, "pass")
    keys = '  rows: 16000\n  since: "0003"\n  expected_rows: {listings: 500000000}\n'
    shop.edit("parameters", "  rows: 1600\n", keys)


def slowed(shop: Shop) -> None:
    revision(shop, "0003", "Slow", SLOW, "pass")
    shop.edit("parameters", "insert_milliseconds: 1000", "insert_milliseconds: 15")


def without_index(shop: Shop) -> None:
    shop.edit_second('create_index("ix_listings_quality"', 'create_index("ix_other"')


def checked(shop: Shop) -> None:
    shop.edit("models.py", "import ForeignKey", "import CheckConstraint, ForeignKey")
    shop.edit("models.py", '"quality"),)', '"quality"), CheckConstraint("id > 0", name="ck_id"))')


def broken(shop: Shop) -> None:
    """Give each of several revisions a downgrade that ends with an error; one of them refuses."""
    refusing = "raise NotImplementedError('restore the backup')"
    downs = ['op.drop_colum("sellers", "age")', "raise RuntimeError('it cannot be taken back')", refusing]
    for number, down in enumerate(downs, 3):
        revision(shop, f"{number:04}", "Broken", "pass", down)


WIDER = {
    "sellers.name": ("sa.String(80)", "sa.Text"),
    "listings.price_usd": ("sa.Numeric(12, 2)", "sa.Numeric(20, 2)"),
    "listings.id": ("sa.Integer", "sa.BigInteger"),
    "listings.quality": ("sa.String(20)", "sa.String(30)"),
}


def widened(shop: Shop) -> None:
    """Give wider types to columns, a revision each; one of the downgrades first cuts what is too long."""
    for number, (column, types) in enumerate(WIDER.items(), 3):
        table, name = column.split(".")
        down, up = (f'op.alter_column("{table}", "{name}", type_={kind})' for kind in types)
        if name == "quality":
            down = f'op.execute("update listings set quality = left(quality, 20)"); {down}'
        revision(shop, f"{number:04}", f"Wider {name}", up, down)


FAULTS = {
    "two heads": Fault(
        "migrations_have_one_head",
        lambda shop: revision(shop, "0003", "Late", "pass", "pass", before="0001"),
        [{"revision": "0002"}, {"revision": "0003", "title": "Late."}],
    ),
    "a revision is pending": Fault(
        "database_is_at_the_head",
        lambda shop: revision(shop, "0003", "New", "pass", "pass"),
        [{"revision": "0003", "problem": "pending", "title": "New."}],
    ),
    "an unknown revision": Fault(
        "database_is_at_the_head",
        lambda shop: shop.execute("update alembic_version set version_num = '0007'"),
        [
            {"revision": "0001", "problem": "pending"},
            {"revision": "0002", "problem": "pending"},
            {"revision": "0007", "problem": "the database has it, and the project does not know it"},
        ],
    ),
    "a revision that PostgreSQL refuses": Fault(
        "migrations_apply",
        lambda shop: revision(shop, "0003", "Wrong", "op.execute('drop table offers')", "pass"),
        [{"revision": "0003", "way": "up", "on": "empty tables",
          "told": 'table "offers" does not exist (migrations/versions/0003.py, line 9)'}],
    ),
    "models that drift": Fault(
        "models_match_the_migrated_schema",
        lambda shop: shop.edit("models.py", "String(200))", "String(300))\n    colour: Mapped[str | None]"),
        [{"table": "listings", "name": "colour", "what": "column in the models alone"},
         {"table": "listings", "name": "title", "what": "type differs"}],
    ),
    "a check of the models that no revision makes": Fault(
        "models_match_the_migrated_schema",
        checked,
        [{"table": "listings", "name": "ck_id", "what": "check in the models alone"}],
    ),
    "a default that differs": Fault(
        "models_match_the_migrated_schema",
        lambda shop: shop.edit("models.py", 'server_default="full"', 'server_default="partial"'),
        [{"table": "listings", "name": "quality", "what": "default differs"}],
    ),
    "a database changed by hand": Fault(
        "database_matches_the_migrated_schema",
        lambda shop: shop.execute("alter table listings alter column title type varchar(300)",
                                  "drop index ix_listings_quality", "create table notes (id int)"),
        [{"kind": "column", "table": "public.listings", "name": "title", "problem": "differs"},
         {"kind": "index", "table": "public.listings", "name": "ix_listings_quality", "problem": "is lacking"},
         {"kind": "table", "table": "public.notes", "name": "", "problem": "is there, unasked"}],
    ),
    "downgrades that end with an error, of which one refuses": Fault(
        "downgrades_are_complete_or_refused",
        broken,
        [{"revision": "0003", "problem": "AttributeError: module 'alembic.op' has no attribute 'drop_colum' "
          "(migrations/versions/0003.py, line 13), which is not declared as refused"},
         {"revision": "0004", "problem": "RuntimeError: it cannot be taken back "
          "(migrations/versions/0004.py, line 13), which is not declared as refused"}],
    ),
    "downgrades that fail on values which the former type does not hold": Fault(
        "downgrades_are_complete_or_refused",
        widened,
        [{"revision": "0003", "table": "public.sellers", "column": "name",
          "problem": "value too long for type character varying(80) (migrations/versions/0003.py, line 13)"},
         {"revision": "0004", "table": "public.listings", "column": "price_usd",
          "problem": "numeric field overflow (migrations/versions/0004.py, line 13)"},
         {"revision": "0005", "table": "public.listings", "column": "id",
          "problem": "integer out of range (migrations/versions/0005.py, line 13)"}],
    ),
    "an index that is lacking": Fault(
        "migration_indexes_are_used",
        without_index,
        [{"table": "public.listings", "index": "ix_listings_quality", "problem": "it is not there"}],
    ),
    "a foreign key that is switched off": Fault(
        "migration_constraints_refuse",
        lambda shop: revision(shop, "0003", "Off", "op.execute('alter table listings disable trigger all')", "pass"),
        [{"table": "public.listings", "constraint": "listings_seller_id_fkey", "outcome": "accepted"}],
    ),
    "a table that is written anew": Fault(
        "migrations_lock_briefly",
        reckoned,
        [{"revision": "0003", "table": "public.listings", "lock": "access exclusive",
          "work": "writes the table anew", "rows": 500000000}],
    ),
    "slow inserts": Fault("inserts_are_quick", slowed, [{"table": "public.sellers", "inserts": 100}]),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_named(name: str, new: New, clean: Shop) -> None:
    fault, shop = FAULTS[name], new(clean)
    fault.damage(shop)
    with opened(shop.parameters, shop.environment) as audit:
        verdict = audit.check(fault.check)
        rows = all_rows(audit, verdict)
    assert verdict.status is Status.FAIL, told(verdict)
    assert named(rows, fault.rows) == fault.rows, told(verdict)


REFERRING = """create table places (id integer primary key, parent_id integer not null references places (id));
create table visits (id integer, day date, kind text, primary key (id, day)) partition by range (day);
create table visits_2024 partition of visits for values from ('2024-01-01') to ('2025-01-01');
create index ix_visits_kind on visits (kind)"""


@pytest.mark.parametrize("check", ["migration_constraints_refuse", "migration_indexes_are_used"])
def test_rows_that_refer_to_themselves_and_indexes_of_partitions_are_sound(check: str, new: New, clean: Shop) -> None:
    shop = new(clean)
    revision(shop, "0003", "Places", f'op.execute("""{REFERRING}""")', "op.execute('drop table places, visits')")
    with opened(shop.parameters, shop.environment) as audit:
        verdict = audit.check(check)
    assert verdict.status is Status.PASS, told(verdict)


def test_the_faults_are_those_of_every_check() -> None:
    assert {*TOLD} | {one.check for one in FAULTS.values()} == {*CHECKS}
