"""What came in with an import, and what is there of it at each hop, for the two samples that import."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from tests.faults.reference.exporting import Row
from tests.faults.reference.receiving import Finding
from tests.faults.reference.system import System

DONE = {"completed", "failed", "cancelled"}
ENDED = {"complete", "partial", "failed"}


def counts_are_conserved(system: System) -> Iterator[Finding]:
    """Tenant, id and hop of each import that has ended, and has another number of rows there than it has to."""
    yield from _SAMPLES[system.declared.given["integration"]](system)


def _of_listings(system: System) -> Iterator[Finding]:
    sessions = _below(system, "import_sessions", "bulk_job_id")
    for job in system.export.tables["bulk_jobs"]:
        rows = sessions.get(job["id"], [])
        if job["status"] not in ENDED:
            continue
        complete = _count(rows, lambda one: one["status"] == "complete")
        held = {
            "addresses": (len(rows), job["total_urls"]),
            "completed": (complete, job["completed"]),
            "partial": (_count(rows, lambda one: one["quality"] == "partial"), job["partial"]),
            "failed": (_count(rows, lambda one: one["status"] == "failed"), job["failed"]),
            "listings": (_count(rows, lambda one: one["listing_id"] is not None), complete),
        }
        yield from (("all", job["id"], hop) for hop, (there, due) in held.items() if there != (due or 0))


def _of_discovery(system: System) -> Iterator[Finding]:
    records = _below(system, "raw_import_records", "data_import_id")
    flows = _below(system, "discovery_flows", "data_import_id")
    of_record = Counter(one["raw_import_record_id"] for one in system.export.tables["assets"])
    of_flow = Counter(one["discovery_flow_id"] for one in system.export.tables["assets"])
    for one in system.export.tables["data_imports"]:
        rows, tenant = records.get(one["id"], []), system.declared.tenants.get(str(one["client_account_id"]))
        if one["status"] not in DONE or tenant is None:
            continue
        assets = sum(of_record[row["id"]] for row in rows)
        held = {
            "processed": (_count(rows, lambda row: row["is_processed"]), one["processed_records"]),
            "failed": (_count(rows, lambda row: row["is_valid"] is False), one["failed_records"]),
            "assets": (assets, _count(rows, lambda row: row["is_valid"])),
            "assets of its flow": (sum(of_flow[flow["flow_id"]] for flow in flows.get(one["id"], [])), assets),
        }
        yield from ((tenant, one["id"], hop) for hop, (there, due) in held.items() if there != (due or 0))


def _below(system: System, table: str, column: str) -> dict[Any, list[Row]]:
    found: dict[Any, list[Row]] = {}
    for row in system.export.tables[table]:
        found.setdefault(row[column], []).append(row)
    return found


def _count(rows: list[Row], condition: Callable[[Row], Any]) -> int:
    return sum(bool(condition(row)) for row in rows)


_SAMPLES = {"listings": _of_listings, "discovery": _of_discovery}
