"""A source id as text, taken apart again: what of it stands for which column of a composite key."""

from __future__ import annotations

import json

from dsaudit.parameters.resource import Resource


def named_parts(resource: Resource, source_id: str) -> dict[str, str] | None:
    """Return the parts of a source id by the names under which `one` asks for them; None where it has other parts."""
    parts = parts_of(resource, source_id)
    names = ["id"] if len(resource.id_from) == 1 else resource.id_from
    return None if parts is None else dict(zip(names, parts, strict=True))


def parts_of(resource: Resource, source_id: str) -> list[str] | None:
    """Return the parts of a source id, in the order of ``id_from`` and of ``key``; None where it has other parts.

    One separator more than there should be, since it stands in a value too, cannot be told apart.
    """
    count = len(resource.id_from)
    if count == 1:
        return [source_id]
    if resource.joined is not None:
        parts = source_id.split(resource.joined) if resource.joined else []
    else:
        try:
            parts = json.loads(source_id)
        except ValueError:
            return None
    is_key = isinstance(parts, list) and len(parts) == count and all(isinstance(part, str) for part in parts)
    return parts if is_key else None
