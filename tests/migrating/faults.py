"""A chain of revisions, most with one fault each, and what each check has to tell of them."""

from __future__ import annotations

from typing import Any

from tests.migrating.projects import Shop

REVISION = '''"""TITLE."""
import sqlalchemy as sa
from alembic import op

revision, down_revision = "NAME", "BEFORE"


def upgrade():
    UP


def downgrade():
    DOWN
'''
NAMED = "sellers_name_key"
DELETE = "op.execute('delete from {}')"
# Title, what the revision does, and what its downgrade does.
CHAIN = {
    "0003": ("A downgrade that refuses", "pass", "raise NotImplementedError('restore the backup')"),
    "0004": (
        "A column made anew",
        'op.drop_column("listings", "title"); op.add_column("listings", sa.Column("title", sa.String(200)))',
        """op.execute("update listings set title = ''"); op.alter_column("listings", "title", nullable=False)""",
    ),
    "0005": (
        "A narrower type",
        'op.alter_column("listings", "price_usd", type_=sa.Numeric(12, 0))',
        'op.alter_column("listings", "price_usd", type_=sa.Numeric(12, 2))',
    ),
    "0006": ("Rows deleted", DELETE.format("listings where id % 2 = 0"), "pass"),
    "0007": (
        "A default missing",
        'op.add_column("listings", sa.Column("colour", sa.Text))',
        'op.drop_column("listings", "colour")',
    ),
    "0008": (
        "A default missing where it may not be empty",
        'op.add_column("listings", sa.Column("shape", sa.Text, nullable=False))',
        'op.drop_column("listings", "shape")',
    ),
    "0009": (
        "A default for later rows alone",
        'op.add_column("listings", sa.Column("weight", sa.Integer)); '
        'op.alter_column("listings", "weight", server_default="7")',
        'op.drop_column("listings", "weight")',
    ),
    "0010": (
        "A column that the former code does not fill",
        'op.execute("alter table listings add note text"); op.execute("update listings set note = \'\'"); '
        'op.alter_column("listings", "note", nullable=False)',
        'op.drop_column("listings", "note")',
    ),
    "0011": (
        "A column that the former code reads",
        'op.alter_column("listings", "missing_fields", new_column_name="lacking")',
        'op.alter_column("listings", "lacking", new_column_name="missing_fields")',
    ),
    "0012": ("A downgrade that forgets", 'op.add_column("sellers", sa.Column("note", sa.Text))', "pass"),
    "0013": ("A downgrade that deletes without a word", "pass", DELETE.format("sellers where id = 1")),
    "0014": ("A downgrade that deletes more", "pass", DELETE.format("listings where price_usd is null or id = 4")),
    "0015": ("A downgrade that keeps", "pass", "op.execute('update listings set price_usd = 0')"),
    "0016": (
        "A downgrade that leaves empty values",
        'op.alter_column("sellers", "name", nullable=True)',
        'op.alter_column("sellers", "name", nullable=False)',
    ),
    "0017": (
        "Not null where rows are empty",
        'op.alter_column("listings", "price_usd", nullable=False)',
        'op.alter_column("listings", "price_usd", nullable=True)',
    ),
    "0018": (  # no fault
        "Filled for the rows that are there, with a default for others",
        'op.add_column("listings", sa.Column("cents", sa.Integer)); '
        'op.execute("update listings set cents = coalesce(price_usd * 100, 1)::int"); '
        'op.alter_column("listings", "cents", nullable=False, server_default="0")',
        'op.drop_column("listings", "cents")',
    ),
    "0019": (  # no fault
        "One value for the rows that are there, and another one for those to come",
        'op.add_column("sellers", sa.Column("legacy", sa.Boolean, nullable=False, server_default="true")); '
        'op.alter_column("sellers", "legacy", server_default="false")',
        'op.drop_column("sellers", "legacy")',
    ),
}
MODELS = """    colour: Mapped[str | None] = mapped_column(server_default="grey")
    shape: Mapped[str] = mapped_column(server_default="round")
    weight: Mapped[int | None] = mapped_column(server_default="7")
"""
DECLARED = "{deletes: {listings: price_usd is null}}"
UNFILLED = "rows that were there do not have it"
LISTINGS, SELLERS = "public.listings", "public.sellers"
# What the rows of each check have to say, in their order.
TOLD: dict[str, list[dict[str, Any]]] = {
    "migrations_apply": [
        {"revision": "0008", "way": "up", "on": "rows"},
        {"revision": "0012", "way": "up again", "on": "rows"},
        {"revision": "0012", "way": "up again", "on": "empty tables"},
        {"revision": "0017", "way": "up", "on": "rows", "in_the_audited_database": 1},
    ],
    "migrations_keep_the_data": [
        {"revision": "0004", "table": LISTINGS, "column": "title", "way": "up", "problem": "values are empty now"},
        {"revision": "0005", "table": LISTINGS, "column": "price_usd", "way": "up", "problem": "values are others now"},
        {"revision": "0006", "table": LISTINGS, "column": "", "way": "up", "problem": "rows are gone",
         "before": "60 rows", "after": "30 rows"},
        {"revision": "0015", "table": LISTINGS, "column": "price_usd", "way": "down",
         "problem": "values are others now"},
    ],
    "migration_defaults_hold": [
        {"revision": "0007", "table": LISTINGS, "column": "colour", "default": "'grey'", "problem": UNFILLED},
        {"revision": "0008", "table": LISTINGS, "column": "shape",
         "problem": "it has no default for the rows that are there"},
        {"revision": "0009", "table": LISTINGS, "column": "weight", "default": "7", "problem": UNFILLED},
    ],
    "former_rows_are_still_accepted": [
        {"revision": "0010", "table": LISTINGS, "column": "note", 
         "problem": 'writing: null value in column "note" of relation "listings" violates not-null constraint'},
        {"revision": "0011", "table": LISTINGS, "problem": 'reading: column "missing_fields" does not exist'},
    ],
    "downgrades_are_complete_or_refused": [
        {"revision": "0005", "table": LISTINGS, "column": "price_usd",
         "problem": "numeric field overflow (migrations/versions/0005.py, line 13)"},
        {"revision": "0012", "table": SELLERS, "column": "note", "problem": "column is there, unasked"},
        {"revision": "0016", "table": "sellers", "column": "name",
         "problem": 'column "name" of relation "sellers" contains null values (migrations/versions/0016.py, line 13)'},
    ],
    "downgrades_delete_what_is_declared": [
        {"revision": "0013", "table": LISTINGS, "problem": "deletes rows, which nothing declares"},
        {"revision": "0013", "table": SELLERS, "problem": "deletes rows, which nothing declares", "made_up_rows": 1},
        {"revision": "0014", "table": LISTINGS, "problem": "deletes more than is declared", "made_up_rows": 1,
         "declared": "price_usd is null", "in_the_audited_database": 1},
        {"revision": "0015", "table": LISTINGS, "problem": "keeps rows that it is declared to delete"},
    ],
}  # fmt: skip


def revision(shop: Shop, name: str, title: str, up: str, down: str, before: str = "") -> None:
    """Add one revision to a project."""
    text = REVISION.replace("TITLE", title).replace("NAME", name).replace("UP", up).replace("DOWN", down)
    text = text.replace("BEFORE", before or f"{int(name) - 1:04}")
    shop.add(f"migrations/versions/{name}.py", text)


def chained(shop: Shop) -> None:
    """Add the chain to a project, and rows to its database, of which one has no price."""
    for name, (title, up, down) in CHAIN.items():
        revision(shop, name, title, up, down)
    shop.edit("models.py", "    missing_fields:", f"{MODELS}    missing_fields:")
    shop.edit("parameters", "  downgrades: {", f'  downgrades: {{"0014": {DECLARED}, "0015": {DECLARED}, ')
    shop.execute(
        "insert into sellers (id, name) values (1, 'Zoë')",
        "insert into listings (id, seller_id, title, price_usd) values (1, 1, 'Lamp', 9.5), (2, 1, 'Bulb', null)",
    )
