"""Sends a delivery to the declared address and to no other, and says what came back."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from dsaudit.probes.forging import Delivery

MOST_BYTES = 300  # of an answer that are kept
LONGEST = 10.0  # seconds that an answer may take


@dataclass(frozen=True)
class Sent:
    """A delivery and what came of it: a status, or why there is none."""

    kind: str
    delivery_id: str
    source_id: str
    topic: str
    at: str
    seconds: float
    status: int | None
    answer: str
    problem: str | None


def send(address: str, delivery: Delivery) -> Sent:
    """POST a delivery; nothing is followed, retried, or taken from the environment."""
    at, clock = datetime.now(UTC).isoformat(), time.monotonic()
    status, answer, problem = None, b"", None
    headers = {"User-Agent": "dsaudit", **delivery.headers}
    try:
        with (
            httpx.Client(follow_redirects=False, trust_env=False, timeout=LONGEST) as client,
            client.stream("POST", address, headers=_encoded(headers), content=delivery.body) as response,
        ):
            status = response.status_code
            for part in response.iter_raw(MOST_BYTES):
                answer += part
                if len(answer) >= MOST_BYTES or time.monotonic() - clock > LONGEST:
                    break
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        problem = None if status else type(error).__name__
    text = answer[:MOST_BYTES].decode(errors="replace")
    seconds = round(time.monotonic() - clock, 4)
    ids = (delivery.kind, delivery.delivery_id, delivery.source_id, delivery.topic)
    return Sent(*ids, at, seconds, status, text, problem)


def _encoded(headers: Mapping[str, str]) -> list[tuple[Any, Any]]:
    return [(name.encode(), value.encode()) for name, value in headers.items()]
