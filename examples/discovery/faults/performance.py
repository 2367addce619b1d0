"""Faults that cost time: an index that is gone or serves nothing, and imports that wait for each other."""

from random import Random
from typing import TYPE_CHECKING

from examples.answer_key import Expected, Planted
from examples.control import SampleError
from examples.editing import altered

from .changing import imported_at_once
from .relations import ASSET_OF_FLOW, RECORD_OF_IMPORT, REFERENCES

if TYPE_CHECKING:
    from ..sample import Sample

TRIES = 5


def index_dropped(sample: "Sample", random: Random) -> Planted:
    """The index on a reference is gone: to delete a parent is to read the whole table."""
    # A constraint's index serves that of a record's import just as well.
    reference = random.choice([one for one in REFERENCES if one != RECORD_OF_IMPORT])
    altered(sample, f"drop index {reference.index}")
    must = [Expected("references_are_indexed", scope={"relation": reference.relation})]
    return Planted(
        "index_dropped", mode=0, how="caused", must=must, may=["queries_use_an_index", "queries_grow_gently"]
    )


def query_scans(sample: "Sample", random: Random) -> Planted:
    """The index by which a flow's assets are found was made anew on a text: it has its name, and serves no query."""
    index, table, column = ASSET_OF_FLOW.index, ASSET_OF_FLOW.table, ASSET_OF_FLOW.column
    altered(sample, f"drop index {index}", f"create index {index} on {table} (({column}::text))")
    must = [Expected("references_are_indexed", scope={"relation": ASSET_OF_FLOW.relation})]
    must += [
        Expected(check, scope={"query": query}, keys=[query])
        for check in ("queries_use_an_index", "queries_grow_gently")
        for query in ("assets_of_a_flow", "flow_with_its_counts")
    ]
    return Planted("query_scans", mode=0, how="caused", must=must)


def update_deadlocks(sample: "Sample", random: Random) -> Planted:
    """An import takes its assets in the order of its file: two at once wait for each other, and one is broken off."""
    sample.switch_on("update_deadlocks")
    for attempt in range(TRIES):
        if 500 in imported_at_once(sample, attempt):
            break
    else:
        raise SampleError("two imports at once have never waited for each other")
    must = [Expected("no_deadlock_was_counted")]
    return Planted("update_deadlocks", mode=0, how="caused", must=must)
