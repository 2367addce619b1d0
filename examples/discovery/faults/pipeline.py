"""Faults of the pipeline itself: they show in the next import, and in nothing that is there already."""

from random import Random
from typing import TYPE_CHECKING

from examples.answer_key import Expected, Planted

if TYPE_CHECKING:
    from ..sample import Sample


def last_record_is_lost(sample: "Sample", random: Random) -> Planted:
    """The pipeline stores all records of an import but the last, and counts them all."""
    sample.switch_on("last_record_is_lost")
    must = [Expected("pushed_import_arrives", keys=["records", "processed", "failed"])]
    return Planted("last_record_is_lost", mode=0, how="caused", must=must)


def engagement_is_confused(sample: "Sample", random: Random) -> Planted:
    """The pipeline writes the client's id where the engagement's belongs, on every asset."""
    sample.switch_on("engagement_is_confused")
    must = [Expected("pushed_rows_have_their_tenant", scope={"resource": "asset", "column": "engagement_id"})]
    return Planted("engagement_is_confused", mode=0, how="caused", must=must)


def import_never_ends(sample: "Sample", random: Random) -> Planted:
    """The pipeline stores all that an import brings, and never says that it is done."""
    sample.switch_on("import_never_ends")
    must = [Expected("pushed_import_arrives", keys=["processed", "failed", "settled"])]
    return Planted("import_never_ends", mode=0, how="caused", must=must)


def removal_leaves_assets(sample: "Sample", random: Random) -> Planted:
    """Who deletes an import deletes its records, and neither its flow nor what was found in it."""
    sample.switch_on("removal_leaves_assets")
    left = ("master_flow", "discovery_flow", "asset")
    must = [Expected("pushed_import_is_removed", scope={"resource": name}) for name in left]
    return Planted("removal_leaves_assets", mode=63, how="caused", must=must)
