"""Faults of what an upgrade does: the revisions of the copy are edited, and the database is as they leave it."""

from random import Random
from typing import TYPE_CHECKING

from examples.answer_key import Expected, Planted
from examples.editing import altered, replaced

from .choosing import revision

if TYPE_CHECKING:
    from ..sample import Sample

# What cannot be said of revisions that do not apply.
AFTERWARDS = [
    *("models_match_the_migrated_schema", "database_matches_the_migrated_schema", "migrations_keep_the_data"),
    *("migration_defaults_hold", "migration_indexes_are_used", "migration_constraints_refuse"),
    *("former_rows_are_still_accepted", "downgrades_are_complete_or_refused", "downgrades_delete_what_is_declared"),
    *("migrations_lock_briefly", "inserts_are_quick"),
]
PARTIAL, JOBS = "0022_partial_imports", "0023_bulk_jobs"
NULLABLE = '    op.alter_column("listings", "condition", nullable=True)\n'
PROVENANCE = """\
        "listings", sa.Column("extraction_metadata", JSONB, server_default=sa.text("'{}'::jsonb"), nullable=False)
"""
ATTEMPTS = """\
    op.add_column("import_sessions", sa.Column("attempts", sa.Integer, server_default=sa.text("0"), nullable=False))
"""
BULK_INDEX = '    op.create_index("ix_import_sessions_bulk_job_id", "import_sessions", ["bulk_job_id"])\n'
BULK_INDEX_DROPPED = '    op.drop_index("ix_import_sessions_bulk_job_id", "import_sessions")\n'
# A revision that applies, and a trigger that it makes; the database is as it leaves it.
CHANGES = '    op.create_index("ix_listing_changes_listing_id", "listing_changes", ["listing_id"])\n'
CHANGES_DROPPED = '    op.drop_table("listing_changes")\n'
FUNCTION = """create function {name}() returns trigger language plpgsql as $$ begin {body} end $$"""
SLOW = "perform pg_sleep(0.03); return null;"
MENDING = "if new.quality not in ('full', 'partial') then return null; end if; return new;"
# What a revision does to every row of the table while nobody else may read it.
REWRITING = """\
    op.execute("alter table listings alter column price_usd type numeric(10, 2) using round(price_usd, 2)")
    op.execute("select pg_sleep(1.1)")  # until the standby has followed
"""


def migration_loses_a_column(sample: "Sample", random: Random) -> Planted:
    """A revision drops a column and adds it again, to be rid of an old default; what was in it is gone."""
    column = random.choice(["ram_gb", "storage_gb"])
    dropped = f'    op.drop_column("listings", "{column}")\n'
    lost = f'{dropped}    op.add_column("listings", sa.Column("{column}", sa.Integer))\n'
    replaced(revision(sample, PARTIAL), NULLABLE, NULLABLE + lost)
    must = [Expected("migrations_keep_the_data", keys=["0022"], fields=[column])]
    return Planted("migration_loses_a_column", mode=0, how="edited", must=must)


def default_missing(sample: "Sample", random: Random) -> Planted:
    """A revision adds a column without the default that the models promise: the rows that were there have nothing."""
    new = '        "listings", sa.Column("extraction_metadata", JSONB)\n'
    replaced(revision(sample, PARTIAL), PROVENANCE, new)
    altered(
        sample,
        "alter table listings alter column extraction_metadata drop default,"
        " alter column extraction_metadata drop not null",
    )
    must = [Expected("migration_defaults_hold", keys=["0022"], fields=["extraction_metadata"])]
    return Planted("default_missing", mode=56, how="edited", must=must, may=["models_match_the_migrated_schema"])


def index_missing(sample: "Sample", random: Random) -> Planted:
    """The revision that adds the job of a session has forgotten its index."""
    path = revision(sample, JOBS)
    replaced(path, BULK_INDEX, "")
    replaced(path, BULK_INDEX_DROPPED, "")
    altered(sample, "drop index ix_import_sessions_bulk_job_id")
    must = [Expected("migration_indexes_are_used", scope={"index": "ix_import_sessions_bulk_job_id"})]
    may = ["models_match_the_migrated_schema", "queries_use_an_index"]
    return Planted("index_missing", mode=0, how="edited", must=must, may=may)


def migration_rewrites_the_table(sample: "Sample", random: Random) -> Planted:
    """A revision writes a table anew while nobody may read it, and then waits for the standby with the lock held."""
    replaced(revision(sample, PARTIAL), NULLABLE, NULLABLE + REWRITING)
    must = [Expected("migrations_lock_briefly", keys=["0022"])]
    return Planted("migration_rewrites_the_table", mode=0, how="edited", must=must)


def former_rows_refused(sample: "Sample", random: Random) -> Planted:
    """A new column has to be given: the release that is still running gives none, and is refused."""
    replaced(
        revision(sample, JOBS),
        ATTEMPTS,
        f'{ATTEMPTS}    op.alter_column("import_sessions", "attempts", server_default=None)\n',
    )
    replaced(
        sample.code / "app" / "models" / "imports.py",
        '    attempts: Mapped[int] = mapped_column(server_default=text("0"))\n',
        "    attempts: Mapped[int]\n",
    )
    altered(sample, "alter table import_sessions alter column attempts drop default")
    must = [Expected("former_rows_are_still_accepted", keys=["0023"])]
    return Planted("former_rows_refused", mode=0, how="edited", must=must)


def revision_does_not_apply(sample: "Sample", random: Random) -> Planted:
    """A revision was edited after this database had it, and names a table that there is not."""
    statement = """    op.execute("update listing set quality = 'full'")\n"""
    replaced(revision(sample, JOBS), BULK_INDEX, statement + BULK_INDEX)
    must = [Expected("migrations_apply", keys=["0023"])]
    return Planted("revision_does_not_apply", mode=0, how="edited", must=must, may=AFTERWARDS)


def insert_is_slow(sample: "Sample", random: Random) -> Planted:
    """A revision made a trigger that waits for a standby at each statement that inserts."""
    when = "after insert on listing_changes for each statement"
    _triggered(sample, "follow_standby", when, SLOW)
    must = [Expected("inserts_are_quick", keys=["public.listing_changes"])]
    return Planted("insert_is_slow", mode=0, how="edited", must=must)


def constraint_does_not_refuse(sample: "Sample", random: Random) -> Planted:
    """A trigger throws away what a check would refuse, and nobody who writes is told."""
    when = "before insert or update on import_sessions for each row"
    _triggered(sample, "drop_odd_quality", when, MENDING)
    must = [Expected("migration_constraints_refuse", scope={"constraint": "ck_import_sessions_quality"})]
    return Planted("constraint_does_not_refuse", mode=0, how="edited", must=must)


def _triggered(sample: "Sample", name: str, when: str, body: str) -> None:
    """Let the newest revision make a trigger, which the database has too."""
    made = [FUNCTION.format(name=name, body=body), f"create trigger {name} {when} execute function {name}()"]
    path, table = revision(sample, JOBS), when.partition(" on ")[2].split()[0]
    replaced(path, CHANGES, CHANGES + "".join(f'    op.execute("""{one}""")\n' for one in made))
    gone = [f"drop trigger {name} on {table}", f"drop function {name}"]
    replaced(path, CHANGES_DROPPED, "".join(f'    op.execute("{one}")\n' for one in gone) + CHANGES_DROPPED)
    altered(sample, *made)
