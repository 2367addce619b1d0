"""The sections that describe one table each: which one it is, and how its columns are called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from dsaudit.parameters.section import Names, Section
from dsaudit.parameters.starting import Start

ONE_A_RESOURCE = "{resource}"


class Hash(Section):
    """The recipe of the stored content hash."""

    canonical: Literal["sorted_json"] = "sorted_json"
    digest: Literal["sha256", "md5", "sha1"] = "sha256"


class Table(Section):
    """A table and the names of its columns, where they differ from dsaudit's own.

    A column that the table does not have is called ``none``; one that checks cannot do without may not be.
    """

    own: ClassVar[Mapping[str, str]] = {}  # each column that dsaudit reads, and its name if the file gives none
    optional: ClassVar[Mapping[str, str]] = {}  # columns read only where the file names them, and their type
    vital: ClassVar[tuple[str, ...]] = ()

    table: str
    columns: dict[str, str] = Field({}, validate_default=True)

    @field_validator("columns")
    @classmethod
    def _whole(cls, given: dict[str, str]) -> dict[str, str]:
        unknown = next((name for name in given if name not in cls.own and name not in cls.optional), None)
        if unknown:
            known = ", ".join([*cls.own, *cls.optional])
            raise ValueError(f"{unknown} is no column that dsaudit reads; it reads {known}")
        lacking = next((name for name in cls.vital if given.get(name) == "none"), None)
        if lacking:
            raise ValueError(f"{lacking} cannot be none: nothing can be said of this table without it")
        return {name: column for name, column in {**cls.own, **given}.items() if column != "none"}


class Raw(Table):
    """The raw-ingest table: one row for each version of an object, as it was received.

    Where each object type has a raw table of its own, ``{resource}`` stands in `table` for the type.
    """

    own = {
        "row_id": "id",
        "tenant": "tenant_id",
        "resource": "object_type",
        "source_id": "source_id",
        "payload": "payload",
        "content_hash": "content_hash",
        "via": "source",
        "state": "status",
        "error": "error_message",
        "received_at": "received_at",
    }
    optional = {
        "changed_at": "timestamptz",
        "observed_at": "timestamptz",
        "refined_at": "timestamptz",
        "delivery_id": "text",
        "deleted": "boolean",
    }
    vital = ("row_id", "resource", "source_id", "received_at")

    hash: Hash | None = None
    states: dict[Literal["pending", "processed", "error", "skipped", "held"], Names] = {}
    webhook: Names = ["webhook"]  # the values of `via` that mean: came by webhook

    @field_validator("columns")
    @classmethod
    def _told_by_the_table(cls, columns: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        told = ONE_A_RESOURCE in info.data.get("table", "")
        return {name: column for name, column in columns.items() if name != "resource"} if told else columns

    @property
    def is_one_a_resource(self) -> bool:
        """Whether each object type has a raw table of its own."""
        return ONE_A_RESOURCE in self.table


class Deliveries(Table):
    """The table of received webhooks: one row for each arrival."""

    own = {
        "delivery_id": "delivery_id",
        "tenant": "tenant_id",
        "topic": "topic",
        "source_id": "source_id",
        "sent_at": "sent_at",
        "received_at": "received_at",
        "outcome": "outcome",
    }
    vital = ("topic", "received_at")
    accepted: Names = Field(["accepted", "duplicate"], min_length=1)  # the outcomes that are successes
    rejected: Names = ["rejected_signature"]  # the outcomes that mean: its signature was not right


RunState = Literal["success", "skipped", "failed", "running"]
STATES: Mapping[RunState, list[str]] = {
    "success": ["success", "succeeded", "completed", "complete", "done", "ok"],
    "skipped": ["skipped", "disabled"],
    "failed": ["failed", "failure", "error", "abandoned"],
    "running": ["running", "started", "pending", "queued"],
}


class Syncs(Table):
    """The table of sync runs: one row for each run of a resource's sync function.

    A history of one job tells no resource (``resource: none``), where a single resource has `sync`. What `state` says
    is read by `states`: a run was skipped where it found itself switched off, and has then neither completed nor
    failed. Without it a run has failed if it has an error, and succeeded if it ended without one. ``scheduled`` are the
    values of `trigger` that mean: the schedule began it.
    """

    own = {
        "tenant": "tenant_id",
        "resource": "object_type",
        "started_at": "started_at",
        "ended_at": "ended_at",
        "fetched": "fetched",
        "pages": "pages",
        "watermark": "watermark",
        "error": "error",
    }
    optional = {
        "task_id": "text",
        "trigger": "text",
        "state": "text",
        "added": "bigint",
        "updated": "bigint",
        "skipped": "bigint",
        "failed": "bigint",
        "flag": "text",
    }
    vital = ("started_at", "ended_at")
    states: dict[RunState, Names] = Field({}, validate_default=True)
    scheduled: Names = ["beat", "schedule", "scheduled", "scheduler", "cron", "periodic"]
    run: Start | None = None

    @field_validator("states")
    @classmethod
    def _told_apart(cls, given: dict[RunState, list[str]]) -> dict[RunState, list[str]]:
        named = [word for words in given.values() for word in words]
        twice = next((word for word in named if named.count(word) > 1), None)
        if twice:
            raise ValueError(f"{twice} is given twice, so nothing tells what became of such a run")
        others = {state: [word for word in words if word not in named] for state, words in STATES.items()}
        return {**others, **given}

    def state_of(self, word: str) -> RunState | None:
        """Return what a word in the column `state` means, None where the file does not say."""
        return next((state for state, words in self.states.items() if word in words), None)


class Record(Table):
    """The stored integration record: one row a tenant, with the granted scopes and the webhook registration."""

    own = {"tenant": "tenant_id", "scopes": "scopes", "registration": "registration"}
