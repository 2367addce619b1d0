"""The parameter file as models: one for each section, with what every key means and its default."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, PrivateAttr, field_validator, model_validator

from dsaudit.parameters.asking import why_unreadable
from dsaudit.parameters.fields import FieldOf
from dsaudit.parameters.known import Known
from dsaudit.parameters.part import Part
from dsaudit.parameters.section import NAME, Names, Reason, Section, listed
from dsaudit.parameters.source import Source
from dsaudit.parameters.tables import ONE_A_RESOURCE, Deliveries, Raw, Record, Syncs


def _repeated(values: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            yield value
        seen.add(value)


class Database(Section):
    """How the audited PostgreSQL is reached, and what must be true of it."""

    url_env: str
    identity: str | None = None  # "system identifier/database", pinned so that no other server is audited by mistake
    snapshot_age: int = Field(300, ge=10, le=3600)  # seconds
    statement_timeout: float = Field(60, gt=0)  # seconds


class Tenant(Section):
    """One tenant: its name in reports, its id in the tables, its account at the source."""

    name: str = Field(pattern=NAME)
    id: str
    account: str | None = None
    token_env: str | None = None

    @field_validator("id", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class Nested(Section):
    """A record that lives inside its parent's: in which resource, and at which path."""

    in_: str = Field(alias="in")
    at: dict[str, str]  # name and path in the parent's record, to a list or to one object; the name may be left out

    @field_validator("at", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        return {path: path for path in listed(value)} if isinstance(value, (str, list)) else value


class Resource(Section):
    """One object type of the source with its table, key, scope, sync function and webhooks."""

    table: str
    key: Names = []  # the columns that hold the source's id; inferred where one unique constraint tells them
    joined: str | None = None  # what stands between the parts of a composite key in the raw table
    # Where the source's record has its id: a path, ``../`` for the parent's, ``#`` the position in the parent's
    # list from 1, ``@`` the name of the path at which it stands there.
    id_from: Names = ["id"]
    tenant: str | None = None  # inferred, where a foreign key tells it
    read: str | None = None  # the list's path, file, table or select
    count: str | None = None  # path, or file, that holds the number of its records
    # How to ask for what changed since an instant: the query parameter that takes it (ISO 8601), or with the form of
    # its value, such as ``created[gte]={epoch}`` (seconds) or ``query=select * from Bill where Updated >= '{since}'``;
    # of a sql source a select that binds ``:since``. Without it the whole list is read, and filtered by `updated`.
    since: str | None = None
    bulk: str | None = None  # its type in a provider's bulk export, such as LineItem; see `source` of the kind files
    ids: str | None = None  # path of a list of single records, with ``{ids}``, as many as a page holds
    query: str | None = None  # the GraphQL document that asks for its list
    records: str | None = None  # path of the list in the answer, where it is another than source.paging.records
    # Where one record can be asked for as its list has it: a path with ``{id}``, such as ``orders/{id}.json``, or a
    # select that binds ``:id``; of a composite id each part by its path in `id_from`. What differs is looked at again
    # by it, and `dsaudit why` spares the list.
    one: str | None = None
    nested: Nested | None = None
    raw: str | None = None  # object type in the raw table, if it is not the resource's name
    scope: Names = []
    sync: str | None = None
    webhooks: Names = []
    no_webhooks: str | None = None  # the reason why there are none
    never: dict[Literal["create", "update", "delete"], Reason] = {}  # what no topic tells of, each with the reason
    parents: list[str] = []
    fields: dict[str, FieldOf] = {}
    updated: str | None = None  # path of the time of change in the source's record
    updated_column: str | None = None
    # A flag, the time of deletion, or a column and what it then says; inferred if called deleted_at or is_deleted.
    deleted: str | dict[str, Names] | None = None
    refined_at: str | None = None
    # Column that names the raw row the refined one was built from; inferred, where a foreign key tells it.
    built_from: str | None = None
    may_be_empty: bool = False
    known: Known = Known()

    @field_validator("fields", mode="before")
    @classmethod
    def _short_fields(cls, value: Any) -> Any:
        """Accept ``total_price: money`` for a column that is named like the source's field."""
        if not isinstance(value, dict):
            return value
        return {name: {"from": name, "as": kind} if isinstance(kind, str) else kind for name, kind in value.items()}

    @property
    def deleted_by(self) -> tuple[str, list[str]]:
        """The column that marks a deleted row, or '', and the values that do; none of a flag or a time."""
        if isinstance(self.deleted, dict):
            return next(iter(self.deleted.items()), ("", []))
        return self.deleted or "", []

    @property
    def announced(self) -> bool:
        """Whether topics of its own tell of its changes: it has some, or nothing says why it needs none."""
        return bool(self.webhooks) or not (self.nested or self.no_webhooks)

    @property
    def unannounced(self) -> bool:
        """Whether it comes with its parent, or is asked for, for want of topics of its own."""
        return not self.announced

    @property
    def identified(self) -> bool:
        """Whether the source's record itself holds an id, so that no two records are equal."""
        return self.id_from == ["id"]

    @property
    def counted_children(self) -> tuple[str, str] | None:
        """The parent resource and the path there whose length says how many there must be; None where none does."""
        counted = self.nested is not None and len(self.nested.at) == 1
        return (self.nested.in_, next(iter(self.nested.at.values()))) if self.nested and counted else None

    @model_validator(mode="after")
    def _one_way_in(self) -> Resource:
        if self.read and self.nested:
            raise ValueError(
                "a resource is either read by itself (read) or found in another's record (nested), not both"
            )
        return self


class Relation(Section):
    """A child's column that refers to a parent's, with or without a foreign key in the database."""

    child: str
    parent: str
    nullable: bool = False
    every_parent: bool = False  # whether each parent must have a child, as a payout has its transactions

    @field_validator("child", "parent")
    @classmethod
    def _column(cls, value: str) -> str:
        if not re.fullmatch(r"[a-z][a-z0-9_]*\.[A-Za-z_][A-Za-z0-9_]*", value):
            raise ValueError("written as resource.column, such as line_item.order_id")
        return value

    @property
    def required(self) -> bool:
        """Whether a child cannot be without its parent."""
        return not self.nullable

    @property
    def name(self) -> str:
        """The relation's name in reports."""
        return f"{self.child} → {self.parent}"


class Code(Section):
    """The integration's own code, read and never run."""

    folder: str
    scopes: str = "SCOPES"
    topics: str = "topics"
    sync: str = "fetch_and_ingest_*"
    migrations: str | None = None
    verification_script: str | None = None


class Webhooks(Section):
    """What the provider should have registered for us."""

    address: str  # a pattern: the address of every subscription must match it whole

    @field_validator("address")
    @classmethod
    def _pattern(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"is no pattern: {error}") from None
        return value


class Documents(Section):
    """The integration's documents and the folder they live in."""

    folder: str
    files: dict[Literal["integration", "data_model", "api_coverage", "webhook_analysis"], str] = {}


class Policy(Section):
    """The limits that decide, each with the source documents' figure as default."""

    latency_seconds: float = Field(5, gt=0)
    latency_samples: int = Field(20, ge=1)
    latency_days: int = Field(7, ge=1)
    clock_error_seconds: float = Field(1, ge=0)
    in_flight_seconds: float = Field(6, ge=0, le=600)  # how long a change may be under way from source to refined
    refine_error_percent: float = Field(1, ge=0, le=100)
    backlog_seconds: float = Field(300, gt=0)
    delivery_success_percent: float = Field(99, ge=0, le=100)
    silence_seconds: float = Field(3600, gt=0)
    sync_age_days: float = Field(8, gt=0)
    query_milliseconds: float = Field(500, gt=0)
    tolerated_differences: int = Field(0, ge=0)  # rows in one scope of one check that may be lost or unexplained
    tolerated_percent: float = Field(0, ge=0, le=100)  # the same, of what was examined; the larger of the two counts


class Gate(Section):
    """Whether what is not green, and not failed either, blocks a GO."""

    waived: Literal["accept", "refuse"] = "accept"
    skipped: Literal["accept", "refuse"] = "accept"


class Waiver(Section):
    """A failing check that is accepted for a while, by somebody, for a reason."""

    check: str
    reason: str
    owner: str
    expires: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")
    scope: dict[str, str] = {}

    @field_validator("expires", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        return value.isoformat() if hasattr(value, "isoformat") else value

    @field_validator("expires")
    @classmethod
    def _is_a_day(cls, value: str) -> str:
        try:
            date.fromisoformat(value)
        except ValueError:
            raise ValueError(f"{value} is no day of the calendar") from None
        return value


class Parameters(Section):
    """One system under audit. Only `integration` and `database` are mandatory."""

    path: Path
    integration: str = Field(pattern=NAME)
    blueprints: list[str] = ["datasource"]
    environment: Literal["development", "staging", "production"] = "development"
    example: str | None = Field(None, pattern=NAME)  # the sample in examples/ that this file describes
    database: Database
    provider: str | None = None
    tenants: list[Tenant] = []
    source: Source | None = None
    raw: Raw | None = None
    deliveries: Deliveries | None = None
    syncs: Syncs | None = None
    record: Record | None = None
    table_prefix: str | None = None
    defaults: dict[str, Any] = {}  # keys that every resource has unless it says otherwise
    resources: dict[str, Resource] = {}
    relations: list[Relation] = []
    code: Code | None = None
    webhooks: Webhooks | None = None
    documents: Documents | None = None
    policy: Policy = Policy()  # type: ignore[call-arg]  # every limit has its default
    show: list[str] = []
    gate: Gate = Gate()
    require: list[str] = []
    waivers: list[Waiver] = []
    _part: Part = PrivateAttr(Part())
    _whole: Parameters | None = PrivateAttr(None)

    @model_validator(mode="before")
    @classmethod
    def _with_defaults(cls, values: Any) -> Any:
        """Lay each resource over the defaults."""
        if not isinstance(values, dict) or not isinstance(values.get("defaults"), dict):
            return values
        resources = values.get("resources")
        if not isinstance(resources, dict):
            return values
        laid = {
            name: {**values["defaults"], **one} if isinstance(one, dict) else one for name, one in resources.items()
        }
        return {**values, "resources": laid}

    @model_validator(mode="after")
    def _consistent(self) -> Parameters:
        for name, resource in self.resources.items():
            if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name):
                raise ValueError(f"resources.{name}: a resource's name has small letters, digits and _")
            if resource.nested and resource.nested.in_ not in self.resources:
                raise ValueError(f"resources.{name}.nested.in: there is no resource {resource.nested.in_}")
            if self.source and (problem := why_unreadable(resource, self.source, len(self.tenants))):
                raise ValueError(f"resources.{name}.{problem}")
        for index, relation in enumerate(self.relations):
            for side in (relation.child, relation.parent):
                if side.split(".")[0] not in self.resources:
                    raise ValueError(f"relations[{index}]: there is no resource {side.split('.')[0]}")
        resources = self.resources.items()
        for what, given in (
            ("tenants: the name", (tenant.name for tenant in self.tenants)),
            ("tenants: the id", (tenant.id for tenant in self.tenants)),
            ("resources: the raw type", (resource.raw or name for name, resource in resources)),
            ("resources: the topic", (topic for _, resource in resources for topic in resource.webhooks)),
        ):
            twice = next(_repeated(given), None)
            if twice is not None:
                raise ValueError(f"{what} {twice} is given twice, so its records would count twice or not at all")
        return self

    @property
    def part(self) -> Part:
        """What the audit is narrowed to, by the command line and never by the file; see `narrowed`."""
        return self._part

    @property
    def whole(self) -> Parameters:
        """The same parameters, not narrowed."""
        return self._whole or self

    @property
    def tenant_names(self) -> list[str]:
        """The tenants' names; a system without tenants is one, called ``all``."""
        return [tenant.name for tenant in self.tenants] or ["all"]

    @property
    def sha256(self) -> str:
        """The digest of the file's bytes."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()

    def types(self, names: Iterable[str]) -> dict[str, str]:
        """Return the object types of the resources `names`, as the raw table and the sync runs call them."""
        return {self.resources[name].raw or name: name for name in names}

    def raw_tables(self, names: Iterable[str]) -> dict[str, dict[str, str]]:
        """Return the raw tables that hold the resources `names`, each with the object types in it."""
        if self.raw is None:
            return {}
        if not self.raw.is_one_a_resource:
            return {self.raw.table: self.types(names)}
        own = self.types(name for name in names if not self.resources[name].nested)
        return {self.raw.table.replace(ONE_A_RESOURCE, kind): {kind: name} for kind, name in own.items()}

    @property
    def raw_key(self) -> list[str]:
        """The raw table's columns that say whose record a row is, and which."""
        names = [*(["tenant"] if self.tenants else []), "resource", "source_id"]
        return [self.raw.columns[name] for name in names if name in self.raw.columns] if self.raw else []

    @property
    def tables(self) -> list[str]:
        """The tables that the file declares, as it calls them."""
        sections = (self.deliveries, self.syncs, self.record)
        declared = [resource.table for resource in self.resources.values()] + [*self.raw_tables(self.resources)]
        return declared + [section.table for section in sections if section]

    def folder(self, given: str) -> Path:
        """Return a folder or file of the system under audit; relative paths start at the project's root."""
        path = Path(given).expanduser()
        return path if path.is_absolute() else self.path.parent.parent / path

    def secrets(self) -> list[str]:
        """Return the names of the environment variables that hold secrets."""
        names = [self.database.url_env]
        if self.source:
            names += filter(None, (self.source.token_env, self.source.url_env))
        names += [tenant.token_env for tenant in self.tenants if tenant.token_env]
        return sorted(set(names))
