"""The three sets of OAuth scopes: required by the resources, requested by the code, granted by the provider."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dsaudit import codebase
from dsaudit.parameters import Parameters

if TYPE_CHECKING:
    from dsaudit.audit import Audit

STORED = "select tenant, scopes from {record} as r order by tenant"


@dataclass(frozen=True)
class Granted:
    """What one tenant granted, and who says so; ``scopes`` is None where nobody could be asked, for ``reason``."""

    scopes: list[str] | None
    told_by: str
    reason: str | None = None


def required(parameters: Parameters) -> dict[str, list[str]]:
    """Return every required scope with the resources that declare it, in the file's order."""
    found: dict[str, list[str]] = {}
    for name, resource in parameters.resources.items():
        for scope in resource.scope:
            found.setdefault(scope, []).append(name)
    return found


def hidden_without(parameters: Parameters, resource: str) -> list[str]:
    """Return the resources whose data nobody sees when `resource` cannot be read: itself, and what is nested in it."""
    found = [resource]
    for name, one in parameters.resources.items():
        if one.nested and one.nested.in_ in found and name not in found:
            found.append(name)
    return found


def includes(given: list[str], wanted: str) -> bool:
    """Return whether the scopes `given` hold the one wanted; ``write_orders`` lets read orders as well."""
    return wanted in given or (wanted.startswith("read_") and wanted.replace("read_", "write_", 1) in given)


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
    return Granted(None, "nobody", "neither the provider nor a stored record tells which scopes were granted")


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
