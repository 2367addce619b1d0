"""Sees whether a resource can be read, whole or in part, in the way that it declares."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dsaudit.parameters.graphql import why_refused

if TYPE_CHECKING:
    from dsaudit.parameters.resource import Resource
    from dsaudit.parameters.source import Source


def why_unreadable(resource: Resource, source: Source, tenants: int) -> str | None:
    """Return why a resource cannot be read from such a source as it declares, as key and reason, or None."""
    is_graphql = source.kind == "rest" and source.paging.style == "graphql"
    if resource.query and not is_graphql:
        return "query: only graphql paging posts a query"
    if not resource.read and resource.query:
        return "query: without read there is no address to post it to"
    problem = _why_no_list(resource, source, tenants, is_graphql) if resource.read else None
    return problem or _why_unaskable(resource, source, is_graphql)


def _why_no_list(resource: Resource, source: Source, tenants: int, is_graphql: bool) -> str | None:
    if is_graphql:
        if not (resource.query and (resource.records or source.paging.records)):
            return "read: graphql paging needs the resource's query, and the path of its connection as records"
        names = (source.paging.size_parameter, source.paging.parameter)
        if problem := why_refused(resource.query, tuple(filter(None, names))):
            return f"query: the document {problem}"
        # A count is the path of an answer, or a document too.
        problem = why_refused(resource.count) if resource.count and "{" in resource.count else None
        return f"count: the document {problem}" if problem else None
    read = resource.read or ""
    if source.kind == "sql" and tenants > 1 and not re.search(r"(?<![:\\\w]):(account|tenant)\b", read):
        return "read: several tenants need a select that binds :account or :tenant; each would be given all rows"
    return None


def _why_unaskable(resource: Resource, source: Source, is_graphql: bool) -> str | None:
    """Return the key that asks for less than the list and cannot be followed, and why, or None."""
    if resource.one and (problem := _why_not_one(resource, source, is_graphql)):
        return f"one: {problem}"
    if resource.ids and (source.kind != "rest" or is_graphql):
        return "ids: only a REST API is asked for single records"
    if resource.ids and "{ids}" not in resource.ids:
        return "ids: the path has to hold {ids}"
    if resource.ids and len(resource.id_from) > 1:
        return "ids: a record that has several ids cannot be asked for by one"
    if resource.bulk and source.kind != "files":
        return "bulk: only a file can be a bulk export"
    if resource.bulk and resource.nested and len(resource.nested.at) > 1:
        return "bulk: lines of one type go to one path"
    return _why_not_since(resource, source, is_graphql) if resource.since and resource.read else None


def _why_not_one(resource: Resource, source: Source, is_graphql: bool) -> str | None:
    if not resource.read or source.kind == "files" or is_graphql:
        return "a record alone is asked of a REST API or a SQL database, for a resource that has a list (read)"
    pattern = r"(?<![:\\\w]):(\w+)" if source.kind == "sql" else r"\{(.*?)\}"
    bound = set(re.findall(pattern, resource.one or ""))
    wanted = {"id"} if len(resource.id_from) == 1 else set(resource.id_from)
    for name in sorted(wanted - bound):
        return f"has no {f':{name}' if source.kind == 'sql' else f'{{{name}}}'}, where the id is to stand"
    return None


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
