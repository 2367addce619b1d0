"""The checks that the reference knows: by which columns each names what it finds, and what it has to find."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.faults.reference import comparing, conserving, receiving, relating
from tests.faults.reference.receiving import Finding
from tests.faults.reference.system import System

Reference = Callable[[System], Iterator[Finding]]

OF_A_RECORD = ("tenant", "resource", "source_id")
OF_A_ROW = (*OF_A_RECORD, "row_id")
OF_A_RELATION = ("tenant", "relation", "source_id")

COLUMNS: dict[str, tuple[str, ...]] = {
    "null_source_ids": ("tenant", "resource", "row_id"),
    "null_hashes": OF_A_ROW,
    "stored_hashes_match_payload": OF_A_ROW,
    "shared_hashes": ("tenant", "resource", "content_hash"),
    "consecutive_duplicate_hashes": OF_A_ROW,
    "deliveries_stored_twice": (*OF_A_RECORD, "delivery_id"),
    "raw_missing_in_refined": OF_A_RECORD,
    "refined_built_from_newest": OF_A_RECORD,
    "one_refined_row_per_source_id": OF_A_RECORD,
    "null_keys": ("table", "column"),
    "children_match_payload": OF_A_RECORD,
    "source_missing_in_raw": OF_A_RECORD,
    "source_missing_in_refined": OF_A_RECORD,
    "refined_missing_at_source": OF_A_RECORD,
    "raw_differs_from_source": OF_A_RECORD,
    "field_differences": (*OF_A_RECORD, "field"),
    "duplicate_source_ids": OF_A_RECORD,
    "orphans": (*OF_A_RELATION, "missing_parent"),
    "references_stay_within_the_tenant": OF_A_RELATION,
    "children_of_deleted_parents": OF_A_RELATION,
    "parents_have_their_children": OF_A_RELATION,
    "parents_count_their_children": OF_A_RELATION,
    "enough_children_are_linked": OF_A_RELATION,
    "children_share_the_tenancy": OF_A_RELATION,
    "tenant_columns_are_filled": ("resource", "source_id", "field"),
    "counts_are_conserved": ("tenant", "source_id", "hop"),
}
OF_RELATIONS = ["orphans", "parents_count_their_children", "counts_are_conserved"]
OF_TENANCY = ["references_stay_within_the_tenant", "children_share_the_tenancy", "tenant_columns_are_filled"]
OF_TABLES = ["null_keys", "one_refined_row_per_source_id"]
OF_COPIES = ["source_missing_in_refined", "refined_missing_at_source", "field_differences", "duplicate_source_ids"]
OTHERS = {"parents_count_their_children", "enough_children_are_linked", "counts_are_conserved", *OF_TENANCY[1:]}
# What is held together in each sample; some of it no notebook of its blueprint asks for.
OF_SAMPLE = {
    "storefront": [name for name in COLUMNS if name not in OTHERS],
    "discovery": [*OF_RELATIONS, *OF_TENANCY, *OF_TABLES, "enough_children_are_linked"],
    "listings": [*OF_RELATIONS, *OF_TABLES],
    "referrals": [*OF_COPIES, *OF_TABLES],
}
_MODULES = (receiving, comparing, relating, conserving)
CHECKS: dict[str, Reference] = {
    name: next(getattr(one, name) for one in _MODULES if hasattr(one, name)) for name in COLUMNS
}


def found(system: System, checks: list[str]) -> dict[str, set[tuple[str, ...]]]:
    """What each check has to find, in texts."""
    return {name: {in_texts(one) for one in CHECKS[name](system)} for name in checks}


def in_texts(finding: Finding) -> tuple[str, ...]:
    return tuple("" if one is None else str(one) for one in finding)
