"""How one record can differ between the sides: missing, extra, old or wrong; a row for each difference."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from dsaudit.database.expressions import field_column
from dsaudit.reconcile.kinds import kind_of
from dsaudit.reconcile.looks import Differences
from dsaudit.reconcile.sides import Key, Sides
from dsaudit.reconcile.values import agree, as_declared, same_json, typed
from dsaudit.source.reading import parse

Row = dict[str, Any]


def differences(both: Sides) -> dict[str, list[Row]]:
    """Return all differences of the records that `both` holds, by the name that `explained` has for them."""
    live = [key for key in both.refined if both.live(key) and key[0] not in both.problems]
    kinds: dict[str, tuple[Differences, Iterable[Key]]] = {
        "missing": (not_refined, both.source),
        "extra": (surplus, live),
        "field": (of_fields, [key for key in both.source if both.live(key)]),
    }
    if both.raw is not None:
        kinds["missing in raw"] = (not_received, both.source)
        if both.resource.read:
            kinds["old in raw"] = (of_payload, [key for key in both.source if both.received(key)])
    found = {kind: [row for key in keys for row in find(both, key)] for kind, (find, keys) in kinds.items()}
    return {kind: rows for kind, rows in found.items() if rows}


def not_received(both: Sides, key: Key) -> Iterator[Row]:
    """Yield a row for a source's record that was not received."""
    if not both.received(key):
        yield _row(both, key, changed_at=both.changed(key))


def not_refined(both: Sides, key: Key) -> Iterator[Row]:
    """Yield a row for a source's record without a live refined row."""
    if not both.live(key):
        state = "marked deleted" if key in both.refined else "no row"
        yield _row(both, key, changed_at=both.changed(key), refined=state)


def surplus(both: Sides, key: Key) -> Iterator[Row]:
    """Yield a row for a live refined row that the source does not have."""
    if key not in both.source:
        yield _row(both, key, refined_at=both.live(key)[0]["refined_at"])


def of_fields(both: Sides, key: Key) -> Iterator[Row]:
    """Yield a row for each field that differs; of several rows of one key, each is compared."""
    record = both.source[key].record
    for row in both.live(key):
        for column, field in both.resource.fields.items():
            if field.ignore:
                continue
            there = as_declared(record, field)
            here = typed(row[field_column(column)], field.as_)
            if not agree(there, here, field):
                values = {"field": column, "kind": kind_of(there, here), "at_source": there, "in_refined": here}
                yield _row(both, key, **values, changed_at=both.changed(key))


def of_payload(both: Sides, key: Key) -> Iterator[Row]:
    """Yield one row where the newest version received is not the source's record, with the names that differ."""
    record, raw = both.source[key].record, both.received(key) or {}
    payload = parse(raw["payload"] or "null")  # as text and with exact numbers, like the source's record
    if not isinstance(payload, dict):
        payload = {}  # null, or no object: nothing of the record was received
    different = [name for name in sorted({*record, *payload}) if not same_json(record.get(name), payload.get(name))]
    if different:
        names = ", ".join(different)
        yield _row(both, key, fields=names, changed_at=both.changed(key), received_at=raw["received_at"])


def _row(both: Sides, key: Key, **facts: Any) -> Row:
    facts |= {"in_flight": both.in_flight(key), "touched": both.touched(key)}
    return {"tenant": key[0], "resource": both.name, "source_id": key[1], **facts}
