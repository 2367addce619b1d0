"""How one record can differ between the sides: missing, extra, old or wrong; a row for each difference."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from dsaudit.database.relations import field_column
from dsaudit.reconcile.kinds import kind_of
from dsaudit.reconcile.sides import Key, Sides
from dsaudit.reconcile.values import agree, as_declared, same_json, typed
from dsaudit.source.reading import parse

Row = dict[str, Any]


def differences(both: Sides) -> dict[str, list[Row]]:
    """Return all differences of the records that `both` holds, by the name that `explained` has for them."""
    found: dict[str, list[Row]] = {}
    if both.raw is not None:
        found["missing in raw"] = [row for key in both.source if (row := not_received(both, key))]
    found["missing"] = [row for key in both.source if (row := not_refined(both, key))]
    found["extra"] = [surplus(both, key) for key in surplus_keys(both)]
    if both.raw is not None and both.resource.read:
        found["old in raw"] = _of_shared(both, both.received, payload_difference)
    found["field"] = _of_shared(both, both.live, field_difference)
    return {kind: rows for kind, rows in found.items() if rows}


def _of_shared(
    both: Sides, here: Callable[[Key], object], differing: Callable[[Sides, Key], Iterable[Row]]
) -> list[Row]:
    return [row for key in both.source if here(key) for row in differing(both, key)]


def not_received(both: Sides, key: Key) -> Row | None:
    """Return the row of a source's record that was not received, None where it was."""
    return None if both.received(key) else _row(both, key, changed_at=both.changed(key))


def not_refined(both: Sides, key: Key) -> Row | None:
    """Return the row of a source's record without a live refined row, None where it has one."""
    if both.live(key):
        return None
    state = "marked deleted" if key in both.refined else "no row"
    return _row(both, key, changed_at=both.changed(key), refined=state)


def surplus_keys(both: Sides) -> list[Key]:
    """Return the keys of live refined rows that the source does not have."""
    live = (key for key in both.refined if both.live(key) and key[0] not in both.problems)
    return [key for key in live if key not in both.source]


def surplus(both: Sides, key: Key) -> Row:
    """Return the row of one of `surplus_keys`."""
    return _row(both, key, refined_at=both.live(key)[0]["refined_at"])


def field_difference(both: Sides, key: Key) -> Iterator[Row]:
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


def payload_difference(both: Sides, key: Key) -> Iterator[Row]:
    """Yield one row where the newest version received is not the source's record, with the names that differ."""
    record, raw = both.source[key].record, both.received(key) or {}
    payload = parse(raw["payload"])  # as text and with exact numbers, like the source's record
    different = [name for name in sorted({*record, *payload}) if not same_json(record.get(name), payload.get(name))]
    if different:
        names = ", ".join(different)
        yield _row(both, key, fields=names, changed_at=both.changed(key), received_at=raw["received_at"])


def _row(both: Sides, key: Key, **facts: Any) -> Row:
    facts["in_flight"] = both.in_flight(key)
    return {"tenant": key[0], "resource": both.name, "source_id": key[1], **facts}
