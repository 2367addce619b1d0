"""What the system's own API serves, held against the tables and against itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from dsaudit.facts.served import Heard, Part, Served, served
from dsaudit.facts.served.agreeing import TABLES, tellings, words
from dsaudit.facts.served.rows import Kind, agrees, difference, key_in, kinds_of, plain
from dsaudit.functions import Found, Row, frames
from dsaudit.source.reading import stands_at, value_at
from dsaudit.verdict.card import plural

if TYPE_CHECKING:
    from dsaudit.audit import Audit

Judged = tuple[list[Row], int]  # what is wrong in a part, and how much was looked at


def api_serves_the_rows(audit: Audit) -> Found:
    """The API serves every row of a tenant once, in its list, by its filters and by its id, and nothing else.

    why: what the list leaves out does not exist for whoever uses the system, and what it has besides is somebody else's
      or nobody's
    requirement: DI5
    severity: high
    scope: tenant, resource
    having: served
    needs: apis
    instant: now
    whole: a list is read whole, and not a part of it
    key: source_id, problem, endpoint
    show: problem, endpoint
    explains: endpoints_agree
    remedy: look for a condition of the endpoint that the table does not have, and for an order of pages that is not
      the same for each page
    """
    one = served(audit)
    return _by_resource(audit, one, lambda part: (list(_unserved(audit, one, part)), len(part.rows)), _unsettled)


def api_values_equal_tables(audit: Audit) -> Found:
    """Each declared field of a served record has the value of its column.

    why: who works with the API decides by what it says, and a value that was rounded, renamed or kept too long on the
      way is as wrong as one in the table
    requirement: DI5
    severity: high
    scope: tenant, resource
    having: served
    needs: apis
    instant: now
    whole: a list is read whole, and not a part of it
    key: source_id, field, endpoint, way
    show: field, endpoint, way, difference
    remedy: serve the column as it is, or declare the field for the column that it is made of
    """
    one = served(audit)
    kinds = {part.endpoint.name: kinds_of(audit, part.endpoint) for part in one.parts}

    def different(part: Part) -> Judged:
        compared = list(_compared(one, part)) if part.endpoint.fields else []
        rows = [row for told in compared for row in _differences(part, kinds[part.endpoint.name], *told)]
        return rows, len(compared)

    return _by_resource(audit, one, different, _ungiven)


def endpoints_agree(audit: Audit) -> Found:
    """Which records belong to another, and how many, every endpoint tells as the tables do.

    why: two pages of one system that count otherwise are the first thing that its users see of a fault behind it
    requirement: DI5
    severity: high
    scope: tenant
    needs: apis
    instant: now
    key: source_id, field, endpoint
    show: field, endpoint, told
    remedy: count in one place, by one query, and let each endpoint take it from there
    """
    one = served(audit)
    rows: list[Row] = []
    examined: dict[str, Row] = {name: {"tenant": name, "examined": 0} for name in audit.parameters.tenant_names}
    for part in _in_part(audit, one):
        line = examined[part.owner.tenant]
        if part.problem:
            line["reason"] = part.problem
            continue
        for key, field, told in tellings(audit, one, part):
            line["examined"] += len(told) > 1
            if any(value != told[TABLES] for value in told.values()):
                place = {"tenant": part.owner.tenant, "source_id": key, "endpoint": part.endpoint.name}
                rows.append({**place, "field": field, "told": words(told)})
    if not any(part.endpoint.counts or part.endpoint.ids for part in one.parts):
        for line in examined.values():
            line.setdefault("reason", "no endpoint of the file declares counts or ids")
    return _with_limits(frames(rows, examined.values()), one)


def _unserved(audit: Audit, one: Served, part: Part) -> Iterator[Row]:
    """Yield the rows that the endpoint does not give as it has to, and what it gives besides."""
    if part.is_settled:
        yield from ({"source_id": key, "problem": "not in the list"} for key in part.rows if key not in part.records)
    for key, records in part.records.items():
        if key not in part.rows and key not in part.moved and (part.some is None or key in part.some):
            yield {"source_id": key, "problem": "in the list, and no row of its owner"}
        elif len(records) > 1:
            yield {"source_id": key, "problem": f"{len(records)} times in the list"}
    for parent, keys in {} if part.parents is None else part.under.items():
        strays = {key for key in keys if key in part.rows and part.rows[key].parent != parent}
        yield from ({"source_id": key, "problem": "in the list of another parent"} for key in sorted(strays))
    if part.unnamed:
        yield {"source_id": None, "problem": f"{plural(part.unnamed, 'record')} without an id"}
    for told, held in [] if part.moved else part.totals:
        yield {"source_id": None, "problem": f"the list tells {plural(told, 'record')} and holds {held}"}
    for (name, value), keys in {} if part.moved else part.filtered.items():
        path = part.path_of(part.endpoint.filters[name])
        wanted = Counter(key for key, row in part.rows.items() if path and row.fields[path] == value)
        given = Counter(keys)
        for key in (wanted - given) | (given - wanted):
            problem = "not given by" if key in wanted and not given[key] else "wrongly given by"
            yield {"source_id": key, "problem": f"{problem} the filter {name}"}
    for key, heard in part.singles.items():
        if key in part.rows and (why := _not_given(audit, one, part, key, heard)):
            yield {"source_id": key, "problem": why}


def _not_given(audit: Audit, one: Served, part: Part, key: str, heard: Heard) -> str | None:
    record = one.api.record_in(heard)
    if record is None:
        return f"not given by its id, which is answered {heard.status}"
    is_it = key_in(audit, part.endpoint, value_at(record, part.endpoint.key)) == key
    return None if is_it else "another record is given by its id"


def _unsettled(part: Part) -> str | None:
    """Return why nobody knows whether the list has all rows, or None."""
    if part.moved and set(part.rows) - set(part.records):
        return f"{part.endpoint.name}: rows changed during each look at it, so that its pages may have moved"
    return None


def _ungiven(part: Part) -> str | None:
    """Return why there is nothing to compare, or None."""
    if part.rows and not part.records and not part.singles:
        return f"{part.endpoint.name}: none of {plural(len(part.rows), 'row')} was given"
    return None


def _compared(one: Served, part: Part) -> Iterator[tuple[str, str, Any]]:
    """Yield each record that was given of a known row: its id, by which way, and what it holds."""
    for key in part.rows:
        yield from ((key, "list", record) for record in part.records.get(key, ())[:1])
        if key in part.singles and (record := one.api.record_in(part.singles[key])):
            yield key, "id", record


def _differences(part: Part, kinds: dict[str, Kind], key: str, way: str, record: Any) -> Iterator[Row]:
    for path, kind in kinds.items():
        column, value = part.rows[key].fields[path], value_at(record, path)
        is_there = stands_at(record, path)
        if not is_there or not agrees(value, column, kind):
            told = difference(value, column, kind) if is_there else "not in the answer"
            values = {"in_the_answer": plain(value, kind), "in_the_table": plain(column, kind)}
            yield {"source_id": key, "field": path, "way": way, "difference": told, **values}


def _in_part(audit: Audit, one: Served) -> Iterable[Part]:
    """Return what was served of the tenants and resources that the audit speaks of."""
    return (
        part
        for part in one.parts
        if part.owner.tenant in audit.parameters.tenant_names and part.endpoint.resource in audit.parameters.resources
    )


def _by_resource(
    audit: Audit,
    one: Served,
    judged: Callable[[Part], Judged],
    undecided: Callable[[Part], str | None] = lambda part: None,
) -> Found:
    """Return what is wrong with each part, and how much was looked at of each tenant and resource."""
    rows: list[Row] = []
    examined: dict[tuple[str, str], Row] = {}
    for part in _in_part(audit, one):
        scope = {"tenant": part.owner.tenant, "resource": part.endpoint.resource}
        line = examined.setdefault((part.owner.tenant, part.endpoint.resource), {**scope, "examined": 0})
        if part.problem:
            line["reason"] = part.problem
            continue
        found, count = judged(part)
        rows += [{**scope, "endpoint": part.endpoint.name, **row} for row in found]
        line["examined"] += count
        if reason := undecided(part):
            line["reason"] = reason
    return _with_limits(frames(rows, examined.values()), one)


def _with_limits(found: Found, one: Served) -> Found:
    found[1].attrs["limits"] = list(one.limits)
    return found
