"""What an answer of the source says: its records, each with its own text, and never a number through a float."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from dsaudit.parameters import Resource
from dsaudit.parameters.ids import id_text
from dsaudit.parameters.keys import parts_of

Position = str | int  # where a list goes on: an address, a cursor, an offset or a page's number


class SourceError(Exception):
    """The source cannot be read; the message is one line and names the address without its query."""


class SourceRefused(SourceError):
    """The source answers, and does not accept the token, or what the token was granted."""


class SourceAbsent(SourceError):
    """The source answers that there is nothing at this address."""


class Record(NamedTuple):
    """One record: its text on one line, as the source wrote it, and its value with exact numbers."""

    text: str
    value: Any


@dataclass(frozen=True)
class Page:
    """A part of a list, where the list goes on (None at its end), and how many records it tells that it has.

    ``by_position`` is whether the number of records before it says where it begins, and nothing shows whether they
    moved: what is deleted among those lets one slide behind the page, unread.
    """

    records: list[Record]
    following: Position | None = None
    total: int | None = None
    by_position: bool = False


def parse(text: str) -> Any:
    """Parse JSON exactly: no number goes through a float, and NaN is none."""
    return json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a name that is given twice in one object: readers disagree which value counts."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError(NAMED_TWICE)
    return found


_DECODER = json.JSONDecoder(
    parse_float=Decimal, parse_constant=_refuse_constant, object_pairs_hook=_unambiguous, strict=True
)
NAMED_TWICE = "a name is given twice in one object"
_BLANK = re.compile(r"[ \t\n\r]*")
_BREAK = re.compile(r"[\n\r]+")


def strictly(text: str, where: str) -> Any:
    """Parse JSON exactly, and refuse what readers could take in two ways.

    Raises
    ------
    SourceError
        It is no JSON.
    """
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        problem = NAMED_TWICE if str(error) == NAMED_TWICE else "not with JSON"
        raise SourceError(f"{where}: answers 200, but {problem}") from None


def value_at(record: Any, path: str) -> Any:
    """Return the value at a dotted path, None where there is none.

    A name that has dots itself, such as ``@odata.nextLink``, is found as a whole.
    """
    if "." in path and isinstance(record, dict) and path in record:
        return record[path]
    for step in path.split(".") if path else []:
        record = record.get(step) if isinstance(record, dict) else None
    return record


def stands_at(record: Any, path: str) -> bool:
    """Return whether a record has a dotted path, or says null on the way to it."""
    if isinstance(record, dict) and path in record:
        return True
    for step in path.split("."):
        if record is None:
            return True
        if not isinstance(record, dict) or step not in record:
            return False
        record = record[step]
    return True


def record_of(text: str, where: str) -> Record:
    """Return the record that a whole text is.

    Raises
    ------
    SourceError
        It is no JSON.
    """
    try:
        return Record(one_line(text.strip()), _DECODER.decode(text))
    except (ValueError, RecursionError) as error:
        problem = f": {NAMED_TWICE}" if str(error) == NAMED_TWICE else " is no JSON"
        raise SourceError(f"{where}{problem}") from None


def one_line(text: str) -> str:
    """Return JSON on one line: a line break can stand between its tokens only."""
    return _BREAK.sub(" ", text) if "\n" in text or "\r" in text else text


def records_in(text: str, body: Any, path: str | None, where: str, absent: bool = False) -> list[Record]:
    """Return the records of one page: what the list at `path` holds, or the body's only list.

    `body` is `text` as parsed. Where `absent` is true, a list that is not there is an empty one.

    Raises
    ------
    SourceError
        There is no such list, or several that could be meant.
    """
    if path is None:
        steps = _only_list(body, where, absent)
    else:
        steps = path.split(".")
        if not isinstance(value_at(body, path), list):
            if absent and value_at(body, path) is None and isinstance(body, dict):
                return []
            raise SourceError(f"{where}: there is no list of records at {path} in the answer")
    return list(_items(text, steps)) if steps is not None else []


def _only_list(body: Any, where: str, absent: bool) -> list[str] | None:
    if isinstance(body, list):
        return []
    lists = [name for name, value in body.items() if isinstance(value, list)] if isinstance(body, dict) else []
    if absent and not lists and isinstance(body, dict):
        return None
    if len(lists) != 1:
        raise SourceError(f"{where}: expected one list of records in the answer, found {len(lists)}")
    return lists


def _items(text: str, steps: list[str]) -> Iterator[Record]:
    """Yield the items of the list at a path of names, in JSON that is known to be well-formed and to have it."""
    at = _skip(text, 0)
    for step in steps:
        at = _member(text, at, step)
    at = _skip(text, at + 1)
    while text[at] != "]":
        value, end = _DECODER.raw_decode(text, at)
        yield Record(one_line(text[at:end]), value)
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)


def _member(text: str, at: int, name: str) -> int:
    """Return where the value of a name begins in the object that begins at `at`."""
    at = _skip(text, at + 1)
    while True:
        key, at = _DECODER.raw_decode(text, at)
        at = _skip(text, _skip(text, at) + 1)  # behind the colon
        if key == name:
            return at
        _, at = _DECODER.raw_decode(text, at)
        at = _skip(text, _skip(text, at) + 1)  # behind the comma


def _skip(text: str, at: int) -> int:
    return _BLANK.match(text, at).end()  # type: ignore[union-attr]  # it matches nothing, too


def member_of(record: Record, name: str, where: str) -> Record:
    """Return what a record holds under a name, as a record of its own text.

    Raises
    ------
    SourceError
        It holds no object there.
    """
    if not (isinstance(record.value, dict) and isinstance(record.value.get(name), dict)):
        raise SourceError(f"{where}: an entry of the list has no {name}")
    start = _member(record.text, 0, name)
    value, end = _DECODER.raw_decode(record.text, start)
    return Record(record.text[start:end], value)


def the_record(record: Record, resource: Resource, source_id: str, where: str) -> Record:
    """Return the one record of an answer: all of it, or what it holds under its only name.

    Raises
    ------
    SourceError
        It holds no record of this id.
    """
    if _has_id(record.value, resource, source_id):
        return record
    if isinstance(record.value, dict) and len(record.value) == 1:
        inside = member_of(record, next(iter(record.value)), where)
        if _has_id(inside.value, resource, source_id):
            return inside
    raise SourceError(f"{where}: the answer does not hold the record that was asked for")


def _has_id(record: Any, resource: Resource, source_id: str) -> bool:
    parts = parts_of(resource, source_id) or []
    return [id_text(value_at(record, path), kind) for path, kind in resource.id_parts] == parts


def count_in(body: Any, where: str) -> int:
    """Return the only whole number of an answer: ``12``, ``{"count": 12}`` or ``{"data": {"orders": {"count": 12}}}``.

    Raises
    ------
    SourceError
        There is none, or there are several.
    """
    numbers = list(_numbers(body.get("data", body) if isinstance(body, dict) else body))
    if len(numbers) != 1 or numbers[0] < 0:
        raise SourceError(f"{where}: expected one number in the answer, found {len(numbers)}")
    return numbers[0]


def _numbers(body: Any) -> Iterator[int]:
    if isinstance(body, dict):
        for value in body.values():
            yield from _numbers(value)
    elif isinstance(body, int) and not isinstance(body, bool):
        yield body
