"""The storefront in part: a fault inside the part is found, one outside is not judged, and nothing else is accused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg

from dsaudit.verdict import Status
from tests.checks.auditing import all_rows, opened, told

COMPARED = (
    "source_missing_in_raw",
    "source_missing_in_refined",
    "refined_missing_at_source",
    "raw_differs_from_source",
    "field_differences",
)


def found(clone: Any, **part: Any) -> set[tuple[str, str]]:
    """Return what the comparisons find in a part, as resource and id."""
    rows = []
    with opened(clone.parameters, clone.environment, **part) as audit:
        for name in COMPARED:
            verdict = audit.check(name)
            # A row of ours that changed, whose list of changes lacks it, and whose id of two parts nobody can ask for.
            unknown = {one.scope["resource"] for one in verdict.results if one.status not in (Status.PASS, Status.FAIL)}
            assert unknown <= ({"inventory_level"} if "since" in part else set()), told(verdict)
            rows += all_rows(audit, verdict)
    return {(str(row["resource"]), str(row["source_id"])) for row in rows}


def test_a_fault_is_found_in_each_part_that_holds_it_and_in_no_other(sample: Any) -> None:
    with sample.clone() as clone:
        (expected, *_) = clone.plant("refined_row_edited").must
        ((key,), scope) = expected.keys, expected.scope
        name, tenant = scope["resource"], scope["tenant"]
        with psycopg.connect(clone.owner_url) as connection:
            query = f"select source_updated_at from shopify_{name} where shopify_{name}_id = %s"
            ((changed,),) = connection.execute(query, (key,)).fetchall()  # type: ignore[call-overload]
        other = next(one for one in ("acme", "borealis") if one != tenant)
        fault = {(name, key)}
        assert found(clone, resources=[name], tenants=[tenant]) == fault
        assert found(clone, resources=["product"]) == found(clone, tenants=[other]) == set()
        assert found(clone, since=changed.isoformat()) == fault
        assert found(clone, since=(changed + timedelta(seconds=1)).isoformat()) == set()
        assert found(clone, resources=[name], sample=100_000) == fault
