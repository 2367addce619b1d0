"""What several endpoints tell of one thing: how many records refer to another one, and which."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dsaudit.facts.served.looking import Part, Served
from dsaudit.facts.served.owners import table_of
from dsaudit.facts.served.rows import Row, key_in
from dsaudit.parameters.apis import named_by, relation_of
from dsaudit.parameters.ids import id_text, kind_of
from dsaudit.source.reading import value_at

if TYPE_CHECKING:
    from dsaudit.audit import Audit

Told = dict[str, Any]  # by who tells it: a number, ids in order, or what is neither
THE_LIST, BY_ID, TABLES = "the list", "by its id", "the tables"


def tellings(audit: Audit, served: Served, part: Part) -> Iterator[tuple[str, str, Told]]:
    """Yield each record with each field that counts or lists others, and what each way tells of it."""
    for field in (*part.endpoint.counts, *part.endpoint.ids):
        by_children = _by_children(audit, served, part, field)
        for key, row in part.rows.items():
            told: Told = {TABLES: row.related[field]}
            if records := part.records.get(key):
                told[THE_LIST] = _value(audit, part, field, records[0])
            if key in part.singles and (record := served.api.record_in(part.singles[key])):
                told[BY_ID] = _value(audit, part, field, record)
            for name, children, path in by_children:
                parent = key if path is None else row.fields[path]
                if parent is not None and (children_known := children.get(parent, ())) is not None:
                    ids = tuple(sorted(children_known))
                    told[f"the list {name}"] = ids if field in part.endpoint.ids else len(ids)
            yield key, field, told


def _value(audit: Audit, part: Part, field: str, record: Any) -> Any:
    value = value_at(record, field)
    if field in part.endpoint.counts:
        return value if isinstance(value, int) and not isinstance(value, bool) else f"no number: {value}"
    if not isinstance(value, list):
        return f"no list: {value}"
    parameters = audit.parameters.whole
    resource = part.endpoint.ids[field].partition(".")[0]
    table = audit.relations.table(parameters.resources[resource].table)
    kind = kind_of(table.columns.get(named_by(parameters, resource) or "", ""))
    return tuple(sorted(id_text(one, kind) for one in value))


Children = dict[str, list[str] | None]  # ids by that of their parent; None where its list was not read


def _by_children(audit: Audit, served: Served, part: Part, field: str) -> list[tuple[str, Children, str | None]]:
    """Return what the lists of the records that refer to these have: their name, the ids by parent, and the path at
    which a row has what these refer to, None where it is its id.
    """
    end = part.endpoint.ids.get(field) or part.endpoint.counts[field]
    resource, _, column = end.partition(".")
    relation = relation_of(audit.parameters.whole, end)
    assert relation is not None  # the file is refused otherwise
    referred = relation.parent.partition(".")[2]
    path = None if referred == part.endpoint.key_column else part.path_of(referred)
    if path is None and referred != part.endpoint.key_column:
        return []
    found = []
    for other in served.parts:
        is_named = field in part.endpoint.counts or other.endpoint.key_column == named_by(
            audit.parameters.whole, resource
        )
        if other.owner == part.owner and other.endpoint.resource == resource and not other.problem and is_named:
            children = _grouped(audit, part, other, column) if other.is_settled else None
            if children is not None:
                found.append((other.endpoint.name, children, path))
    return found


def _grouped(audit: Audit, part: Part, other: Part, column: str) -> Children | None:
    if other.endpoint.within == column:
        unread: Children = dict.fromkeys(set(part.rows) - set(other.under))
        return unread | dict(other.under)
    path = other.path_of(column)
    if path is None or other.endpoint.within:
        return None
    kind = kind_of(table_of(audit, other.endpoint).columns.get(column, ""))
    found: dict[str, list[str]] = {}
    for records in other.records.values():
        for record in records:
            if (value := value_at(record, path)) is not None:
                own = key_in(audit, other.endpoint, value_at(record, other.endpoint.key))
                found.setdefault(id_text(value, kind), []).append(own)
    return dict(found)


def words(told: Told) -> str:
    """Say what each tells, in numbers alone; of ids that are as many, that some are others."""
    parts = []
    for who, value in told.items():
        is_other = isinstance(value, tuple) and value != told[TABLES] and len(value) == len(told[TABLES])
        number = len(value) if isinstance(value, tuple) else value if isinstance(value, int) else "neither"
        parts.append(f"{who} {number}{', others' if is_other else ''}")
    return "; ".join(parts)


__all__ = ["Row", "Told", "tellings", "words"]
