"""How a list goes on, by style: which request asks for a page, and what in its answer names the next one.

Pure functions of the declared paging, without network and without state: `rest` drives them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from dsaudit.parameters import Resource
from dsaudit.parameters.delivery_log import DeliveryLog
from dsaudit.parameters.source import Paging
from dsaudit.source.reading import Page, Position, Record, SourceError, member_of, records_in, stands_at, value_at

# Whether a bound is inside or outside, and to what it is rounded, is the provider's affair: we ask for a little more.
MARGIN = timedelta(seconds=1)
# What a link calls a number of pages or records to leave out.
POSITIONS = {
    "page", "page[number]", "page_number", "pagenumber", "offset", "page[offset]", "skip", "$skip", "start", "startat",
    "startindex", "from",
}  # fmt: skip


@dataclass(frozen=True)
class Listing:
    """One list of the source: its path, what is posted there, where its records stand, what names them."""

    path: str
    query: str | None = None
    records: str | None = None
    id_from: tuple[str, ...] = ("id",)
    variables: dict[str, Any] = field(default_factory=dict)  # of the query, beside those of paging
    since: datetime | None = None  # what a select may bind
    bulk: str | None = None  # the type of its lines in a bulk export
    count: str | None = None  # the file that tells how many lines that has
    proven: bool = False  # whether something else than its pages tells that it was read whole

    @classmethod
    def of(cls, resource: Resource) -> Listing:
        """Return the own list of a resource."""
        own = tuple(path for path in resource.id_from if path not in ("#", "@"))
        counted = resource.count if resource.bulk else None
        bulk, proven = resource.bulk, bool(resource.count)
        return cls(resource.read or "", resource.query, resource.records, own, bulk=bulk, count=counted, proven=proven)

    @classmethod
    def of_changes(cls, resource: Resource, since: datetime, kind: str) -> Listing:
        """Return the list of what changed since then, as the resource's `since` declares it for a `kind` of source."""
        whole, since = replace(cls.of(resource), proven=False), since - MARGIN
        declared = resource.since or ""
        if kind == "sql":
            return replace(whole, path=declared, since=since)
        asked = _asked_since(declared, since)
        return replace(whole, variables=asked) if whole.query else replace(whole, path=_with(whole.path, asked))

    @classmethod
    def of_log(cls, log: DeliveryLog, since: datetime) -> Listing:
        """Return the provider's log of deliveries: what it sent since then, where it can be asked for no more."""
        path = _with(log.path, _asked_since(log.since, since - MARGIN)) if log.since else log.path
        return cls(path, records=log.records)

    def name_of(self, record: Record) -> tuple[Any, ...]:
        """Return what tells a record from the others of its list."""
        return tuple(value_at(record.value, path) for path in self.id_from)


@dataclass(frozen=True)
class Answer:
    """One answer: its text, the same parsed, and the next page's address where a header names one."""

    text: str
    body: Any
    link: str | None
    where: str  # the address as a message may show it


@dataclass(frozen=True)
class Request:
    """What asks for one page: an address, and for GraphQL what is posted to it."""

    url: str
    body: dict[str, Any] | None = None


def _asked_since(declared: str, since: datetime) -> dict[str, str]:
    """Return the parameter that asks for what is no older, by its name or with the form of its value."""
    name, _, form = declared.partition("=")
    at = {"{since}": since.astimezone(UTC).isoformat(), "{epoch}": str(int(since.timestamp()))}
    value = form or "{since}"
    for sign, text in at.items():
        value = value.replace(sign, text)
    return {name: value}


def first(paging: Paging) -> Position:
    """Return the position of the first page."""
    return paging.first if paging.style in ("offset", "page") else ""


def resume_at(paging: Paging, page: Page) -> Position | None:
    """Return where a list can go on after a break.

    Behind a cursor stands what stood there, and a page that overlaps the one before shows whether anything moved: it
    goes on behind the page. Where neither is so (see `rereads`), it goes on with the page itself once more.
    """
    if page.following is None or not rereads(paging):
        return page.following
    return int(page.following) - (len(page.records) if paging.style == "offset" else 1)


