"""A provider that pages one list in every style, keeps sizes down without a word, and has faults on demand."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.source.providers import Answer, Asked

Body = dict[str, Any]
DOCUMENT = (
    "query ($first: Int!, $after: String) { orders(first: $first, after: $after) { %s pageInfo { hasNextPage } } }"
)

# How each style is declared, what its list's path is, and what the resource says beside it.
STYLES: dict[str, tuple[str, str, str]] = {
    "link": ("link", "link", ""),
    "link_in_body": ("{style: link, next: links.next}", "link_in_body", ""),
    "odata": (
        "{style: link, size_parameter: $top, next: '@odata.nextLink', total: '@odata.count', records: value}",
        "odata",
        "",
    ),
    "last_id": ("{style: cursor, parameter: starting_after, last: id, more: has_more}", "last_id", ""),
    "last_id_alone": ("{style: cursor, parameter: starting_after, last: id}", "last_id", ""),
    "cursor": ("{style: cursor, parameter: cursor, next: meta.next, records: data}", "cursor", ""),
    "offset": ("{style: offset}", "offset", ""),
    "offset_of_total": ("{style: offset, total: total, overlap: false}", "offset", ""),
    "clause": (
        '{style: offset, parameter: query, first: 1, clause: "startposition {offset} maxresults {size}", '
        "records: QueryResponse.Order, empty_is_absent: true}",
        "'clause?query=select * from Order'",
        "",
    ),
    "page": ("{style: page, size_parameter: per_page}", "page", ""),
    "page_from_zero": ("{style: page, size_parameter: per_page, first: 0, more: more}", "page_from_zero", ""),
    "nodes": ("{style: graphql, records: data.orders}", "graphql", f", query: '{DOCUMENT % 'nodes { id }'}'"),
    "edges": ("{style: graphql, records: data.orders}", "graphql", f", query: '{DOCUMENT % 'edges { node { id } }'}'"),
}
Fault = Callable[[Answer], Answer]


@dataclass
class Shelf:
    """One list of records and how it is given away; `faults` change the answer to the request of a number."""

    records: list[Body] = field(default_factory=list)
    most: int = 1000  # records that a page holds at most, whatever is asked for
    address: str = ""
    counted: int | None = None  # what the count says, if not the truth
    faults: dict[int, Fault] = field(default_factory=dict)
    before: Callable[[int], None] = lambda number: None  # what happens before the request of a number is answered
    asked: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)

    def answer(self, asked: Asked) -> Answer:
        """Answer one request; counts are not numbered."""
        _, path, body = asked
        style = urlsplit(path).path.removeprefix("/shop/")
        if style == "count.json":
            return _json({"count": len(self.records) if self.counted is None else self.counted})
        self.asked.append(path)
        number = len(self.asked)
        self.before(number)
        given = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
        made: Answer = getattr(self, f"_{style}")(json.loads(body) if body else given)
        return self.faults[number](made) if number in self.faults else made

    def _part(self, start: int, size: Any) -> list[Body]:
        return self.records[start : start + min(int(size), self.most)]

    def _link(self, given: Body) -> Answer:
        return self._linked(given, in_body=False)

    def _link_in_body(self, given: Body) -> Answer:
        return self._linked(given, in_body=True)

    def _linked(self, given: Body, in_body: bool) -> Answer:
        start = int(given.get("from", 0))
        part = self._part(start, given["limit"])
        behind = start + len(part)
        goes_on = part and behind < len(self.records)
        name = "link_in_body" if in_body else "link"
        link = f"/shop/{name}?limit={given['limit']}&from={behind}" if goes_on else None
        if in_body:
            return _json({"orders": part, "links": {"next": link}})
        return _json({"orders": part}, {"Link": f'<{self.address}{link}>; rel="next"'} if link else {})

    def _odata(self, given: Body) -> Answer:
        start = int(given.get("$skiptoken", 0))
        part = self._part(start, given["$top"])
        behind = start + len(part)
        link = f"{self.address}/shop/odata?$top={given['$top']}&$skiptoken={behind}"
        more = {"@odata.nextLink": link} if part and behind < len(self.records) else {}
        return _json({"@odata.count": len(self.records), "value": part, **more})

    def _last_id(self, given: Body) -> Answer:
        start = next((n for n, one in enumerate(self.records, 1) if str(one["id"]) == given.get("starting_after")), 0)
        part = self._part(start, given["limit"])
        return _json({"object": "list", "data": part, "has_more": start + len(part) < len(self.records)})

    def _cursor(self, given: Body) -> Answer:
        start = int(given.get("cursor", "c/0=").strip("c/="))
        part = self._part(start, given["limit"])
        behind = start + len(part)
        return _json(
            {"data": part, "errors": [], "meta": {"next": f"c/{behind}=" if behind < len(self.records) else ""}}
        )

    def _offset(self, given: Body) -> Answer:
        return _json({"total": len(self.records), "items": self._part(int(given["offset"]), given["limit"])})

    def _clause(self, given: Body) -> Answer:
        found = re.fullmatch(r"select \* from Order startposition (\d+) maxresults (\d+)", given["query"])
        assert found, given
        part = self._part(int(found[1]) - 1, found[2])
        return _json({"QueryResponse": {"Order": part, "maxResults": len(part)} if part else {}, "time": "now"})

    def _page(self, given: Body) -> Answer:
        size = min(int(given["per_page"]), self.most)
        return _json(self._part((int(given["page"]) - 1) * size, size))

    def _page_from_zero(self, given: Body) -> Answer:
        size = min(int(given["per_page"]), self.most)
        start = int(given["page"]) * size
        return _json({"orders": self._part(start, size), "more": start + size < len(self.records)})

    def _graphql(self, given: Body) -> Answer:
        start = int(given["variables"]["after"] or 0)
        part = self._part(start, given["variables"]["first"])
        behind = start + len(part)
        info = {"hasNextPage": behind < len(self.records), "endCursor": str(behind) if part else None}
        inside = {"nodes": part} if "nodes" in given["query"] else {"edges": [{"node": one} for one in part]}
        return _json({"data": {"orders": {**inside, "pageInfo": info}}, "extensions": {"cost": 3}})


def _json(body: Any, headers: dict[str, str] | None = None) -> Answer:
    return 200, headers or {}, json.dumps(body).encode()


def broken(status: int = 500) -> Fault:
    """Return a fault that answers with a status."""
    return lambda answer: (status, {"Retry-After": "0"}, b"")


def cut(answer: Answer) -> Answer:
    """Tell of more bytes than come."""
    return answer[0], {**answer[1], "Content-Length": str(len(answer[2]) + 10)}, answer[2]


def saying(old: str, new: str) -> Fault:
    """Return a fault that says something else; what it replaces has to be there."""

    def changed(answer: Answer) -> Answer:
        text = answer[2].decode()
        assert old in text, text
        return answer[0], answer[1], text.replace(old, new).encode()

    return changed
