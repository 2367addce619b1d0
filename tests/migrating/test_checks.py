"""Each check of the migrations is green on a clean project, and names its fault with revision, table and column."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from dsaudit.checks import all_checks
from dsaudit.verdict import Status, Verdict
from tests.checks.auditing import all_rows, opened, told, verdicts
from tests.migrating.projects import Shop

pytestmark = pytest.mark.xdist_group("migrating")

New = Callable[..., Shop]
CHECKS = [name for name, one in all_checks().items() if "migrations" in one.listed("needs")]
DELETES = '    op.execute("delete from listings where price_usd is null")\n'
DEFAULT = ', nullable=False, server_default="full"'
LATE = '''"""Another one."""
revision, down_revision = "0003", "0001"


def upgrade():
    pass


def downgrade():
    pass
'''
THIRD = '''"""A change."""
import sqlalchemy as sa
from alembic import op

revision, down_revision = "0003", "0002"


def upgrade():
    UP


def downgrade():
    DOWN
'''


def third(up: str, down: str = "pass") -> str:
    return THIRD.replace("UP", up).replace("DOWN", down)


@pytest.fixture(scope="module")
def judged(clean: Shop) -> dict[str, Verdict]:
    return verdicts(clean.parameters, clean.environment, CHECKS)


@pytest.mark.parametrize("check", CHECKS)
def test_a_clean_project_passes(check: str, judged: dict[str, Verdict]) -> None:
    assert judged[check].status is Status.PASS, told(judged[check])
    assert judged[check].examined > 0


@dataclass(frozen=True)
class Fault:
    """What is done to a migrated shop, and what the check that has to fail tells of it."""

    check: str
    damage: Callable[[Shop], None]
    rows: list[dict[str, Any]]
    before: bool = False  # the database is migrated afterwards


def add(up: str, down: str = "pass") -> Callable[[Shop], None]:
    return lambda shop: shop.add("migrations/versions/0003.py", third(up, down))


def edit(old: str, new: str) -> Callable[[Shop], None]:
    return lambda shop: shop.edit_second(old, new)


REMADE = 'op.drop_column("listings", "title"); op.add_column("listings", sa.Column("title", sa.String(200)))'
LISTING = {"revision": "0002", "table": "public.listings"}
FAULTS = {
    "two heads": Fault(
        "migrations_have_one_head",
        lambda shop: shop.add("migrations/versions/0003.py", LATE),
        [{"revision": "0002"}, {"revision": "0003"}],
    ),
    "a revision is pending": Fault(
        "database_is_at_the_head", add("pass"), [{"revision": "0003", "problem": "pending", "title": "A change."}]
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
        add('op.add_column("offers", sa.Column("id", sa.Integer))'),
        [{"revision": "0003", "way": "up", "on": "empty tables", "told": 'relation "offers" does not exist (migrations/'
          "versions/0003.py, line 9)"}],
    ),
    "a column that may not be empty on rows that are": Fault(
        "migrations_apply",
        add('op.alter_column("listings", "price_usd", nullable=False)'),
        [{"revision": "0003", "way": "up", "on": "rows"}],
    ),
    "a model drifts": Fault(
        "models_match_the_migrated_schema",
        lambda shop: shop.edit("models.py", 'title: Mapped[str] = mapped_column(String(200))',
                               'title: Mapped[str] = mapped_column(String(300))\n    colour: Mapped[str | None]'),
        [{"table": "listings", "name": "colour", "what": "column in the models alone"},
         {"table": "listings", "name": "title", "what": "type differs"}],
    ),
    "a default in the models alone": Fault(
        "models_match_the_migrated_schema",
        lambda shop: shop.edit("models.py", 'server_default="full"', 'server_default="partial"'),
        [{"table": "listings", "name": "quality", "what": "default differs"}],
    ),
    "the database was changed by hand": Fault(
        "database_matches_the_migrated_schema",
        lambda shop: shop.execute(
            "alter table listings alter column title type varchar(300)", "drop index ix_listings_quality",
            "create table notes (id int)",
        ),
        [{"kind": "column", "table": "public.listings", "name": "title", "problem": "differs"},
         {"kind": "index", "table": "public.listings", "name": "ix_listings_quality", "problem": "is lacking"},
         {"kind": "table", "table": "public.notes", "name": "", "problem": "is there, unasked"}],
    ),
    "a column made anew": Fault(
        "migrations_keep_the_data",
        add(REMADE),
        [{"revision": "0003", "table": "public.listings", "column": "title", "way": "up",
          "problem": "values are empty now"}],
    ),
    "a narrower type": Fault(
        "migrations_keep_the_data",
        add('op.alter_column("listings", "price_usd", type_=sa.Numeric(12, 0))'),
        [{"revision": "0003", "column": "price_usd", "way": "up", "problem": "values are others now"}],
    ),
    "rows are deleted": Fault(
        "migrations_keep_the_data",
        add("op.execute('delete from listings where id % 2 = 0')"),
        [{"revision": "0003", "table": "public.listings", "column": "", "problem": "rows are gone",
          "before": "60 rows", "after": "30 rows"}],
    ),
    "a downgrade that empties a column": Fault(
        "migrations_keep_the_data",
        add("pass", """op.execute("update sellers set name = 'x' || id % 2 where id < 3")"""),
        [],
    ),
    "no default": Fault(
        "migration_defaults_hold",
        edit(DEFAULT, ""),
        [{**LISTING, "column": "quality", "default": "'full'", "problem": "rows that were there do not have it"}],
    ),
    "no default, and it may not be empty": Fault(
        "migration_defaults_hold",
        edit(DEFAULT, ", nullable=False"),
        [{**LISTING, "column": "quality", "problem": "it has no default for the rows that are there"}],
    ),
    "a default for later rows alone": Fault(
        "migration_defaults_hold",
        edit(DEFAULT + "))", '))\n    op.alter_column("listings", "quality", server_default="full")'),
        [{**LISTING, "column": "quality", "problem": "rows that were there do not have it"}],
    ),
    "no index": Fault(
        "migration_indexes_are_used",
        lambda shop: (
            shop.edit_second('op.create_index("ix_listings_quality"', 'op.create_index("ix_other"'),
            shop.edit_second('op.drop_index("ix_listings_quality"', 'op.drop_index("ix_other"'),
        )[0],
        [{"table": "public.listings", "index": "ix_listings_quality", "problem": "it is not there"}],
    ),
    "a foreign key that a trigger goes around": Fault(
        "migration_constraints_refuse",
        add('op.execute("alter table listings disable trigger all")'),
        [{"table": "public.listings", "constraint": "listings_seller_id_fkey", "kind": "foreign key",
          "outcome": "accepted"}],
    ),
    "a new column that the former code does not know": Fault(
        "former_rows_are_still_accepted",
        add('op.alter_column("listings", "quality", server_default=None); '
            "op.execute(\"alter table listings add note text; update listings set note = ''\"); "
            'op.alter_column("listings", "note", nullable=False)'),
        [{"revision": "0003", "table": "public.listings", "column": "note"}],
    ),
    "a column that the former code reads": Fault(
        "former_rows_are_still_accepted",
        add('op.drop_column("listings", "missing_fields")',
            'op.add_column("listings", sa.Column("missing_fields", sa.JSON))'),
        [{"revision": "0003", "table": "public.listings",
          "problem": 'reading: column "missing_fields" does not exist'}],
    ),
    "a downgrade that leaves empty values": Fault(
        "downgrades_are_complete_or_refused",
        edit(DELETES, ""),
        [{**LISTING, "column": "price_usd"}],
    ),
    "a downgrade that forgets": Fault(
        "downgrades_are_complete_or_refused",
        edit('    op.alter_column("listings", "price_usd", nullable=False)\n', ""),
        [{**LISTING, "column": "price_usd"}],
    ),
    "a downgrade that does nothing": Fault(
        "downgrades_are_complete_or_refused",
        add('op.add_column("sellers", sa.Column("note", sa.Text))'),
        [{"revision": "0003", "table": "public.sellers", "column": "note", "problem": "column is there, unasked"}],
    ),
    "a downgrade that deletes more": Fault(
        "downgrades_delete_what_is_declared",
        edit("delete from listings where price_usd is null", "delete from listings where price_usd is null or id < 4"),
        [{**LISTING, "problem": "deletes more than is declared", "declared": "price_usd is null",
          "in_the_audited_database": 0}],
    ),
    "a downgrade that keeps what it is to delete": Fault(
        "downgrades_delete_what_is_declared",
        edit(DELETES, '    op.execute("update listings set price_usd = 0 where price_usd is null")\n'),
        [{**LISTING, "problem": "keeps rows that it is declared to delete"}],
    ),
    "a downgrade that deletes without a word": Fault(
        "downgrades_delete_what_is_declared",
        add("pass", "op.execute('delete from sellers where id = 1')"),
        [{"revision": "0003", "table": "public.listings", "problem": "deletes rows, which nothing declares"},
         {"revision": "0003", "table": "public.sellers", "rows": 1}],
    ),
    "a table written anew": Fault(
        "migrations_lock_briefly",
        lambda shop: (
            add('op.alter_column("listings", "id", type_=sa.BigInteger)')(shop),
            shop.edit("parameters", "  rows: 1600\n", "  rows: 1600\n  expected_rows: {listings: 500000000}\n"),
        )[0],
        [{"revision": "0003", "table": "public.listings", "lock": "AccessExclusiveLock",
          "work": "writes the table anew", "rows": 500000000}],
    ),
    "slow inserts": Fault(
        "inserts_are_quick",
        lambda shop: (
            add("""op.execute("create function slow() returns trigger language plpgsql as "
               "'begin perform pg_sleep(0.02); return new; end'"); """
                'op.execute("create trigger slow before insert on sellers for each row execute function slow()")')(shop),
            shop.edit("parameters", "insert_milliseconds: 1000", "insert_milliseconds: 15"),
        )[0],
        [{"table": "public.sellers", "inserts": 100}],
    ),
}  # fmt: skip
del FAULTS["a downgrade that empties a column"]


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_named(name: str, new: New) -> None:
    fault, shop = FAULTS[name], new()
    shop.migrate()
    fault.damage(shop)
    with opened(shop.parameters, shop.environment) as audit:
        verdict = audit.check(fault.check)
        rows = all_rows(audit, verdict)
    assert verdict.status is Status.FAIL, told(verdict)
    assert [{key: row[key] for key in wanted} for row, wanted in zip(rows, fault.rows, strict=True)] == fault.rows, (
        told(verdict)
    )