def rereads(paging: Paging) -> bool:
    """Return whether a list goes on with its last page once more, to be held against what was kept of it."""
    return paging.style == "page" or (paging.style == "offset" and not paging.overlap)


def request(paging: Paging, size: int, listing: Listing, position: Position, overlaps: bool = False) -> Request:
    """Return what asks for the page at `position`; where it `overlaps`, beginning one record before it."""
    if paging.style == "none":
        return Request(listing.path)
    if paging.style == "link" and position:
        return Request(str(position))
    sizes: dict[str, Any] = {paging.size_parameter: size} if paging.size_parameter else {}
    if paging.style == "graphql":
        variables = {**listing.variables, **sizes, paging.parameter: position or None}
        return Request(listing.path, {"query": listing.query, "variables": variables})
    if paging.clause:
        start = int(position) - overlaps
        return Request(_with_clause(listing.path, paging, paging.clause.format(offset=start, size=size)))
    if paging.style == "offset":
        position = int(position) - overlaps
    starts = {} if position == "" else {paging.parameter: position}
    return Request(_with(listing.path, {**sizes, **starts}))


def _with(path: str, parameters: dict[str, Any]) -> str:
    """Return a path with query parameters added, which stand in the place of those of the same name."""
    base, _, given = path.partition("?")
    kept = [pair for pair in parse_qsl(given, keep_blank_values=True) if pair[0] not in parameters]
    query = urlencode([*kept, *parameters.items()])
    return f"{base}?{query}" if query else base


def _with_clause(path: str, paging: Paging, clause: str) -> str:
    given = dict(parse_qsl(urlsplit(path).query, keep_blank_values=True)).get(paging.parameter, "")
    return _with(path, {paging.parameter: f"{given} {clause}".strip()})


def page_of(
    paging: Paging, listing: Listing, position: Position, answer: Answer, before: Record | None, read: int
) -> Page:
    """Return what an answer holds and where the list goes on.

    Parameters
    ----------
    before
        The record that the page begins with once more, where it overlaps the one before it.
    read
        How many records the pages before it had.

    Raises
    ------
    SourceError
        The answer is not what was declared, or something moved between two pages.
    """
    records = _records(paging, listing, answer)
    if before is not None:
        if not records or listing.name_of(records[0]) != listing.name_of(before):
            raise SourceError(
                f"{answer.where}: does not begin with the last record of the page before: records moved while they "
                "were read, and some may have been skipped"
            )
        records = records[1:]
    following = _following(paging, listing, position, answer, records, read + len(records))
    return Page(records, following, _total(paging, answer), _is_by_position(paging, position))


def _is_by_position(paging: Paging, position: Position) -> bool:
    if paging.style == "link":
        given = parse_qsl(urlsplit(str(position)).query)
        return any(name.lower() in POSITIONS and value.isdecimal() for name, value in given)
    is_counted = paging.style == "page" or (paging.style == "offset" and not paging.overlap)
    return is_counted and position != first(paging)


def _records(paging: Paging, listing: Listing, answer: Answer) -> list[Record]:
    path = listing.records or paging.records
    if paging.style != "graphql":
        return records_in(answer.text, answer.body, path, answer.where, paging.empty_is_absent)
    connection = value_at(answer.body, path or "")
    if not isinstance(connection, dict):
        raise SourceError(f"{answer.where}: there is no connection at {path} in the answer")
    inside = "nodes" if "nodes" in connection else "edges"
    found = records_in(answer.text, answer.body, f"{path}.{inside}", answer.where)
    return found if inside == "nodes" else [member_of(edge, "node", answer.where) for edge in found]


