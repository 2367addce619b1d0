"""Faults of the references: each of the eight leads to a parent that is not there.

A repair ran with the triggers switched off, as bulk loads and replication do: the foreign key is there, was validated
once, and let every row through meanwhile.
"""

from random import Random
from typing import TYPE_CHECKING

from examples.answer_key import Expected, Planted
from examples.editing import texts

from .changing import slipped_in, some_client, some_of
from .relations import (
    ASSET_OF_FLOW,
    ASSET_OF_MASTER,
    ASSET_OF_RECORD,
    FLOW_OF_IMPORT,
    FLOW_OF_MASTER,
    IMPORT_OF_MASTER,
    RECORD_OF_IMPORT,
    RECORD_OF_MASTER,
    Reference,
)

if TYPE_CHECKING:
    from ..sample import Sample

COUNTED = ["counts_are_conserved"]  # what has lost its parent is missing at a hop
FOLLOWS = ["endpoints_agree"]  # the API serves an id that it does not know


def data_import_lost_its_master_flow(sample: "Sample", random: Random) -> Planted:
    """Imports refer to a master flow that is not there."""
    return _lost(sample, random, "data_import_lost_its_master_flow", IMPORT_OF_MASTER)


def discovery_flow_lost_its_master_flow(sample: "Sample", random: Random) -> Planted:
    """Discovery flows refer to a master flow that is not there."""
    fault = "discovery_flow_lost_its_master_flow"
    return _lost(sample, random, fault, FLOW_OF_MASTER, ["enough_children_are_linked"])


def asset_lost_its_master_flow(sample: "Sample", random: Random) -> Planted:
    """Assets refer to a master flow that is not there."""
    return _lost(sample, random, "asset_lost_its_master_flow", ASSET_OF_MASTER)


def discovery_flow_lost_its_data_import(sample: "Sample", random: Random) -> Planted:
    """Discovery flows refer to an import that is not there."""
    return _lost(sample, random, "discovery_flow_lost_its_data_import", FLOW_OF_IMPORT, COUNTED)


def asset_lost_its_discovery_flow(sample: "Sample", random: Random) -> Planted:
    """Assets refer to a discovery flow that is not there."""
    return _lost(sample, random, "asset_lost_its_discovery_flow", ASSET_OF_FLOW, COUNTED)


def raw_record_lost_its_data_import(sample: "Sample", random: Random) -> Planted:
    """Raw records refer to an import that is not there, and the imports they came with count more than they have."""
    fault = "raw_record_lost_its_data_import"
    return _lost(sample, random, fault, RECORD_OF_IMPORT, ["parents_count_their_children", *COUNTED])


def raw_record_lost_its_master_flow(sample: "Sample", random: Random) -> Planted:
    """Raw records refer to a master flow that is not there."""
    return _lost(sample, random, "raw_record_lost_its_master_flow", RECORD_OF_MASTER)


def asset_lost_its_raw_record(sample: "Sample", random: Random) -> Planted:
    """Assets refer to a raw record that is not there."""
    return _lost(sample, random, "asset_lost_its_raw_record", ASSET_OF_RECORD, COUNTED)


def _lost(
    sample: "Sample", random: Random, fault: str, reference: Reference, follows: list[str] | None = None
) -> Planted:
    client = some_client(random)
    ids = some_of(sample, random, reference.table, client, f"{reference.column} is not null")
    slipped_in(
        sample, f"update {reference.table} set {reference.column} = gen_random_uuid() where id = any(%(ids)s)", ids=ids
    )
    scope = {"tenant": client, "relation": reference.relation}
    must = [Expected("orphans", scope=scope, keys=texts(ids))]
    return Planted(fault, mode=0, how="edited", must=must, may=[*FOLLOWS, *(follows or [])])
