"""Phase 1: may we read what we have to read? Credentials, and the three sets of scopes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsaudit.facts import scopes
from dsaudit.functions import Found, frames

if TYPE_CHECKING:
    from dsaudit.audit import Audit


def credentials_accepted(audit: Audit) -> Found:
    """The provider answers every declared list with the credentials given.

    why: what the provider refuses to show is missing on our side without an error in any table
    requirement: DS0, DS1.1
    severity: critical
    scope: tenant
    needs: source.base_url or source.base_url_env
    having: read
    key: resource
    show: resource, hides, answer
    remedy: renew the token, or grant its scopes, in the provider's own settings; an audit never renews a token
    """
    parameters = audit.parameters
    lists = [name for name, resource in parameters.resources.items() if resource.read]
    rows, examined = [], []
    for tenant in parameters.tenant_names:
        refused = {name: words for name in lists if (words := audit.source.refusal(tenant, name))}
        answered = [name for name in lists if audit.source.answered(tenant, name)]
        silent = [name for name in lists if name not in refused and name not in answered]
        for name, words in refused.items():
            hides = ", ".join(scopes.hidden_without(parameters, name))
            rows.append({"tenant": tenant, "resource": name, "hides": hides, "answer": words})
        reason = audit.source.problem(tenant, silent[0]) if silent else None
        examined.append({"tenant": tenant, "examined": len(answered) + len(refused), "reason": reason})
    return frames(rows, examined)


def required_scopes_requested(audit: Audit) -> Found:
    """The code asks for every scope that a declared resource needs.

    why: what is not asked for is never granted, and the data behind it stays invisible
    requirement: DS1.1
    severity: high
    scope: resource
    needs: code
    having: scope
    key: oauth_scope
    show: oauth_scope, hides
    explains: every_resource_is_covered
    remedy: add the scope to the code's list, and let each tenant grant it anew
    """
    items = scopes.requested(audit)
    names = scopes.requested_names(items)
    rows, examined = [], []
    for name, resource in audit.parameters.resources.items():
        wanted = scopes.needed(resource)
        missing, reason = scopes.lacking(audit, names, wanted)
        if items.unresolved and (missing or reason):
            missing, reason = [], f"not all of the list can be told: {items.unresolved[0]}"
        hidden = {scope: scopes.hides(audit, name, scope) for scope in missing}
        rows += [{"resource": name, "oauth_scope": scope, "hides": words} for scope, words in hidden.items()]
        examined.append({"resource": name, "examined": len(wanted), "reason": reason})
    return frames(rows, examined)


def required_scopes_granted(audit: Audit) -> Found:
    """Every tenant has granted every scope that a declared resource needs.

    why: the code may ask for as much as it likes; only what was granted opens the data
    requirement: DS1.1
    severity: critical
    scope: tenant, resource
    needs: source.scopes or record
    having: scope
    key: oauth_scope
    show: oauth_scope, hides, rows_here, told_by
    explains: credentials_accepted, stored_scopes_match_granted, refined_missing_at_source, every_resource_is_covered
    remedy: let the tenant grant the scope, then fetch the resource anew from its beginning
    """
    rows, examined = [], []
    for tenant in audit.parameters.tenant_names:
        granted = scopes.granted(audit, tenant)
        for name, resource in audit.parameters.resources.items():
            told = {"tenant": tenant, "resource": name}
            missing, doubt = scopes.lacking(audit, granted.scopes or [], scopes.needed(resource))
            for scope in missing if granted.scopes is not None else ():
                here = scopes.hidden_here(audit, name, scope)
                hidden = {"hides": scopes.hides(audit, name, scope), "rows_here": here and here[tenant]}
                rows.append({**told, "oauth_scope": scope, **hidden, "told_by": granted.told_by})
            reason = granted.reason or doubt
            examined.append({**told, "examined": len(scopes.needed(resource)), "reason": reason})
    return frames(rows, examined)


def stored_scopes_match_granted(audit: Audit) -> Found:
    """The stored integration record names exactly the scopes that the provider grants.

    why: code that decides by a stale record asks for what is refused, or leaves out what it could have
    requirement: DS1.1
    severity: low
    scope: tenant
    needs: source.scopes, record
    key: oauth_scope
    show: oauth_scope, difference
    remedy: read the granted scopes again and store them
    """
    rows, examined = [], []
    for tenant in audit.parameters.tenant_names:
        told, stored = scopes.told_by_provider(audit, tenant), scopes.told_by_record(audit).get(tenant)
        reason = "the provider does not tell which scopes were granted" if told is None else None
        if stored is None:
            reason = reason or "the record stores no scopes"
        there, here = set(told or []), set(stored or [])
        if reason is None:
            for scope in sorted(there ^ here):
                difference = "granted, not stored" if scope in there else "stored, not granted"
                rows.append({"tenant": tenant, "oauth_scope": scope, "difference": difference})
        examined.append({"tenant": tenant, "examined": len(there | here), "reason": reason})
    return frames(rows, examined)


def no_scope_in_excess(audit: Audit) -> Found:
    """No scope is asked for or granted that no declared resource needs.

    why: a token that leaks opens whatever it was granted; nobody misses what was never needed
    requirement: DS1.1
    severity: low
    needs: code or source.scopes or record
    having: scope
    key: oauth_scope
    show: oauth_scope, requested_at, granted_by
    remedy: take the scope out of the code's list, or declare the resource that needs it
    """
    needed = scopes.required(audit.parameters)
    places, unresolved = _requested_places(audit)
    granted = {tenant: scopes.granted(audit, tenant) for tenant in audit.parameters.tenant_names}
    reasons = unresolved + [one.reason for one in granted.values() if one.reason and _granted_is_told(audit)]
    given = sorted({*places, *(scope for one in granted.values() for scope in one.scopes or [])})
    rows = [
        {
            "oauth_scope": scope,
            "requested_at": places.get(scope),
            "granted_by": ", ".join(tenant for tenant, one in granted.items() if scope in (one.scopes or [])) or None,
        }
        for scope in given
        if scope not in needed
    ]
    return frames(rows, [{"examined": len(given), "reason": reasons[0] if reasons else None}])


def scopes_are_documented(audit: Audit) -> Found:
    """A comment beside each requested scope says what it is for.

    why: a scope that nobody can explain is one that nobody dares to take away
    requirement: DS1.1
    severity: low
    needs: code
    having: scope
    key: oauth_scope
    show: oauth_scope, requested_at
    remedy: write behind the scope, or above it, which data it opens
    """
    items = scopes.requested(audit)
    reason = f"not all of the list can be told: {items.unresolved[0]}" if items.unresolved else None
    rows = [
        {"oauth_scope": str(item.value), "requested_at": f"{item.file}:{item.line}"}
        for item in items.items
        if not item.comment
    ]
    return frames(rows, [{"examined": len(items.items), "reason": reason}])


def _requested_places(audit: Audit) -> tuple[dict[str, str], list[str]]:
    """Return where each scope is requested, and what of the list cannot be told; nothing where no code is given."""
    if audit.parameters.code is None:
        return {}, []
    items = scopes.requested(audit)
    places: dict[str, str] = {}
    for item in items.items:
        for name in scopes.names_in(item.value):
            places.setdefault(name, f"{item.file}:{item.line}")
    return places, [f"not all of the code's list can be told: {one}" for one in items.unresolved]


def _granted_is_told(audit: Audit) -> bool:
    source = audit.parameters.source
    return bool(audit.parameters.record or (source and source.scopes))
