"""What changed between two states of a record, path by path."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from dsaudit.parameters import Parameters
from dsaudit.parameters.fields import FieldType
from dsaudit.reconcile.values import Unreadable, same_json, typed

A_NAME = re.compile(r"[A-Za-z_]\w{0,62}", re.ASCII)


class Change(NamedTuple):
    """One value that differs: where it stands, and what it was before and after."""

    path: str
    before: Any
    after: Any


def changes(before: Any, after: Any, path: str = "") -> Iterator[Change]:
    """Yield what differs, down to single values.

    The items of a list are told apart by their ids where all have one, else by their places. A whole object or list
    that came or went is one change.
    """
    if same_json(before, after):
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for name in [*before, *(one for one in after if one not in before)]:
            yield from changes(before.get(name), after.get(name), f"{path}.{_named(name)}" if path else _named(name))
    elif isinstance(before, list) and isinstance(after, list):
        yield from _of_lists(before, after, path)
    else:
        yield Change(path or "(the record)", before, after)


def declared_types(parameters: Parameters, resource: str) -> dict[str, FieldType]:
    """Return the declared type of what stands at a path of a record, of what is nested in it too, lists left out."""
    found = {field.from_: field.as_ for field in parameters.resources[resource].fields.values() if not field.epoch}
    for name, one in parameters.resources.items():
        if one.nested and one.nested.in_ == resource:
            inside = declared_types(parameters, name)
            found |= {f"{at}.{path}": kind for at in one.nested.at.values() for path, kind in inside.items()}
    return found


def typed_change(change: Change, types: Mapping[str, FieldType]) -> Change:
    """Return a change with its values as their declared type: a number or an instant may be shown, a text may not."""
    kind = types.get(re.sub(r"\[[^]]*\]", "", change.path), "text")
    if kind == "text":
        return change
    before, after = (typed(value, kind) for value in (change.before, change.after))
    return (
        change
        if isinstance(before, Unreadable) or isinstance(after, Unreadable)
        else Change(change.path, before, after)
    )


def _of_lists(before: list[Any], after: list[Any], path: str) -> Iterator[Change]:
    old, new = _by_id(before), _by_id(after)
    if old is None or new is None:
        old, new = dict(enumerate(before, 1)), dict(enumerate(after, 1))
    if list(old) != list(new) and set(old) == set(new):
        yield Change(f"{path} (order)", ", ".join(map(str, old)), ", ".join(map(str, new)))
    for name in [*old, *(one for one in new if one not in old)]:
        yield from changes(old.get(name), new.get(name), f"{path}[{name}]")


def _by_id(items: list[Any]) -> dict[Any, Any] | None:
    """Return a list's items by their ids, None unless each has one of its own: a number, so that it may be shown."""
    found = {one.get("id"): one for one in items if isinstance(one, dict) and type(one.get("id")) is int}
    return found if len(found) == len(items) else None


def _named(name: str) -> str:
    """Return an object's name as it may be shown: one that is no plain name could be data."""
    return name if A_NAME.fullmatch(name) else "…"
