"""The integration's guide: what has to be granted and configured, and where in the code each part of it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dsaudit import codebase
from dsaudit.documents.markdown import Row, code, codes, table, words
from dsaudit.facts import scopes
from dsaudit.facts.documents import documents

if TYPE_CHECKING:
    from dsaudit.audit import Audit


def integration(audit: Audit) -> str:
    """Return the document: accounts, scopes, sync functions and registration of webhooks, with their places."""
    parameters = audit.parameters
    tenants = [(words(one.name), code(one.account or "") or "–") for one in parameters.tenants]
    address = code(parameters.webhooks.address) if parameters.webhooks else ""
    others = (
        [one.name for one in documents(parameters).values() if one.kind != "integration"]
        if parameters.documents
        else []
    )
    sections = [
        f"# {words(parameters.integration)}: integration",
        f"Drafted by dsaudit from its audit of {code(parameters.integration)}. See also {codes(others)}.",
        "## Accounts",
        table(("Tenant", "Account"), tenants, "There is one account."),
        "## Scopes",
        table(("Scope", "Needed by", "Requested at", "Granted by"), _scopes(audit), "No resource needs a scope."),
        "## Sync",
        table(("Function", "Brings", "Place"), _syncs(audit), "The parameter file names no sync function."),
        "## Webhooks",
        f"Deliveries go to an address of the pattern {address}."
        if address
        else "The parameter file names no address for them.",
        f"Registered by {codes(_registration(audit), 'a function that is not known')}.",
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _scopes(audit: Audit) -> Iterator[Row]:
    items = scopes.requested(audit).items if audit.parameters.code else ()
    places = {name: f"{one.file}:{one.line}" for one in items for name in scopes.names_in(one.value)}
    granted = {tenant: scopes.granted(audit, tenant).scopes for tenant in audit.parameters.tenant_names}
    for scope, names in scopes.required(audit.parameters).items():
        by = [
            tenant
            for tenant, given in granted.items()
            if given is not None and scopes.lacking(audit, given, [scope]) == ([], None)
        ]
        yield code(scope), codes(names), code(places.get(scope, "")) or "–", words(", ".join(by)) or "–"


def _syncs(audit: Audit) -> Iterator[Row]:
    brings: dict[str, list[str]] = {}
    for name, one in audit.parameters.resources.items():
        if one.sync:
            brings.setdefault(one.sync, []).append(name)
    for function, names in brings.items():
        found = codebase.functions(audit.code, function.rpartition(".")[2]) if audit.parameters.code else []
        yield code(function), codes(names), codes((f"{one.file}:{one.line}" for one in found), "–")


def _registration(audit: Audit) -> list[str]:
    found = codebase.functions(audit.code, "*register*webhook*") if audit.parameters.code else []
    return [f"{one.file}:{one.line}" for one in found[:1]]