def _total(paging: Paging, answer: Answer) -> int | None:
    if paging.total is None:
        return None
    total = value_at(answer.body, paging.total)
    if isinstance(total, str) and total.isdecimal():
        total = int(total)
    if not isinstance(total, int) or isinstance(total, bool):
        raise SourceError(f"{answer.where}: there is no number of records at {paging.total} in the answer")
    return total


def _following(
    paging: Paging, listing: Listing, position: Position, answer: Answer, records: list[Record], behind: int
) -> Position | None:
    """Return the next page's position; `behind` records have been read with this page."""
    if paging.style == "none":
        return None
    if paging.style == "link":
        link = _cursor(answer, paging.next) if paging.next else answer.link
        return urljoin(answer.where, link) if link else None
    connection = listing.records or paging.records or ""
    declared = f"{connection}.pageInfo.hasNextPage" if paging.style == "graphql" else paging.more
    more = _flag(answer, declared) if declared else None
    if more is False:
        return None
    if more and not records:
        raise SourceError(f"{answer.where}: says that there is more, and holds no record")
    if paging.style == "graphql":
        return _moved(_cursor(answer, f"{connection}.pageInfo.endCursor"), position, answer)
    if paging.style == "cursor":
        found = _cursor(answer, paging.next) if paging.next else _last(paging, answer, records)
        return _moved(found, position, answer) if found or more else None
    total = _total(paging, answer)
    if not records or (more is None and total is not None and behind >= total):
        return None
    return int(position) + (len(records) if paging.style == "offset" else 1)


def ends_unsaid(paging: Paging, answer: Answer) -> bool:
    """Return whether a page would be the last for nothing but that its answer has no such path as `next` is."""
    return bool(paging.next) and not (paging.more or paging.total) and not stands_at(answer.body, paging.next or "")


def next_link(links: Iterable[Mapping[str, str]]) -> str | None:
    """Return the next page's address in the Link header, whose ``rel`` is a list of words in any case (RFC 8288)."""
    for link in links:
        relations = {name.lower(): words for name, words in link.items()}.get("rel", "")
        if "next" in relations.lower().split():
            return link.get("url")
    return None


def _flag(answer: Answer, path: str) -> bool:
    more = value_at(answer.body, path)
    if not isinstance(more, bool):
        raise SourceError(f"{answer.where}: there is no true or false at {path} in the answer")
    return more


def _cursor(answer: Answer, path: str) -> str:
    """Return the cursor, or address, at a path of the body; empty where it names none."""
    cursor = value_at(answer.body, path)
    if cursor is not None and (not isinstance(cursor, (str, int)) or isinstance(cursor, bool)):
        raise SourceError(f"{answer.where}: what stands at {path} in the answer is no cursor")
    return "" if cursor is None else str(cursor)


def _last(paging: Paging, answer: Answer, records: list[Record]) -> str:
    """Return the cursor that the page's last record holds; empty of a page without records."""
    if not records:
        return ""
    cursor = value_at(records[-1].value, paging.last or "")
    if cursor in (None, ""):
        raise SourceError(f"{answer.where}: the last record has no {paging.last}, which names the next page")
    return str(cursor)


def _moved(cursor: str, position: Position, answer: Answer) -> str:
    if not cursor:
        raise SourceError(f"{answer.where}: says that there is more, and names no cursor")
    if cursor == position:
        raise SourceError(f"{answer.where}: the cursor does not move; it is the one that was asked with")
    return cursor


def calls(paging: Paging, size: int, records: int) -> int:
    """Return how many requests a list of so many records takes, if the provider keeps to the size asked for."""
    if paging.style == "none":
        return 1
    if paging.style == "offset" and paging.overlap and size > 1:
        return 1 + math.ceil(max(records - size, 0) / (size - 1)) + (records > 0 and paging.total is None)
    is_told = paging.style in ("link", "graphql") or paging.next or paging.more or paging.total
    return max(math.ceil(records / size), 1) + (records > 0 and not is_told)
