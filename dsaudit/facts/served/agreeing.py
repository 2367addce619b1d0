"""What several endpoints tell of one thing: how many records refer to another one, and which."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dsaudit.facts.served.looking import Part, Served
from dsaudit.facts.served.owners import table_of
from dsaudit.facts.served.rows import key_in
from dsaudit.parameters.apis import named_by, relation_of
from dsaudit.parameters.ids import id_text, kind_of
from dsaudit.source.reading import value_at

if TYPE_CHECKING:
    from dsaudit.audit import Audit

Told = dict[str, Any]  # by who tells it: a number, ids in order, or in words that it is neither
TABLES, THE_LIST, BY_ID = "the tables", "the list", "by its id"


@dataclass(frozen=True)
class _Children:
    """What the list of the records that refer to others has: their ids, by what they refer to.

    `path` is where a row has what is referred to, None where it is its id. A list for each parent may not have been
    read of all of them; of any other, a parent that is not in it has no record.
    """

    name: str
    path: str | None
    ids: Mapping[str, list[str]]
    is_of_all: bool

    def of(self, parent: str | None) -> tuple[str, ...] | None:
        """Return the ids of those that refer to a parent, None where nobody knows."""
        if parent is None or not (self.is_of_all or parent in self.ids):
            return None
        return tuple(sorted(self.ids.get(parent, ())))


def tellings(audit: Audit, served: Served, part: Part) -> Iterator[tuple[str, str, Told]]:
    """Yield each record with each field that counts or lists others, and what each way tells of it."""
    for field in (*part.endpoint.counts, *part.endpoint.ids):
        lists = list(_lists(audit, served, part, field))
        for key, row in part.rows.items():
            told: Told = {TABLES: row.related[field]}
            if records := part.records.get(key):
                told[THE_LIST] = _value(audit, part, field, records[0])
            if key in part.singles and (record := served.api.record_in(part.singles[key])):
                told[BY_ID] = _value(audit, part, field, record)
            for one in lists:
                ids = one.of(key if one.path is None else row.fields[one.path])
                if ids is not None:
                    told[f"the list {one.name}"] = ids if field in part.endpoint.ids else len(ids)
            yield key, field, told


def words(told: Told) -> str:
    """Say what each tells, in numbers alone; of ids that are as many, that some are others."""
    parts = []
    for who, value in told.items():
        is_other = isinstance(value, tuple) and value != told[TABLES] and len(value) == len(told[TABLES])
        number = len(value) if isinstance(value, tuple) else value
        parts.append(f"{who} {number}{', others' if is_other else ''}")
    return "; ".join(parts)


def _value(audit: Audit, part: Part, field: str, record: Any) -> Any:
    value = value_at(record, field)
    if field in part.endpoint.counts:
        return value if isinstance(value, int) and not isinstance(value, bool) else "no number"
    if not isinstance(value, list):
        return "no list"
    parameters = audit.parameters.whole
    resource = part.endpoint.ids[field].partition(".")[0]
    table = audit.relations.table(parameters.resources[resource].table)
    kind = kind_of(table.columns.get(named_by(parameters, resource) or "", ""))
    return tuple(sorted(id_text(one, kind) for one in value))


def _lists(audit: Audit, served: Served, part: Part, field: str) -> Iterator[_Children]:
    """Yield the lists, read whole, that have the records which a field of this endpoint counts or lists."""
    parameters = audit.parameters.whole
    end = part.endpoint.ids.get(field) or part.endpoint.counts[field]
    resource, _, column = end.partition(".")
    relation = relation_of(parameters, end)
    assert relation is not None  # the file is refused otherwise
    referred = relation.parent.partition(".")[2]
    path = None if referred == part.endpoint.key_column else part.path_of(referred)
    if path is None and referred != part.endpoint.key_column:
        return
    for other in served.parts:
        endpoint = other.endpoint
        is_it = other.owner == part.owner and endpoint.resource == resource
        is_named = field in part.endpoint.counts or endpoint.key_column == named_by(parameters, resource)
        if not (is_it and is_named and other.is_settled) or other.problem:
            continue
        if endpoint.within == column:
            yield _Children(endpoint.name, path, other.under, is_of_all=False)
        elif not endpoint.within and (at := other.path_of(column)):
            yield _Children(endpoint.name, path, _grouped(audit, other, column, at), is_of_all=True)


def _grouped(audit: Audit, other: Part, column: str, path: str) -> dict[str, list[str]]:
    """Return the ids of the records of a list by what they refer to."""
    kind = kind_of(table_of(audit, other.endpoint).columns.get(column, ""))
    found: dict[str, list[str]] = {}
    for records in other.records.values():
        for record in records:
            if (value := value_at(record, path)) is not None:
                own = key_in(audit, other.endpoint, value_at(record, other.endpoint.key))
                found.setdefault(id_text(value, kind), []).append(own)
    return found
