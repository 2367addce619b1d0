"""Tables of phase 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from dsaudit.facts import scopes
from dsaudit.facts.provider import provider_of
from dsaudit.facts.scopes import Granted
from dsaudit.functions.tables._places import place
from dsaudit.verdict.card import plural

if TYPE_CHECKING:
    from dsaudit.audit import Audit


def scope_sets(audit: Audit) -> pd.DataFrame:
    """Each scope: what needs it, where it is asked for, who granted it, and what is hidden where it is missing.

    key: oauth_scope
    show: oauth_scope, needed_by, requested_at, granted_by, missing_at, told_by, hides
    """
    needed = scopes.required(audit.parameters)
    items = list(scopes.requested(audit).items) if audit.parameters.code else []
    places = {name: item for item in reversed(items) for name in scopes.names_in(item.value)}
    tenants = {tenant: scopes.granted(audit, tenant) for tenant in audit.parameters.tenant_names}
    known = dict.fromkeys([*needed, *places, *(name for one in tenants.values() for name in one.scopes or [])])
    rows = [
        {
            "oauth_scope": name,
            "needed_by": ", ".join(needed.get(name, [])),
            "requested_at": place(audit.code, places[name].file, places[name].line) if name in places else "",
            **_granted(audit, tenants, name, needed.get(name, [])),
        }
        for name in known
    ]
    return pd.DataFrame(rows, dtype=object)


def _granted(audit: Audit, tenants: dict[str, Granted], scope: str, resources: list[str]) -> dict[str, Any]:
    """Return who granted a scope and who did not, who says so, and what is hidden where it is missing."""
    told = {tenant: one for tenant, one in tenants.items() if one.scopes is not None}
    held = {tenant: provider_of(audit)[0].holds(one.scopes or [], scope) for tenant, one in told.items()}
    without = [tenant for tenant, one in told.items() if scopes.lacking(audit, one.scopes or [], [scope])[0]]
    return {
        "granted_by": ", ".join(name if by == scope else f"{name} by {by}" for name, by in held.items() if by),
        "missing_at": ", ".join(without) or ("none" if told else "not known"),
        "told_by": ", ".join(dict.fromkeys(one.told_by for one in told.values())) or "nobody",
        "hides": "; ".join(_hidden(audit, name, scope, without) for name in resources) if without else "",
    }


def _hidden(audit: Audit, name: str, scope: str, tenants: list[str]) -> str:
    """Return what is hidden of a resource, and how many of our rows that is, where a column tells it."""
    here = scopes.hidden_here(audit, name, scope)
    rows = f" ({plural(sum(here[tenant] for tenant in tenants), 'row')} here)" if here is not None else ""
    return scopes.hides(audit, name, scope) + rows
