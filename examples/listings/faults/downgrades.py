"""Faults of what a downgrade does."""

from random import Random
from typing import TYPE_CHECKING

from examples.answer_key import Expected, Planted
from examples.editing import replaced

from .choosing import revision
from .migrations import PARTIAL

if TYPE_CHECKING:
    from ..sample import Sample

DELETED = '    op.execute("delete from listings where price_usd is null or condition is null")\n'
REQUIRED = (
    '    op.alter_column("listings", "condition", nullable=False)\n',
    '    op.alter_column("listings", "price_usd", nullable=False)\n',
)


def downgrade_leaves_nulls(sample: "Sample", random: Random) -> Planted:
    """A downgrade keeps the listings that the former schema has no place for, and leaves its columns nullable."""
    path = revision(sample, PARTIAL)
    for text in (DELETED, *REQUIRED):
        replaced(path, text, "")
    must = [Expected("downgrades_are_complete_or_refused", keys=["0022"])]
    may = ["downgrades_delete_what_is_declared"]
    return Planted("downgrade_leaves_nulls", mode=0, how="edited", must=must, may=may)


def downgrade_deletes_more(sample: "Sample", random: Random) -> Planted:
    """A downgrade deletes listings that the former schema could keep."""
    new = DELETED.replace("condition is null", "condition is null or condition = 'used'")
    replaced(revision(sample, PARTIAL), DELETED, new)
    must = [Expected("downgrades_delete_what_is_declared", keys=["0022"])]
    return Planted("downgrade_deletes_more", mode=0, how="edited", must=must)
