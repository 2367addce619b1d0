"""Finds the record that is asked for: in which own list it stands, who has it, and what else could be meant."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from dsaudit.database import QueryError, RelationMissing
from dsaudit.database.expressions import field_column
from dsaudit.parameters import Parameters
from dsaudit.parameters.keys import parts_of
from dsaudit.reconcile.asking import asked
from dsaudit.wording import did_you_mean

if TYPE_CHECKING:
    from dsaudit.audit import Audit


class StoryError(Exception):
    """There is no such resource or tenant; the message names what could be meant."""


def known(what: str, given: str, names: Collection[str]) -> str:
    """Return a name as it is, if it is one of `names`.

    Raises
    ------
    StoryError
        It is none.
    """
    if given in names:
        return given
    hint = did_you_mean(given, names, f"there are {', '.join(names)}")
    raise StoryError(f"there is no {what} {given!r}; {hint}")


def tops(audit: Audit, name: str, source_id: str, tenants: Iterable[str]) -> dict[str, str]:
    """Return for each tenant the id of the own list's record that one stands in, as far as it is known beforehand.

    Of a record that is not nested that is itself. A nested one tells it by its id, or by its refined row.
    """
    nested = audit.parameters.resources[name].nested
    if nested is None:
        return dict.fromkeys(tenants, source_id)
    told = _told_by_id(audit.parameters, name, nested.in_, source_id)
    parents = dict.fromkeys(tenants, told) if told else _told_by_row(audit, name, nested.in_, source_id)
    found: dict[str, str] = {}
    for tenant in tenants:
        if tenant in parents:
            found |= tops(audit, nested.in_, parents[tenant], [tenant])
    return found


def _told_by_id(parameters: Parameters, name: str, parent: str, source_id: str) -> str | None:
    """Return the parent's id where the child's is made of it: ``1001`` of ``1001:2``."""
    resource, parts = parameters.resources[name], parts_of(parameters.resources[name], source_id)
    wanted = parameters.resources[parent].id_from
    held = dict(zip(resource.id_from, parts or [], strict=False))
    if len(wanted) != 1 or f"../{wanted[0]}" not in held:
        return None
    return held[f"../{wanted[0]}"]


def _told_by_row(audit: Audit, name: str, parent: str, source_id: str) -> dict[str, str]:
    relations = (one for one in audit.parameters.relations if one.child.startswith(f"{name}."))
    relation = next((one for one in relations if one.parent.startswith(f"{parent}.")), None)
    if relation is None:
        return {}
    lines = _lines(audit, "timeline/parents", {"relation": relation.name}, of_id=source_id)
    return {one["tenant"]: one["parent_id"] for one in lines}


def near(audit: Audit, name: str, source_id: str, tenants: Collection[str]) -> list[str]:
    """Return in words what could be meant by an id that none of `tenants` has: at most five, as far as it is cheap."""
    return [*_namesakes(audit, name, source_id, tenants), *_by_other_columns(audit, name, source_id)][:5]


def _namesakes(audit: Audit, name: str, source_id: str, tenants: Collection[str]) -> list[str]:
    lines = _lines(audit, "timeline/namesakes", {}, of_id=source_id) if audit.parameters.raw else []
    others = [one for one in lines if one["resource"] != name or one["tenant"] not in tenants]
    return [f"{one['tenant']}'s {one['resource']} {id_shown(audit, source_id)}" for one in others]


def _by_other_columns(audit: Audit, name: str, source_id: str) -> list[str]:
    """Return the records that people call so: the order whose number or name it is, the children of a parent."""
    resource = audit.parameters.resources[name]
    fields = [field_column(column) for column, field in resource.fields.items() if field.as_ in ("integer", "text")]
    separator = resource.joined if len(resource.key) > 1 else None
    lines = _lines(audit, "timeline/near", {"resource": name}, of_id=source_id, fields=fields, separator=separator)
    found: dict[tuple[str, str], list[str]] = {}
    for one in lines:
        found.setdefault((one["tenant"], one["source_id"]), []).append(one["field"].removeprefix("field_"))
    return [
        f"{whose}'s {name} {id_shown(audit, its)}"
        + ("" if fields == ["source_id"] else f", which has it as {' and '.join(fields)}")
        for (whose, its), fields in found.items()
    ]


def id_shown(audit: Audit, source_id: object) -> str:
    """Return an id as it may stand in a sentence: numbers as they are, also joined ones."""
    if re.fullmatch(r"\d{1,20}([^\w\s]\d{1,20})*", str(source_id), re.ASCII):
        return str(source_id)
    cell = audit.cell(source_id, key=True)
    return f"({cell['masked']})" if isinstance(cell, dict) else str(cell)


def _lines(audit: Audit, query: str, item: dict[str, str], **values: Any) -> list[dict[str, Any]]:
    try:
        frame = asked(audit, query, item=item, **values)
    except (QueryError, RelationMissing):
        return []
    return [{str(name): value for name, value in line.items()} for line in frame.to_dict("records")]
