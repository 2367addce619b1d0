"""The three sets of OAuth scopes: required by the resources, requested by the code, granted by the provider."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dsaudit import codebase
from dsaudit.catalogue import Provider
from dsaudit.database import QueryError, RelationMissing
from dsaudit.database.expressions import field_column, quoted
from dsaudit.facts.provider import provider_of
from dsaudit.parameters import Parameters, Resource

if TYPE_CHECKING:
    from dsaudit.audit import Audit

HERE = "select tenant, count(*) as rows from {refined} as f where not deleted group by 1"
OLDER = """
select tenant, count(*) as rows from {refined} as f
where not deleted and (CREATED)::timestamptz < %(instant)s::timestamptz - make_interval(days => %(days)s) group by 1
"""
# What some providers' scopes include; of one that is not known nobody can say so.
COMMON = Provider(includes={"write_*": "read_*", "*:write": "*:read", "*.write": "*.read"})
STORED = "select tenant, scopes from {record} as r order by tenant"


@dataclass(frozen=True)
class Granted:
    """What one tenant granted, and who says so; ``scopes`` is None where nobody could be asked, for ``reason``."""

    scopes: list[str] | None
    told_by: str
    reason: str | None = None


def needed(resource: Resource) -> list[str]:
    """Return the scopes that a resource needs to be seen whole: those declared, and that for its older records."""
    aged = resource.known.aged
    return list(dict.fromkeys([*resource.scope, *([aged.scope] if aged and resource.scope else [])]))


def required(parameters: Parameters) -> dict[str, list[str]]:
    """Return every required scope with the resources that need it, in the file's order."""
    found: dict[str, list[str]] = {}
    for name, resource in parameters.resources.items():
        for scope in needed(resource):
            found.setdefault(scope, []).append(name)
    return found


def hidden_without(parameters: Parameters, resource: str) -> list[str]:
    """Return the resources whose data nobody sees when `resource` cannot be read: itself, and what is nested in it."""
    found = [resource]
    for name, one in parameters.resources.items():
        if one.nested and one.nested.in_ in found and name not in found:
            found.append(name)
    return found


def hides(audit: Audit, name: str, scope: str) -> str:
    """Return in words what nobody sees of a resource without one of its scopes: all of it, or a part."""
    aged = audit.parameters.resources[name].known.aged
    if aged and aged.scope == scope:
        return f"{name} older than {aged.days} days"
    part = provider_of(audit)[0].resource(name).hides.get(scope)
    return f"{name}: {part}" if part else ", ".join(hidden_without(audit.parameters, name))


def hidden_here(audit: Audit, name: str, scope: str) -> dict[str, int] | None:
    """Return of each tenant how many of our rows nobody can hold against the source without a scope; None if unknown.

    Of a resource whose older records alone are hidden, those rows that were created before.
    """
    key = f"hidden without {scope}: {name}"
    if key not in audit.kept:
        audit.kept[key] = _hidden_here(audit, name, scope)
    found: dict[str, int] | None = audit.kept[key]
    return found


def _hidden_here(audit: Audit, name: str, scope: str) -> dict[str, int] | None:
    resource = audit.parameters.resources[name]
    aged, column, query, days = resource.known.aged, created_column(resource), HERE, 0
    if scope in provider_of(audit)[0].resource(name).hides:
        return None  # no column tells which they are
    if aged and aged.scope == scope:
        if column is None:
            return None
        query, days = OLDER.replace("CREATED", f"f.{quoted(field_column(column))}"), aged.days
    try:
        frame = audit.query(query, {"resource": name}, days=days)
    except (QueryError, RelationMissing):
        return None
    counts = dict.fromkeys(audit.parameters.tenant_names, 0)
    return counts | {str(one["tenant"]): int(one["rows"]) for one in frame.to_dict("records")}


def created_column(resource: Resource) -> str | None:
    """Return the column that has the time of creation in the source, or None where no field is declared for it."""
    fields = resource.fields.items()
    return next((name for name, one in fields if one.as_ == "instant" and one.from_ == resource.known.created), None)


def lacking(audit: Audit, given: list[str], wanted: list[str]) -> tuple[list[str], str | None]:
    """Return which of the scopes `wanted` those `given` do not open, and why that is not known of others.

    Which scope includes another is the provider's rule. Where nobody tells it, one that could is in doubt.
    """
    provider, problem = provider_of(audit)
    missing = [scope for scope in wanted if provider.holds(given, scope) is None]
    if provider.key:
        return missing, None
    doubted = {scope: by for scope in missing if (by := COMMON.holds(given, scope))}
    words = [f"whether {by} includes {scope} is the provider's rule, and" for scope, by in doubted.items()]
    reason = f"{words[0]} {problem or 'the file names no provider'}" if words else None
    return [scope for scope in missing if scope not in doubted], reason


def requested(audit: Audit) -> codebase.Items:
    """Return the scopes that the integration's code asks for, each with its place and comment."""
    assert audit.parameters.code is not None
    return codebase.list_literal(audit.code, audit.parameters.code.scopes)


def requested_names(items: codebase.Items) -> list[str]:
    """Return the requested scopes; one text may hold several, as an authorization URL has them."""
    return list(dict.fromkeys(name for item in items.items for name in names_in(item.value)))


def granted(audit: Audit, tenant: str) -> Granted:
    """Return what a tenant granted: told by the provider, else by the stored integration record."""
    told = told_by_provider(audit, tenant)
    if told is not None:
        return Granted(told, "provider")
    stored = told_by_record(audit).get(tenant)
    if stored is not None:
        return Granted(stored, "record")
    untold = provider_of(audit)[0].untold
    reason = "neither the provider nor a stored record tells which scopes were granted"
    return Granted(None, "nobody", f"{reason}: {untold}" if untold else reason)


def told_by_provider(audit: Audit, tenant: str) -> list[str] | None:
    """Return the provider's own answer, or None where it is not asked or refuses."""
    source = audit.parameters.source
    return audit.source.scopes(tenant) if source and source.scopes else None


def told_by_record(audit: Audit) -> dict[str, list[str] | None]:
    """Return the stored scopes by tenant; None where the record holds none."""
    if audit.parameters.record is None:
        return {}
    if "stored scopes" not in audit.kept:
        frame = audit.query(STORED)
        stored = zip(frame["tenant"], frame["scopes"], strict=True)
        audit.kept["stored scopes"] = {tenant: None if given is None else names_in(given) for tenant, given in stored}
    found: dict[str, list[str] | None] = audit.kept["stored scopes"]
    return found


def names_in(value: Any) -> list[str]:
    """Return scopes that are kept as a list, or as one text with commas or blanks between them."""
    if isinstance(value, (list, tuple)):
        return [name for one in value for name in names_in(one)]
    return [name for name in re.split(r"[,\s]+", str(value)) if name]
