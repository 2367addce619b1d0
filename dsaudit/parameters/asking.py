"""Sees whether what a resource declares of asking for less than its whole list can be done at its source."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dsaudit.parameters.models import Resource
    from dsaudit.parameters.source import Source


def why_unaskable(resource: Resource, source: Source) -> str | None:
    """Return the key that cannot be followed and why, or None."""
    is_graphql = source.kind == "rest" and source.paging.style == "graphql"
    for key, given, sign in (("one", resource.one, "{id}"), ("ids", resource.ids, "{ids}")):
        if given and (source.kind != "rest" or is_graphql):
            return f"{key}: only a REST API is asked for single records"
        if given and sign not in given:
            return f"{key}: the path has to hold {sign}"
        if given and len(resource.id_from) > 1:
            return f"{key}: a record that has several ids cannot be asked for by one"
    if resource.bulk and source.kind != "files":
        return "bulk: only a file can be a bulk export"
    if resource.bulk and resource.nested and len(resource.nested.at) > 1:
        return "bulk: lines of one type go to one path"
    return _why_not_since(resource, source, is_graphql) if resource.since and resource.read else None


def _why_not_since(resource: Resource, source: Source, is_graphql: bool) -> str | None:
    given = resource.since or ""
    name, equals, form = given.partition("=")
    if source.kind == "files":
        return "since: a file is read whole, and filtered by updated"
    if source.kind == "sql":
        return None if re.search(r"(?<![:\\\w]):since\b", given) else "since: a select that binds :since is needed"
    if equals and not ("{since}" in form or "{epoch}" in form):
        return "since: the value has to hold {since} or {epoch}"
    if is_graphql and not re.search(rf"\${re.escape(name)}\b", resource.query or ""):
        return f"since: the query does not use the variable ${name}"
    return None
