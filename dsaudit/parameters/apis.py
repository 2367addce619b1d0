"""The section ``apis``: what the system's own HTTP API serves of its tables, and how it refuses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field, field_validator, model_validator

from dsaudit.parameters.action import below, why_unprotected
from dsaudit.parameters.section import ADDRESS, Misplaced, Names, Section, listed
from dsaudit.parameters.source import PagingOf
from dsaudit.wording import did_you_mean

if TYPE_CHECKING:
    from dsaudit.parameters.models import Parameters
    from dsaudit.parameters.resource import Relation

Refusal = Annotated[int, Field(ge=400, le=499)]
Refusals = Annotated[list[Refusal], BeforeValidator(listed)]


def _named(value: Any) -> Any:
    """Accept ``[status]`` for what is called alike in an answer and in the table."""
    is_short = isinstance(value, list) and all(isinstance(one, str) for one in value)
    return {one: one for one in value} if is_short else value


Columns = Annotated[dict[str, str], BeforeValidator(_named)]


class ErrorForm(Section):
    """The one form of every refusal, and the statuses that say why.

    At the path `at`, by itself the whole answer, stands an object that has all of `fields`, none of them empty.
    `tenancy` is answered where a header that tells the tenant is missing, `token` where the token is missing or wrong,
    `absent` to an id that does not exist, and `malformed` to one that cannot.
    """

    at: str = ""
    fields: Names = Field(min_length=1)
    tenancy: Refusals = Field([400], min_length=1)
    token: Refusals = Field([401], min_length=1)
    absent: Refusals = Field([404], min_length=1)
    malformed: Refusals = Field([422], min_length=1)


class Endpoint(Section):
    """A list of the API, the path of one of its records, and which rows they serve.

    In `list`, ``{data_import_id}`` stands for a column of `resource` by which it refers to another one: there is such
    a list for each of those. `one` has ``{id}``. `key` is where a record holds its id. `fields` and `filters` are paths
    in a record and parameters of the list, each with the column that it has to agree with. A field in `counts` is the
    number of the records that refer to this one, by a column that a relation declares, such as
    ``asset.discovery_flow_id``; one in `ids` lists their ids.
    """

    resource: str
    list_: str = Field(alias="list", min_length=1)
    one: str | None = None
    key: str = "id"
    fields: Columns = {}
    filters: Columns = {}
    counts: dict[str, str] = {}
    ids: dict[str, str] = {}

    _below = field_validator("list_", "one")(below)

    @model_validator(mode="after")
    def _has_slots(self) -> Endpoint:
        if self.one and self.one.count("{id}") != 1:
            raise Misplaced(("one",), "has {id} once, where the id of a record stands")
        if len(_slots(self.list_)) > 1:
            raise Misplaced(("list",), "has one column in brackets at most")
        return self

    @property
    def key_column(self) -> str:
        """The column that holds the ids of its records."""
        return self.fields.get(self.key, self.key)

    @property
    def within(self) -> str | None:
        """The column by whose values it has a list for each, or None."""
        return next(iter(_slots(self.list_)), None)

    @property
    def name(self) -> str:
        """The path of its list, as a report names it."""
        return self.list_

    def list_of(self, parent: str) -> str:
        """Return the path of the list of one parent, whose id can stand in a path."""
        return re.sub(r"\{\w+\}", lambda _: parent, self.list_)


def _slots(path: str) -> list[str]:
    return re.findall(r"\{(\w+)\}", path)


class Apis(Section):
    """The system's own HTTP API, which is read and never written to.

    `headers` tell the tenancy: each names a column of ``tenancy.columns``. Lists are paged as a source's are; `record`
    is the path at which an answer holds one record. A list of more than `most_records` is read that far; of each,
    `sample` records, chosen by `seed`, are asked for by their ids. In all, `most_requests` are made, `rate` a second,
    and an answer is waited for `wait_seconds`. `token_env` is sent in `token_header`. Messages and reports tell no
    address.
    """

    url: str | None = Field(None, pattern=ADDRESS)
    url_env: str | None = None
    path: str = ""
    token_env: str | None = None
    token_header: str = Field("Authorization", min_length=1)
    headers: dict[str, str] = {}
    paging: PagingOf
    page_size: int = Field(100, ge=1, le=10_000)
    record: str = ""
    error: ErrorForm | None = None
    endpoints: list[Endpoint] = Field(min_length=1)
    sample: int = Field(20, ge=1, le=1000)
    seed: int = 1
    most_records: int = Field(2000, ge=1)
    most_requests: int = Field(5000, ge=1)
    rate: float = Field(50, gt=0)
    wait_seconds: float = Field(10, gt=0, le=120)

    _below = field_validator("path")(below)

    @model_validator(mode="after")
    def _addressed(self) -> Apis:
        if bool(self.url) == bool(self.url_env):
            raise ValueError("give its address once, as url or as url_env")
        if self.paging.style == "graphql":
            raise Misplaced(("paging",), "is of a REST API; GraphQL is not read here")
        names = [name.lower() for name in (*self.headers, self.token_header)]
        if len(set(names)) < len(names):
            raise Misplaced(("headers",), "a header is given twice, or is the token's")
        return self


def served(parameters: Parameters, resource: str) -> bool:
    """Return whether an endpoint serves the rows of a resource."""
    return parameters.apis is not None and any(one.resource == resource for one in parameters.apis.endpoints)


def relation_of(parameters: Parameters, child: str) -> Relation | None:
    """Return the declared relation whose child's end is called so, such as ``asset.discovery_flow_id``."""
    return next((one for one in parameters.relations if one.child == child), None)


