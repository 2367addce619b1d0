"""Which table is which: the raw records, the log of deliveries, the sync runs, the record of the integration.

A table is told by its columns: each role has columns that it cannot be without, and words by which they are called.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dsaudit.database.shape import Column, Shape

Columns = dict[str, str]


@dataclass(frozen=True)
class Part:
    """A column that a role has: how it may be called, the best first, and of which families its type may be."""

    names: str  # alternatives of a regular expression; the order says which is meant where several are there
    families: tuple[str, ...] = ("text",)

    def among(self, columns: Iterable[Column]) -> str | None:
        """Return the column that is it, None where none is."""
        fitting = [column for column in columns if column.family in self.families]
        for name in self.names.split("|"):
            for column in fitting:
                if re.fullmatch(name, _snake(column.name)):
                    return column.name
        return None


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().replace(" ", "_")


_ID = ("text", "integer", "uuid", "decimal")
_TIME = ("instant",)
_COUNT = ("integer", "decimal")
RESOURCE = Part("object_type|resource_type|entity_type|record_type|resource|entity|stream|object|job|type|kind|model")
TENANT = Part(
    "tenant_id|integration_id|account_id|shop_id|store_id|organi[sz]ation_id|org_id|connection_id|company_id|realm_id"
    "|installation_id|workspace_id|customer_account_id|tenant|account|shop|org|organi[sz]ation|realm|company",
    _ID,
)

RAW: Mapping[str, Part] = {
    "resource": RESOURCE,
    "source_id": Part(
        "source_id|external_id|remote_id|provider_id|.*_object_id|object_id|record_id|entity_id|.*_source_id", _ID
    ),
    "payload": Part(
        "payload|raw_payload|raw_data|data|body|raw|raw_json|json|content|record|document|.*payload", ("json",)
    ),
    "content_hash": Part(
        ".*canonical.*hash|.*hash_canonical|content_hash|payload_hash|hash|.*hash|.*digest|.*checksum|.*fingerprint"
    ),
    "via": Part("source|via|origin|ingested_via|received_via|channel|trigger|ingest_source"),
    "state": Part("status|processing_status|state|processing_state|.*_status|.*_state"),
    "error": Part("error_message|error|last_error|.*_error|error_detail|failure_reason"),
    "received_at": Part(
        "received_at|ingested_at|landed_at|stored_at|inserted_at|loaded_at|fetched_at|created_at|created", _TIME
    ),
    "changed_at": Part("source_updated_at|changed_at|object_updated_at|source_modified_at|source_changed_at", _TIME),
    "observed_at": Part("observed_at|seen_at|fetched_at|shown_at", _TIME),
    "refined_at": Part("refined_at|processed_at|transformed_at|applied_at", _TIME),
    "delivery_id": Part("delivery_id|webhook_delivery_id|webhook_id|event_id"),
    "deleted": Part("is_deletion|is_deleted|deleted|is_tombstone|tombstone", ("boolean",)),
}
DELIVERIES: Mapping[str, Part] = {
    "delivery_id": Part("delivery_id|webhook_id|webhook_delivery_id|event_id|hook_id|hook|id", _ID),
    "topic": Part("topic|event_type|event|event_name|type|subject"),
    "source_id": Part(
        "source_id|external_id|.*_object_id|object_id|resource_id|entity_id|record_id|subject_id|about|.*_source_id",
        _ID,
    ),
    "sent_at": Part("sent_at|triggered_at|occurred_at|event_time|emitted_at|sent|source_created_at", _TIME),
    "received_at": Part("received_at|arrived_at|delivered_at|arrived|received|created_at|logged_at", _TIME),
    "outcome": Part("outcome|result|verdict|status|state|response_status", ("text", "integer")),
}
SYNCS: Mapping[str, Part] = {
    "resource": RESOURCE,
    "started_at": Part("started_at|begun_at|began_at|start_time|started|began|created_at", _TIME),
    "ended_at": Part("ended_at|finished_at|completed_at|end_time|finished|ended|completed", _TIME),
    "fetched": Part(
        "fetched|records_fetched|.*_fetched|records|record_count|rows|row_count|.*_count|got|total", _COUNT
    ),
    "pages": Part("pages|page_count|pages_fetched|batches|requests", _COUNT),
    "watermark": Part("watermark|cursor|high_water_mark|up_to|synced_until|last_updated_at", ("instant", "text")),
    "error": Part("error|error_message|last_error|trouble|failure_reason|exception"),
}
# What a history of a background sync may tell beside that; none of it makes a table such a history.
RUNS: Mapping[str, Part] = {
    "task_id": Part("task_id|celery_task_id|celery_id|job_id", ("text", "uuid")),
    "trigger": Part("trigger|triggered_by|trigger_type|trigger_source|started_by|initiated_by"),
    "state": Part("status|state|run_status|sync_status|run_state|sync_state|outcome|result"),
    "added": Part(
        "new_count|added_count|created_count|inserted_count|new|added|created|inserted|.*_added|.*_created|.*_inserted",
        _COUNT,
    ),
    "updated": Part("updated_count|changed_count|updated|changed|.*_updated|.*_changed", _COUNT),
    "skipped": Part("skipped_count|unchanged_count|skipped|unchanged|.*_skipped", _COUNT),
    "failed": Part("failed_count|error_count|failed|errors|.*_failed|.*_errors", _COUNT),
    "flag": Part("feature_flag_state|feature_flag|flag_state|flag|flag_status", ("text", "boolean")),
}
NEEDED = {
    "raw": ("resource", "source_id", "payload", "received_at"),
    "deliveries": ("topic", "received_at", "outcome"),
    "syncs": ("resource", "started_at", "ended_at"),
}
PARTS = {"raw": RAW, "deliveries": DELIVERIES, "syncs": SYNCS, "runs": RUNS}
_TABLES = {
    "raw": r"raw|ingest|landing|staging|payload|inbox|record",
    "deliveries": r"deliver|webhook|hook|inbox|event",
    "syncs": r"sync|run|job|import|batch|load",
}
_NOT_REFINED = re.compile(
    r"alembic_version|schema_migrations|django_.*|flyway_.*|databasechangelog.*|.*_migrations?|_prisma.*"
)


def columns_of(role: str, shape: Shape, known: Mapping[str, str] | None = None) -> Columns:
    """Return the table's columns by what they are to `role`, beside those `known`; one column is not two things."""
    found: Columns = {**(known or {})}
    for name in [name for name in PARTS[role] if name not in found]:
        part = PARTS[role][name]
        free = [column for column in shape.columns.values() if column.name not in found.values()]
        if column := part.among(free):
            found[name] = column
    return found


def choose(role: str, tables: Iterable[Shape]) -> Shape | None:
    """Return the table that plays `role`: it has the needed columns, and most of the others."""
    best: tuple[float, Shape] | None = None
    for shape in tables:
        columns = columns_of(role, shape)
        if not all(name in columns for name in NEEDED[role]):
            continue
        is_named = is_called(role, shape)
        score = len(columns) + 3 * is_named
        if (is_named or len(columns) >= len(PARTS[role]) - 2) and (best is None or score > best[0]):
            best = score, shape
    return best[1] if best else None


def is_called(role: str, shape: Shape) -> bool:
    """Return whether a table's name speaks of `role`."""
    return bool(re.search(_TABLES[role], _snake(shape.name)))


def is_bookkeeping(shape: Shape) -> bool:
    """Return whether a table belongs to a tool for migrations."""
    return bool(_NOT_REFINED.fullmatch(shape.name))
