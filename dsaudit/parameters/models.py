"""The parameter file as models: one for each section, with what every key means and its default."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import Field, PrivateAttr, field_validator, model_validator

from dsaudit.parameters import background, flows, integrity, monitoring, own_tests, states
from dsaudit.parameters.action import Action
from dsaudit.parameters.api import Api
from dsaudit.parameters.apis import Apis
from dsaudit.parameters.asking import why_unreadable
from dsaudit.parameters.conserved import Conserved
from dsaudit.parameters.database import Database, polite_in_production
from dsaudit.parameters.disturbance import Disturbance
from dsaudit.parameters.duration import Duration
from dsaudit.parameters.evidence import Evidence
from dsaudit.parameters.flag import Flag
from dsaudit.parameters.flows import Flow
from dsaudit.parameters.gate import Gate, Waiver
from dsaudit.parameters.invariant import Invariant
from dsaudit.parameters.live import Live, why_not
from dsaudit.parameters.logs import Logs
from dsaudit.parameters.migrations import Migrations
from dsaudit.parameters.monitoring import Monitoring
from dsaudit.parameters.own_tests import OwnTests
from dsaudit.parameters.part import Part
from dsaudit.parameters.performance import Performance
from dsaudit.parameters.policy import Policy
from dsaudit.parameters.probe import Probe, Sending, why_not_probed
from dsaudit.parameters.push import Push
from dsaudit.parameters.ready import Ready
from dsaudit.parameters.resource import Relation, Resource
from dsaudit.parameters.schedule import Schedule
from dsaudit.parameters.section import NAME, Misplaced, PastDay, Pattern, Section, secrets_of
from dsaudit.parameters.source import Source
from dsaudit.parameters.starting import why_not_started
from dsaudit.parameters.states import States
from dsaudit.parameters.tables import ONE_A_RESOURCE, Deliveries, Raw, Record, Syncs
from dsaudit.parameters.tenancy import Tenancy
from dsaudit.parameters.worker import Worker
from dsaudit.wording import did_you_mean

Document = Literal["integration", "data_model", "api_coverage", "webhook_analysis"]
DOCUMENTS: tuple[Document, ...] = get_args(Document)
# What notebooks may draft; the last two are of a run, and never the system's own.
DRAFTED = (*DOCUMENTS, "uat_results", "orphan_cleanup")


def _repeated(values: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            yield value
        seen.add(value)


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

    address: Pattern  # the address of every subscription must match it whole
    probe: Probe | None = None


class Documents(Section):
    """The integration's documents and the folder they live in."""

    folder: str
    files: dict[Document, str] = {}


