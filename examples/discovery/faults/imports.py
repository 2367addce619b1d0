"""Faults of what imports have brought: rows that got lost between two hops, and numbers that were never true."""

from random import Random
from typing import TYPE_CHECKING

from examples.answer_key import Expected, Planted
from examples.editing import altered, texts

from .changing import some_client, some_of

if TYPE_CHECKING:
    from ..sample import Sample

DONE = "status = 'completed' and failed_records < processed_records"


def assets_lost_on_the_way(sample: "Sample", random: Random) -> Planted:
    """The first valid record of some imports never became an asset."""
    client = some_client(random)
    ids = some_of(sample, random, "data_imports", client, DONE)
    altered(
        sample,
        """delete from assets where raw_import_record_id in (
            select distinct on (data_import_id) id from raw_import_records
            where is_valid and data_import_id = any(%(ids)s) order by data_import_id, row_number)""",
        ids=ids,
    )
    must = [Expected("counts_are_conserved", scope={"tenant": client, "hop": "assets"}, keys=texts(ids))]
    return Planted("assets_lost_on_the_way", mode=0, how="edited", must=must)


def processed_counted_wrong(sample: "Sample", random: Random) -> Planted:
    """Some imports say that they processed one record less than they did."""
    client = some_client(random)
    ids = some_of(sample, random, "data_imports", client, DONE)
    altered(
        sample, "update data_imports set processed_records = processed_records - 1 where id = any(%(ids)s)", ids=ids
    )
    must = [Expected("counts_are_conserved", scope={"tenant": client, "hop": "processed"}, keys=texts(ids))]
    return Planted("processed_counted_wrong", mode=0, how="edited", must=must)
