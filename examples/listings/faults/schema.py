"""Faults of how revisions, models and the database fit together."""

from random import Random
from typing import TYPE_CHECKING

from examples.answer_key import Expected, Planted
from examples.editing import altered, replaced

from .choosing import revision

if TYPE_CHECKING:
    from ..sample import Sample

NEW = '''"""{says}"""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{down}"


def upgrade() -> None:
    op.add_column("listings", sa.Column("{column}", sa.Text))


def downgrade() -> None:
    op.drop_column("listings", "{column}")
'''
STORAGE = "    storage_gb: Mapped[int | None]\n"


def two_heads(sample: "Sample", random: Random) -> Planted:
    """Two branches each added a revision behind the same one, and both were merged."""
    text = NEW.format(says="Who sells.", revision="0023b", down="0022", column="seller")
    revision(sample, "0023b_sellers").write_text(text, encoding="utf-8")
    must = [Expected("migrations_have_one_head", keys=["0023", "0023b"])]
    may = [
        "database_is_at_the_head",
        "models_match_the_migrated_schema",
    ]  # one of the two is nowhere but in the scripts
    return Planted("two_heads", mode=0, how="edited", must=must, may=may)


def migration_pending(sample: "Sample", random: Random) -> Planted:
    """A release brought a revision with its model, and nobody has upgraded the database."""
    text = NEW.format(says="Who sells.", revision="0024", down="0023", column="seller")
    revision(sample, "0024_sellers").write_text(text, encoding="utf-8")
    _modelled(sample, "seller")
    must = [Expected("database_is_at_the_head", keys=["0024"])]
    return Planted("migration_pending", mode=0, how="edited", must=must)


def model_drift(sample: "Sample", random: Random) -> Planted:
    """A model has a column that no revision makes."""
    column = random.choice(["seller", "warranty", "shipping"])
    _modelled(sample, column)
    must = [Expected("models_match_the_migrated_schema", keys=["listings"], fields=[column])]
    return Planted("model_drift", mode=0, how="edited", must=must)


def _modelled(sample: "Sample", column: str) -> None:
    path = sample.code / "app" / "models" / "listing.py"
    replaced(path, STORAGE, f"{STORAGE}    {column}: Mapped[str | None]\n")


def database_changed_by_hand(sample: "Sample", random: Random) -> Planted:
    """Somebody added a column in the database itself, for a report."""
    column = random.choice(["note", "checked_by"])
    altered(sample, f"alter table listings add column {column} text")
    must = [Expected("database_matches_the_migrated_schema", fields=[column])]
    return Planted("database_changed_by_hand", mode=0, how="caused", must=must)
