"""Reads a provider's bulk export: JSON Lines in which what is nested in a record follows it in lines of its own.

Shopify's bulk operations write them so: each line's ``id`` is ``gid://shopify/LineItem/123``, which tells its type, and
``__parentId`` names the line that it belongs to, which stands before it (``groupObjects: true``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dsaudit.parameters import Resource
from dsaudit.source.reading import Record, SourceError, record_of

PARENT = "__parentId"
GID = re.compile(r"gid://[^/\s]+/([A-Za-z]+)/([^?\s]+)(?:\?\S*)?")
# As JSON holds it, where it is a whole text and its last part a number; a slash may be escaped.
IN_JSON = re.compile(r'"gid:(?:\\?/){2}[^"\\/\s]+\\?/[A-Za-z]+\\?/(0|[1-9][0-9]*)(?:\?[^"\\\s]*)?"')


@dataclass
class _Node:
    kind: str
    record: Record
    inside: dict[str, list[_Node]] = field(default_factory=dict)  # by type


@dataclass(frozen=True)
class Shape:
    """What the file declares of bulk exports: at which path of a type's record stand the lines of another type."""

    paths: Mapping[str, Mapping[str, str]]  # by type, then by the type of what is inside
    as_numbers: bool = True  # whether a gid is read as the number that it ends with

    @classmethod
    def of(cls, resources: Mapping[str, Resource], as_numbers: bool = True) -> Shape:
        """Return the shape that the resources declare by `bulk` and `nested`."""
        paths: dict[str, dict[str, str]] = {}
        for one in resources.values():
            above = resources[one.nested.in_].bulk if one.nested else None
            if one.bulk and one.nested and above:
                paths.setdefault(above, {})[one.bulk] = next(iter(one.nested.at.values()))
        return cls(paths, as_numbers)

    def records(self, lines: Iterable[Record], kind: str, where: str) -> Iterator[Record]:
        """Yield the records of one type with what is nested in them at its paths; `lines` are those of one file.

        Raises
        ------
        SourceError
            A line has no type, or belongs to one that does not stand before it.
        """
        family: dict[str, _Node] = {}
        for number, line in enumerate(lines, 1):
            gid, above = self._names(line, f"{where}: line {number}")
            if above is None:
                yield from self._of_kind(family, kind, where)
                family = {}
            elif above not in family:
                raise SourceError(
                    f"{where}: line {number} belongs to a record that does not stand before it: the export is not "
                    "whole, or was made without groupObjects"
                )
            node = _Node(self._kind(gid), line)
            if above is not None:
                family[above].inside.setdefault(node.kind, []).append(node)
            family[gid] = node
        yield from self._of_kind(family, kind, where)

    def _names(self, line: Record, where: str) -> tuple[str, str | None]:
        value = line.value if isinstance(line.value, dict) else {}
        gid, above = value.get("id"), value.get(PARENT)
        if not isinstance(gid, str) or not GID.fullmatch(gid):
            raise SourceError(f"{where} has no id that tells its type; ask for the id of everything in the bulk query")
        return gid, None if above is None else str(above)

    def _kind(self, gid: str) -> str:
        found = GID.fullmatch(gid)
        return found[1] if found else ""

    def _of_kind(self, family: Mapping[str, _Node], kind: str, where: str) -> Iterator[Record]:
        for node in family.values():
            if node.kind == kind:
                text = self._text(node, where)
                yield record_of(IN_JSON.sub(r"\1", text) if self.as_numbers else text, where)

    def _text(self, node: _Node, where: str) -> str:
        """Return a record's text with its lists of what is inside, each there even if it is empty."""
        text = node.record.text.rstrip()
        for kind, path in self.paths.get(node.kind, {}).items():
            if path in node.record.value:
                raise SourceError(f"{where}: a record has {path} already, where the lines of {kind} should go")
            inside = ",".join(self._text(one, where) for one in node.inside.get(kind, ()))
            text = f"{text[:-1].rstrip()},{json.dumps(path)}:[{inside}]}}"
        return text


@dataclass
class Counted:
    """Records, and how many of them have been taken."""

    records: Iterator[Record]
    lines: int = 0

    def __iter__(self) -> Iterator[Record]:
        for record in self.records:
            self.lines += 1
            yield record


def told(body: Any, where: str) -> int | None:
    """Return how many lines the answer that describes a bulk operation tells of, None where it is another answer.

    Raises
    ------
    SourceError
        The operation did not come to its end.
    """
    found = _described(body)
    if found is None:
        return None
    status = found.get("status")
    if status not in (None, "COMPLETED") or found.get("errorCode") or found.get("partialDataUrl"):
        raise SourceError(f"{where}: the bulk operation has not ended well, and what it wrote is a part")
    count = str(found["objectCount"])
    if not count.isdecimal():
        raise SourceError(f"{where}: objectCount is no number")
    return int(count)


def _described(body: Any) -> dict[str, Any] | None:
    """Return the object in an answer that has an ``objectCount``."""
    if isinstance(body, dict):
        if "objectCount" in body:
            return body
        return next((found for one in body.values() if (found := _described(one))), None)
    return None