class Parameters(Section):
    """One system under audit. Only `integration` and `database` are mandatory."""

    path: Path
    integration: str = Field(pattern=NAME)
    blueprints: list[str] = Field(["datasource"], min_length=1)
    environment: Literal["development", "staging", "production"] = "development"
    allow_actions: bool = False  # whether checks may act on the system each time, as --live lets them once
    example: str | None = Field(None, pattern=NAME)  # the sample in examples/ that this file describes
    database: Database
    provider: str | None = None  # a name of the catalogue, or the path of a .yml file like those there
    provider_reviewed: PastDay | None = None  # when what it has was last looked through; what came later is listed
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
    tenancy: Tenancy | None = None
    invariants: list[Invariant] = []
    performance: Performance | None = None
    durations: list[Duration] = []
    migrations: Migrations | None = None
    code: Code | None = None
    webhooks: Webhooks | None = None
    live: Live | None = None
    api: Api | None = None
    apis: Apis | None = None
    conserved: list[Conserved] = []
    push: Push | None = None
    flows: list[Flow] = []
    flow_variables: dict[str, str] = {}  # in braces in flows: the variable that holds it
    answers: str | None = None  # what answers have to fit: a file of OpenAPI, or of JSON schemas by request
    states: list[States] = []
    worker: Worker | None = None
    schedule: Schedule | None = None
    flag: Flag | None = None
    outage: Disturbance | None = None
    bad_record: Disturbance | None = None
    new_record: Action | None = None  # makes a record at the source, that syncs have something to write
    ready: Ready | None = None
    documents: Documents | None = None
    logs: Logs | None = None
    monitoring: Monitoring | None = None
    own_tests: OwnTests | None = None
    policy: Policy = Policy()  # type: ignore[call-arg]  # every limit has its default
    show: list[str] = []
    evidence: Evidence = Evidence()  # type: ignore[call-arg]
    gate: Gate = Gate()
    require: list[str] = []
    waivers: list[Waiver] = []
    _part: Part = PrivateAttr(Part())
    _whole: Parameters | None = PrivateAttr(None)
    _acting: bool | None = PrivateAttr(None)  # None: as the file says
    _sending: Sending = PrivateAttr("all")
    _given: dict[str, Any] = PrivateAttr(default_factory=dict)

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

    _polite_in_production = model_validator(mode="before")(polite_in_production)

    @model_validator(mode="after")
    def _consistent(self) -> Parameters:
        for name, resource in self.resources.items():
            if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name):
                raise Misplaced(("resources", name), "a resource's name has small letters, digits and _")
            if resource.nested:
                self._has_resource(resource.nested.in_, "resources", name, "nested", "in")
            if self.source and (problem := why_unreadable(resource, self.source, len(self.tenants))):
                key, _, reason = problem.partition(": ")
                raise Misplaced(("resources", name, key), reason)
        for index, relation in enumerate(self.relations):
            self._has_resource(relation.child.partition(".")[0], "relations", index, "child")
            self._has_resource(relation.parent.partition(".")[0], "relations", index, "parent")
        resources = self.resources.items()
        for section, what, given in (
            ("tenants", "name", (tenant.name for tenant in self.tenants)),
            ("tenants", "id", (tenant.id for tenant in self.tenants)),
            ("resources", "raw type", (resource.raw or name for name, resource in resources)),
            ("resources", "topic", (topic for _, resource in resources for topic in resource.webhooks)),
        ):
            twice = next(_repeated(given), None)
            if twice is not None:
                words = f"the {what} {twice} is given twice, so its records would count twice or not at all"
                raise Misplaced((section,), words)
        for place, problem in self._problems():
            key, _, reason = problem.partition(": ")
            raise Misplaced((*place, key) if key else place, reason)
        for sections in (background, integrity, flows, states, monitoring, own_tests):
            for mistake in sections.mistakes(self):
                raise mistake
        if self.syncs and "resource" not in self.syncs.columns and len(self.synced) != 1:
            words = f"can be none where a single resource has `sync`, and here {len(self.synced)} have one"
            raise Misplaced(("syncs", "columns", "resource"), words)
        return self

    def _problems(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield why something may not be done that a section declares: the section, and key and reason."""
        probe = self.webhooks.probe if self.webhooks else None
        if probe and (problem := why_not_probed(self, probe)):
            yield ("webhooks", "probe"), problem
        if self.live and (problem := why_not(self, self.live)):
            yield ("live",), problem
        if self.syncs and self.syncs.run and (problem := why_not_started(self, self.syncs.run)):
            yield ("syncs", "run"), f": {problem}"

    def _has_resource(self, name: str, *keys: str | int) -> None:
        if name not in self.resources:
            hint = did_you_mean(name, self.resources)
            raise Misplaced(keys, f"there is no resource {name}" + (f"; {hint}" if hint else ""))

    @property
    def part(self) -> Part:
        """What the audit is narrowed to, by the command line and never by the file; see `narrowed`."""
        return self._part

    @property
    def given(self) -> dict[str, Any]:
        """The file's own keys and values as JSON, with what the command line overrides; of secrets it has the names."""
        return self._given

    def as_given(self, values: dict[str, Any]) -> Parameters:
        """Return the same parameters, which remember what they were read from."""
        one = self.model_copy()
        one._given = json.loads(json.dumps(values, default=str))
        return one

    @property
    def whole(self) -> Parameters:
        """The same parameters, not narrowed."""
        return self._whole or self

    @property
    def acting(self) -> bool:
        """Whether checks may act on the system: by ``--live`` or by `allow_actions`, and never in production."""
        asked = self.allow_actions if self._acting is None else self._acting
        return asked and self.environment != "production"

    @property
    def live_in_part(self) -> bool:
        """Whether the part that the audit is narrowed to holds the resource and the tenant that `live` changes."""
        live = self.live
        whose = live.tenant or self.whole.tenant_names[0] if live else ""
        return live is None or (live.resource in self.resources and whose in self.tenant_names)

    @property
    def sending(self) -> Sending:
        """What a reading of the source sends to our webhook address, where the file lets it."""
        return self._sending

    def sending_only(self, kinds: Sending) -> Parameters:
        """Return the same parameters, with which no more is sent."""
        one = self.model_copy()
        one._sending = kinds
        return one

    def allowed_to_act(self, is_allowed: bool = True) -> Parameters:
        """Return the same parameters, with which checks act that do so only when asked, or do not, as in a replay."""
        one = self.model_copy()
        one._acting = is_allowed
        return one

    @property
    def tenant_names(self) -> list[str]:
        """The tenants' names; a system without tenants is one, called ``all``."""
        return [tenant.name for tenant in self.tenants] or ["all"]

    @property
    def sha256(self) -> str:
        """The digest of the file's bytes."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()

    def top(self, name: str) -> str:
        """Return the resource whose list holds the records of one: itself, or the outermost that it is nested in."""
        nested = self.resources[name].nested
        return self.top(nested.in_) if nested else name

    def types(self, names: Iterable[str]) -> dict[str, str]:
        """Return the object types of the resources `names`, as the raw table and the sync runs call them."""
        return {self.resources[name].raw or name: name for name in names}

    @property
    def synced(self) -> list[str]:
        """The resources of the whole system that have a sync function."""
        return [name for name, one in self.whole.resources.items() if one.sync]

    def raw_tables(self, names: Iterable[str]) -> dict[str, dict[str, str]]:
        """Return the raw tables that hold the resources `names`, each with the object types in it."""
        if self.raw is None:
            return {}
        if not self.raw.is_one_a_resource:
            return {self.raw.table: self.types(names)}
        own = self.types(name for name in names if self.has_raw_rows(name))
        return {self.raw.table.replace(ONE_A_RESOURCE, kind): {kind: name} for kind, name in own.items()}

    def has_raw_rows(self, name: str) -> bool:
        """Return whether a resource's records have raw rows of their own, and are not only inside those of others."""
        nested = self.resources[name].nested
        return self.raw is not None and not (nested and (nested.embedded or self.raw.is_one_a_resource))

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

    @property
    def provider_file(self) -> str | None:
        """The provider's name in the catalogue, or the path of its file."""
        own = self.provider and self.provider.endswith((".yml", ".yaml"))
        return str(self.folder(self.provider)) if self.provider and own else self.provider

    def folder(self, given: str) -> Path:
        """Return a folder or file of the system under audit; relative paths start at the project's root."""
        path = Path(given).expanduser()
        return path if path.is_absolute() else self.path.parent.parent / path

    def secrets(self) -> list[str]:
        """Return the names of the variables that may hold secrets: of each key that ends in ``_env``, and of flows."""
        return sorted({*secrets_of(self), *self.flow_variables.values()})