def named_by(parameters: Parameters, resource: str) -> str | None:
    """Return the column whose values the API calls the records of a resource by, or None where nothing tells it."""
    endpoints = parameters.apis.endpoints if parameters.apis else []
    of_endpoints = [one.key_column for one in endpoints if one.resource == resource]
    return next(iter([*of_endpoints, *parameters.resources[resource].key]), None)


def mistakes(parameters: Parameters) -> Iterator[Misplaced]:
    """Yield what does not fit together in the section, with where it stands."""
    apis = parameters.apis
    if apis is None:
        return
    if apis.url and (problem := why_unprotected(bool(apis.token_env), apis.url, parameters.environment)):
        yield Misplaced(("apis", "url"), problem)
    columns = parameters.tenancy.columns if parameters.tenancy else []
    for header, column in apis.headers.items():
        if column not in columns:
            hint = did_you_mean(column, columns, "it names a column of `tenancy.columns`")
            yield Misplaced(("apis", "headers", header), f"{column} tells nobody's rows; {hint}")
    if parameters.tenants and (not columns or columns[0] not in apis.headers.values()):
        yield Misplaced(("apis",), "no header tells the tenant; `headers` names one for the first of `tenancy.columns`")
    seen = set[str]()
    for number, one in enumerate(apis.endpoints):
        yield from (Misplaced(("apis", "endpoints", number, *keys), words) for keys, words in _unfit(parameters, one))
        if one.list_ in seen:
            yield Misplaced(("apis", "endpoints", number, "list"), f"{one.list_} is given twice")
        seen.add(one.list_)


def _unfit(parameters: Parameters, one: Endpoint) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the keys of an endpoint that fit nothing in the file, each with the reason."""
    if one.resource not in parameters.resources:
        hint = did_you_mean(one.resource, parameters.resources)
        yield ("resource",), f"there is no resource {one.resource}" + (f"; {hint}" if hint else "")
        return
    if one.within and relation_of(parameters, f"{one.resource}.{one.within}") is None:
        yield ("list",), f"no relation has the child {one.resource}.{one.within}, whose parents have such a list each"
    tenancy = parameters.tenancy
    if tenancy and one.resource in tenancy.shared and parameters.apis and parameters.apis.headers:
        yield ("resource",), f"{one.resource} is shared by all tenants; what is served is held against the rows of one"
    children = [relation.child for relation in parameters.relations if _is_of(relation.parent, one.resource)]
    for section in ("counts", "ids"):
        for field, child in getattr(one, section).items():
            if child not in children:
                hint = did_you_mean(child, children, f"one that does is {children[0]}" if children else "declare one")
                yield (section, field), f"no relation leads from {child} to {one.resource}; {hint}"
    for field, child in one.ids.items():
        name = child.partition(".")[0]
        if name in parameters.resources and named_by(parameters, name) is None:
            yield ("ids", field), f"nothing tells what {name} is called by; give the resource its `key`"


def _is_of(end: str, resource: str) -> bool:
    return end.partition(".")[0] == resource
