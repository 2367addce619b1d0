"""The partner's API, and the control endpoints under a prefix of their own."""

import asyncio
import hmac
import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .records import Record, added, bad, changed, json_number, made, with_numbers

REFERRALS = "/v1.0/engagements/referrals"
MOST = 25  # records a page
PAGE_SECONDS = 0.12
Endpoint = Callable[[Request], Awaitable[Response]]

FAULTS = {
    "fail": "the status with which every request is refused",
    "fail_times": "how many requests `fail` refuses; without it all of them",
    "slow": "seconds that a page takes longer",
    "bad_record": "true: the list has a referral in its middle that nobody can take",
    "busy": "true: a new referral turns up whenever somebody begins to read the list while another reads it",
}


@dataclass
class Partner:
    token: str
    control_token: str
    seed: int
    records: list[Record] = field(default_factory=list)
    faults: dict[str, Any] = field(default_factory=dict)
    changes: int = 0
    listed: int = 0  # pages that were asked for
    last_page: float = 0  # when the last one was asked for that is not the last of its list

    def __post_init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.records, self.faults, self.changes = made(self.seed), {}, 0

    def listed_now(self) -> list[Record]:
        """What the list has now, the bad record in its middle where it is to have one."""
        middle = len(self.records) // 2
        own = [bad(self.seed)] if self.faults.get("bad_record") else []
        return [*self.records[:middle], *own, *self.records[middle:]]

    def is_read(self) -> bool:
        """Whether somebody is in the middle of the list."""
        return time.monotonic() - self.last_page < 3 * PAGE_SECONDS + self.faults.get("slow", 0)

    def refusal(self) -> int | None:
        status, times = self.faults.get("fail"), self.faults.get("fail_times")
        if status is None or times is None:
            return status
        self.faults["fail_times"] = times - 1
        if times <= 1:
            del self.faults["fail"], self.faults["fail_times"]
        return int(status)

    def set(self, changes: dict[str, Any]) -> None:
        unknown = changes.keys() - FAULTS.keys()
        if unknown:
            raise ValueError(f"{sorted(unknown)[0]!r} is not a fault of the partner; it has: {', '.join(FAULTS)}")
        self.faults = {name: value for name, value in (self.faults | changes).items() if value is not None}

    def change(self, count: int) -> list[str]:
        random, chosen = Random(f"change {self.seed} {self.changes}"), []
        self.changes += 1
        for place in random.sample(range(len(self.records)), min(count, len(self.records))):
            self.records[place] = changed(self.records[place], random, datetime.now(UTC))
            chosen.append(self.records[place]["id"])
        return chosen

    def add(self, values: Record) -> str:
        record = added(len(self.records), self.seed, datetime.now(UTC), values)
        self.records.append(record)
        return record["id"]


def _json(body: Any, status: int = 200) -> Response:
    text = with_numbers(json.dumps(body, default=json_number, ensure_ascii=False))
    return Response(text, status, media_type="application/json")


def _error(status: int, code: str, message: str) -> Response:
    return _json({"error": {"code": code, "message": message}}, status)


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, str(default))
    if not text.isdecimal():
        raise ValueError(f"{name} is no number")
    return int(text)


def api(partner: Partner) -> list[Route]:
    def guarded(endpoint: Endpoint) -> Endpoint:
        async def checked(request: Request) -> Response:
            given = request.headers.get("authorization", "")
            if not hmac.compare_digest(given.encode(), f"Bearer {partner.token}".encode()):
                return _error(401, "Unauthorized", "the token is missing or wrong")
            if status := partner.refusal():
                return _error(status, "Refused", "not now")
            return await endpoint(request)

        return checked

    @guarded
    async def listing(request: Request) -> Response:
        try:
            size = min(_number(request, "$top", MOST), MOST)
            start = int(urlsafe_b64decode(request.query_params.get("$skiptoken", "MA==")))
        except ValueError:
            return _error(400, "BadRequest", "$top or $skiptoken is wrong")
        if start == 0 and partner.faults.get("busy") and partner.is_read():
            partner.add({})
        partner.listed += 1
        records = partner.listed_now()
        if start + size < len(records):
            partner.last_page = time.monotonic()
        await asyncio.sleep(PAGE_SECONDS + partner.faults.get("slow", 0))
        end, total = start + size, len(records)
        body = {"@odata.count": total, "value": records[start:end]}
        if end < total:
            token = urlsafe_b64encode(str(end).encode()).decode()
            body["@odata.nextLink"] = f"{request.base_url}{REFERRALS[1:]}?$top={size}&$skiptoken={quote(token)}"
        return _json(body)

    @guarded
    async def count(request: Request) -> Response:
        return _json({"count": len(partner.listed_now())})

    @guarded
    async def one(request: Request) -> Response:
        key = request.path_params["key"]
        found = next((record for record in partner.listed_now() if record["id"] == key), None)
        return _error(404, "NotFound", "there is no such referral") if found is None else _json(found)

    return [
        Route(REFERRALS, listing),
        Route(f"{REFERRALS}/$count", count),
        Route(f"{REFERRALS}/{{key}}", one),
    ]


def control(partner: Partner) -> list[Route]:
    """What the sample's own tools use; the app calls none of it."""

    def entry(path: str, action: Callable[[Any], Any], method: str = "POST") -> Route:
        async def endpoint(request: Request) -> Response:
            given = request.headers.get("x-control-token", "")
            if not hmac.compare_digest(given.encode(), partner.control_token.encode()):
                return _error(401, "Unauthorized", "the control token is missing or wrong")
            try:
                body = await request.body()
                return _json(action(json.loads(body) if body else {}))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                return JSONResponse({"error": f"{type(error).__name__}: {error}"}, 422)

        return Route(f"/_control/{path}", endpoint, methods=[method])

    def status(_: Any) -> Any:
        return {"records": len(partner.records), "listed": partner.listed, "faults": partner.faults}

    def faults(changes: Any) -> Any:
        partner.set(changes)
        return {"faults": partner.faults}

    def reset(_: Any) -> Any:
        partner.reset()
        return status(_)

    return [
        entry("status", status, "GET"),
        entry("records", lambda _: partner.records, "GET"),
        entry("faults", faults),
        entry("change", lambda asked: {"changed": partner.change(int(asked["count"]))}),
        entry("add", lambda values: {"id": partner.add(values)}),
        entry("reset", reset),
    ]


def build(token: str, control_token: str, seed: int) -> Starlette:
    partner = Partner(token, control_token, seed)
    return Starlette(routes=[*api(partner), *control(partner)])
