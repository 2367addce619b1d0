"""Reads the query of a list or count: filters, page size and cursor."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from .catalogue import Collection

PAGE, LARGEST_PAGE = 50, 250
_INSTANTS = {
    "created_at_min": "created >= ?",
    "created_at_max": "created <= ?",
    "updated_at_min": "updated >= ?",
    "updated_at_max": "updated <= ?",
}
_LISTS = {
    "ids": ("", "id"),
    "inventory_item_ids": ("inventory_levels", "parent"),
    "location_ids": ("inventory_levels", "other"),
    "payout_id": ("balance_transactions", "parent"),
    "order_id": ("", "parent"),
}
_WITH_STATUS = ("orders", "products", "draft_orders", "payouts", "disputes")
_FILTERS = (*_INSTANTS, *_LISTS, "since_id", "status")


class Refused(Exception):
    """An answer that is not the one hoped for: its HTTP status and what is wrong."""

    def __init__(self, status: int, errors: object, headers: dict[str, str] | None = None) -> None:
        super().__init__(status, errors)
        self.status = status
        self.errors = errors
        self.headers = headers


@dataclass
class Query:
    """The condition that a listing or count puts on the records, as SQL and values."""

    clauses: list[str] = field(default_factory=list)
    values: list[object] = field(default_factory=list)

    def add(self, clause: str, *values: object) -> None:
        self.clauses.append(clause)
        self.values.extend(values)

    def join(self, other: "Query") -> None:
        self.clauses += other.clauses
        self.values += other.values

    @property
    def where(self) -> str:
        return " and ".join(self.clauses) or "true"


@dataclass(frozen=True)
class Cursor:
    """A place in a listing: the filters it has, the direction, and the last id seen."""

    filters: dict[str, str]
    forward: bool = True
    edge: int | None = None

    def text(self) -> str:
        content = json.dumps([self.filters, self.forward, self.edge], separators=(",", ":"))
        return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")


def read_cursor(parameters: Mapping[str, str]) -> Cursor:
    filters = {name: parameters[name] for name in _FILTERS if name in parameters}
    text = parameters.get("page_info")
    if text is None:
        return Cursor(filters)
    if filters:
        raise Refused(400, {"page_info": f"no filter can be sent with a page_info; sent: {', '.join(filters)}"})
    try:
        filters, forward, edge = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        return Cursor({str(name): str(value) for name, value in filters.items()}, bool(forward), int(edge))
    except (ValueError, TypeError, AttributeError) as error:
        raise Refused(400, {"page_info": "not a page of this listing"}) from error


def read_limit(parameters: Mapping[str, str]) -> int:
    limit = _whole("limit", parameters.get("limit", str(PAGE)))
    if limit < 1:
        raise Refused(400, {"limit": "must be at least 1"})
    return min(limit, LARGEST_PAGE)


def read_filters(name: str, collection: Collection, filters: Mapping[str, str]) -> Query:
    query = Query()
    for field_name, text in filters.items():
        if field_name in _INSTANTS:
            if collection.dated or field_name.startswith("created"):
                query.add(_INSTANTS[field_name], _seconds(field_name, text))
        elif field_name in _LISTS:
            _add_list(query, name, field_name, text)
        elif field_name == "since_id":
            query.add("id > ?", _whole(field_name, text))
    _add_status(query, name, filters.get("status"))
    return query


def _add_list(query: Query, name: str, field_name: str, text: str) -> None:
    only, column = _LISTS[field_name]
    if only in ("", name):
        numbers = [_whole(field_name, part) for part in text.split(",") if part]
        query.add(f"{column} in ({','.join('?' * len(numbers))})", *numbers)


def _add_status(query: Query, name: str, status: str | None) -> None:
    """Orders are listed while they are open unless the caller asks for others; elsewhere no status means all."""
    if name == "orders":
        status = status or "open"
    if status and status != "any" and name in _WITH_STATUS:
        wanted = status.split(",")
        query.add(f"status in ({','.join('?' * len(wanted))})", *wanted)


def _whole(name: str, text: str) -> int:
    # SQLite holds 64 bits; a longer number names nothing.
    if not (text.isascii() and text.isdigit() and int(text) < 2**63):
        raise Refused(400, {name: f"expected a whole number, not {text!r}"})
    return int(text)


def _seconds(name: str, text: str) -> int:
    return int(read_instant(name, text).timestamp())


def read_instant(name: str, text: str) -> datetime:
    # A plus sign that the caller did not encode arrives as a blank.
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
    except ValueError:
        raise Refused(400, {name: f"expected an ISO 8601 instant, not {text!r}"}) from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
