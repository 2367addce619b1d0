"""For whom the API is asked to make something: what its headers say, and the values that every row has to have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dsaudit.background.calls import Answered, NotCalled, requested
from dsaudit.facts.served.owners import owners
from dsaudit.parameters.action import joined

if TYPE_CHECKING:
    import httpx

    from dsaudit.audit import Audit
    from dsaudit.parameters import Parameters


@dataclass(frozen=True)
class Whose:
    """The tenant's name, the headers that tell it, and the value of each column of ``tenancy.columns`` among them."""

    tenant: str
    headers: Mapping[str, str]
    columns: Mapping[str, str]


def whose(audit: Audit, tenant: str | None, tenancy: Mapping[str, str], section: str) -> Whose:
    """Return for whom something is made: a `tenant`, by itself the first, with the values `tenancy` that are given.

    Raises
    ------
    NotCalled
        No row tells the values that the headers need, nor does the file in `section`.
    """
    parameters = audit.parameters.whole
    apis = parameters.apis
    assert apis
    tenant = tenant or parameters.tenant_names[0]
    columns = parameters.tenancy.columns if parameters.tenancy else []
    given = dict(tenancy)
    if columns and parameters.tenants:
        given[columns[0]] = next(one.id for one in parameters.tenants if one.name == tenant)
    if lacking := [column for column in apis.headers.values() if column not in given]:
        given |= _as_rows_have_it(audit, tenant, given, lacking, section)
    headers = {header: given[column] for header, column in apis.headers.items()}
    return Whose(tenant, headers, {column: given[column] for column in columns if column in given})


def sent(
    parameters: Parameters,
    owner: Whose,
    method: str,
    path: str,
    body: Any,
    token_env: str | None,
    wait_seconds: float,
    client: httpx.Client | None = None,
) -> Answered:
    """Send a request to the API of ``apis`` in the name of `owner`; raises as `requested` does."""
    apis = parameters.whole.apis
    assert apis
    address = joined(apis.url, apis.url_env, "/".join(part.strip("/") for part in (apis.path, path) if part))
    return requested(
        parameters,
        method,
        address,
        body,
        token_env or apis.token_env,
        wait_seconds,
        headers=owner.headers,
        token_header=apis.token_header,
        client=client,
    )


def _as_rows_have_it(
    audit: Audit, tenant: str, given: Mapping[str, str], lacking: list[str], section: str
) -> dict[str, str]:
    """Return the values of the columns that are not given, as the rows of the tenant have them."""
    apis = audit.parameters.whole.apis
    assert apis
    for owner in owners(audit)[0]:
        told = {apis.headers[header]: value for header, value in owner.headers.items()}
        if owner.tenant == tenant and all(told.get(column, value) == value for column, value in given.items()):
            return {column: told[column] for column in lacking}
    raise NotCalled(f"no row of {tenant} tells its {' and '.join(lacking)}, so give the values under `{section}`")
