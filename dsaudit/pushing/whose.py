"""For whom an import is pushed: what the API's headers say, and the values that every row has to have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dsaudit.background.calls import NotCalled
from dsaudit.facts.served.owners import owners

if TYPE_CHECKING:
    from dsaudit.audit import Audit


@dataclass(frozen=True)
class Whose:
    """The tenant's name, the headers that tell it, and the value of each column of ``tenancy.columns`` among them."""

    tenant: str
    headers: Mapping[str, str]
    columns: Mapping[str, str]


def whose(audit: Audit) -> Whose:
    """Return for whom the file lets an import be pushed.

    Raises
    ------
    NotCalled
        No row tells the values that the headers need, nor does the file.
    """
    parameters = audit.parameters.whole
    push, apis = parameters.push, parameters.apis
    assert push and apis
    tenant = push.tenant or parameters.tenant_names[0]
    columns = parameters.tenancy.columns if parameters.tenancy else []
    given = dict(push.tenancy)
    if columns and parameters.tenants:
        given[columns[0]] = next(one.id for one in parameters.tenants if one.name == tenant)
    if lacking := [column for column in apis.headers.values() if column not in given]:
        given |= _as_rows_have_it(audit, tenant, given, lacking)
    headers = {header: given[column] for header, column in apis.headers.items()}
    return Whose(tenant, headers, {column: given[column] for column in columns if column in given})


def _as_rows_have_it(audit: Audit, tenant: str, given: Mapping[str, str], lacking: list[str]) -> dict[str, str]:
    """Return the values of the columns that are not given, as the rows of the tenant have them."""
    apis = audit.parameters.whole.apis
    assert apis
    for owner in owners(audit)[0]:
        told = {apis.headers[header]: value for header, value in owner.headers.items()}
        if owner.tenant == tenant and all(told.get(column, value) == value for column, value in given.items()):
            return {column: told[column] for column in lacking}
    raise NotCalled(f"no row of {tenant} tells its {' and '.join(lacking)}, so give the values under `push.tenancy`")
