"""Whose rows the API is asked for: each combination of the values by which its headers tell the tenancy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from dsaudit.database import TableInfo
from dsaudit.database.expressions import quoted, value_of
from dsaudit.parameters import Parameters
from dsaudit.parameters.apis import Apis, Endpoint
from dsaudit.parameters.ids import id_text
from dsaudit.parameters.tenancy import tenancy_columns

if TYPE_CHECKING:
    from dsaudit.audit import Audit

MOST_OF_A_TENANT = 5  # such combinations that are looked at


@dataclass(frozen=True)
class Owner:
    """Whose rows some are: the tenant's name, what the headers say, and how many rows each list is to have."""

    tenant: str
    headers: Mapping[str, str]
    rows: Mapping[str, int] = field(default_factory=dict, compare=False)  # by the name of the endpoint

    @property
    def values(self) -> tuple[str, ...]:
        """The values by which a row is its own, in the order of the headers."""
        return tuple(self.headers.values())


def columns_of(parameters: Parameters, resource: str) -> list[str]:
    """Return the columns of a resource that the headers stand for, in the headers' order."""
    assert parameters.apis is not None
    if not parameters.apis.headers:
        return []
    assert parameters.tenancy is not None
    named = dict(zip(parameters.tenancy.columns, tenancy_columns(parameters, resource), strict=True))
    return [named[column] for column in parameters.apis.headers.values()]


def owners(audit: Audit) -> tuple[list[Owner], set[tuple[str, ...]], list[str]]:
    """Return those that are asked for, of tenants that the file names; the values of all that there are; the limits."""
    parameters = audit.parameters.whole
    apis = parameters.apis
    assert apis is not None
    first = parameters.tenancy.columns[0] if parameters.tenancy else ""
    place = list(apis.headers.values()).index(first) if first in apis.headers.values() else None
    tenants = parameters.tenants if place is not None else []
    names = {text: one.name for one in tenants for text in (one.id, id_text(one.id, "uuid"))}
    counted: dict[tuple[str, ...], dict[str, int]] = {}
    for endpoint in apis.endpoints:
        for values, count in _counted(audit, endpoint).items():
            counted.setdefault(values, {})[endpoint.name] = count
    found: dict[str, list[Owner]] = {}
    for values, rows in sorted(counted.items()):
        tenant = names.get(values[place]) if names and place is not None else "all"
        if tenant:
            owner = Owner(tenant, dict(zip(apis.headers, values, strict=True)), rows)
            found.setdefault(tenant, []).append(owner)
    limits = [
        f"{MOST_OF_A_TENANT} of the {len(own)} combinations of {', '.join(apis.headers)} of {tenant} were asked for"
        for tenant, own in found.items()
        if len(own) > MOST_OF_A_TENANT
    ]
    chosen = [one for tenant, own in found.items() for one in _chosen(own, apis, tenant)]
    return chosen, set(counted), limits


def _chosen(own: list[Owner], apis: Apis, tenant: str) -> list[Owner]:
    some = Random(f"{apis.seed} {tenant}").sample(own, min(len(own), MOST_OF_A_TENANT))
    return [one for one in own if one in some]


def _counted(audit: Audit, endpoint: Endpoint) -> dict[tuple[str, ...], int]:
    """Return how many rows of an endpoint's table each has; those that belong to nobody are left out."""
    table = table_of(audit, endpoint)
    told = [f"({value_of(one, table)})::text" for one in columns_of(audit.parameters.whole, endpoint.resource)]
    named = [f"o{place}" for place in range(len(told))]
    select = ", ".join([*(f"{one} as {name}" for one, name in zip(told, named, strict=True)), "count(*) as rows"])
    grouped = f" group by {', '.join(named)}" if named else ""
    query = f"select {select} from {from_table(table)}{grouped}"
    rows = audit.database.now().query(query, most=None).records
    found = {tuple(row[name] for name in named): row["rows"] for row in rows if row["rows"]}
    return {values: count for values, count in found.items() if None not in values}


def table_of(audit: Audit, endpoint: Endpoint) -> TableInfo:
    """Return the table whose rows an endpoint serves."""
    return audit.relations.table(audit.parameters.whole.resources[endpoint.resource].table)


def from_table(table: TableInfo, alias: str = "x") -> str:
    """Return a table as an item of a query."""
    return f"{quoted(table.schema)}.{quoted(table.name)} as {alias}"
