"""Tables of phase 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from dsaudit.facts import scopes
from dsaudit.functions.tables._places import place

if TYPE_CHECKING:
    from dsaudit.audit import Audit


def scope_sets(audit: Audit) -> pd.DataFrame:
    """Scopes required, requested and granted.

    key: oauth_scope
    show: oauth_scope, needed_by, requested_at, granted_by, not_granted_by, comment
    """
    needed = scopes.required(audit.parameters)
    items = list(scopes.requested(audit).items) if audit.parameters.code else []
    places = {name: item for item in reversed(items) for name in scopes.names_in(item.value)}
    tenants = {tenant: scopes.granted(audit, tenant).scopes for tenant in audit.parameters.tenant_names}
    known = dict.fromkeys([*needed, *places, *(name for given in tenants.values() for name in given or [])])
    rows = [
        {
            "oauth_scope": name,
            "needed_by": ", ".join(needed.get(name, [])) or None,
            "requested_at": place(audit.code, places[name].file, places[name].line) if name in places else None,
            "granted_by": _listed(tenants, name, True),
            "not_granted_by": _listed(tenants, name, False),
            "comment": places[name].comment if name in places else None,
        }
        for name in known
    ]
    return pd.DataFrame(rows, dtype=object)


def _listed(tenants: dict[str, list[str] | None], scope: str, wanted: bool) -> str | None:
    asked = {tenant: given for tenant, given in tenants.items() if given is not None}
    return ", ".join(tenant for tenant, given in asked.items() if (scope in given) == wanted) or None
