"""The parameter file as models: one for each section, with what every key means and its default."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from dsaudit.parameters.known import Known

FieldType = Literal["text", "integer", "decimal", "money", "boolean", "instant", "date"]
NAME = r"^[a-z][a-z0-9_-]{0,62}$"


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Names = Annotated[list[str], BeforeValidator(_listed)]
Reason = Annotated[str, Field(pattern=r"\S")]


class Section(BaseModel):
    """What all sections share: an unknown key is an error, since a typing mistake must not mean fewer checks."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Database(Section):
    """How the audited PostgreSQL is reached, and what must be true of it."""

    url_env: str
    identity: str | None = None  # "system identifier/database", pinned so that no other server is audited by mistake
    may_write: bool = False  # true accepts, outside production, a role that can write
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


class Source(Section):
    """How the provider is read: a REST API, or a folder of JSON Lines files ``<account>/<read>``."""

    kind: Literal["rest", "files"]
    base_url: str | None = None
    base_url_env: str | None = None
    account_path: str = ""  # what follows base_url for one account, such as "{account}"
    token_env: str | None = None
    token_header: str = "Authorization"
    paging: Literal["link", "none"] = "link"
    page_size: int = Field(250, ge=1, le=1000)
    scopes: str | None = None  # path that lists the granted scopes
    subscriptions: str | None = None  # path that lists the registered webhooks
    folder: str | None = None
    rate_share: int = Field(20, ge=1, le=100)  # percent of the provider's rate limit that an audit may use

    @model_validator(mode="after")
    def _reachable(self) -> Source:
        if self.kind == "rest" and not (self.base_url or self.base_url_env):
            raise ValueError("a rest source needs base_url or base_url_env")
        if self.kind == "files" and not self.folder:
            raise ValueError("a files source needs folder")
        return self


class Hash(Section):
    """The recipe of the stored content hash."""

    canonical: Literal["sorted_json"] = "sorted_json"
    digest: Literal["sha256", "md5", "sha1"] = "sha256"


class Table(Section):
    """A table and the names of its columns, where they differ from dsaudit's own."""

    table: str
    columns: dict[str, str] = {}


class Raw(Table):
    """The raw-ingest table: one row for each version of an object, as it was received."""

    hash: Hash | None = None
    states: dict[Literal["pending", "processed", "error", "skipped", "held"], Names] = {}
    webhook: Names = ["webhook"]  # the values of `via` that mean: came by webhook


class FieldOf(Section):
    """Where a refined column's value stands in the source's record, and its one declared type."""

    from_: str = Field(alias="from")
    as_: FieldType = Field("text", alias="as")


class Deliveries(Table):
    """The table of received webhooks: one row for each arrival."""

    accepted: Names = ["accepted", "duplicate"]  # the outcomes that are successes
    rejected: Names = ["rejected_signature"]  # the outcomes that mean: its signature was not right


class Nested(Section):
    """A record that lives inside its parent's: in which resource, and at which path."""

    in_: str = Field(alias="in")
    at: dict[str, str]  # name and path in the parent's record, to a list or to one object; the name may be left out

    @field_validator("at", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        return {path: path for path in _listed(value)} if isinstance(value, (str, list)) else value


class Resource(Section):
    """One object type of the source with its table, key, scope, sync function and webhooks."""

    table: str
    key: Names  # the columns that hold the source's id
    joined: str | None = None  # what stands between the parts of a composite key in the raw table
    # Where the source's record has its id: a path, ``../`` for the parent's, ``#`` the position in the parent's
    # list from 1, ``@`` the name of the path at which it stands there.
    id_from: Names = ["id"]
    tenant: str | None = None
    read: str | None = None
    count: str | None = None
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
    deleted: str | None = None  # a flag, or the time of deletion
    refined_at: str | None = None
    built_from: str | None = None  # column that names the raw row the refined one was built from
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


class Record(Table):
    """The stored integration record: one row a tenant, with the granted scopes and the webhook registration."""


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
    syncs: Table | None = None
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
        for index, relation in enumerate(self.relations):
            for side in (relation.child, relation.parent):
                if side.split(".")[0] not in self.resources:
                    raise ValueError(f"relations[{index}]: there is no resource {side.split('.')[0]}")
        names = [tenant.name for tenant in self.tenants]
        if len(set(names)) < len(names):
            raise ValueError("tenants: a name is given twice")
        return self

    @property
    def tenant_names(self) -> list[str]:
        """The tenants' names; a system without tenants is one, called ``all``."""
        return [tenant.name for tenant in self.tenants] or ["all"]

    @property
    def sha256(self) -> str:
        """The digest of the file's bytes."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()

    def folder(self, given: str) -> Path:
        """Return a folder or file of the system under audit; relative paths start at the project's root."""
        path = Path(given).expanduser()
        return path if path.is_absolute() else self.path.parent.parent / path

    def secrets(self) -> list[str]:
        """Return the names of the environment variables that hold secrets."""
        names = [self.database.url_env]
        if self.source and self.source.token_env:
            names.append(self.source.token_env)
        names += [tenant.token_env for tenant in self.tenants if tenant.token_env]
        return sorted(set(names))
