"""What is sent to a webhook address to see it refused: each delivery with one thing wrong, and a genuine one twice."""

from __future__ import annotations

import json
import secrets
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dsaudit.catalogue import Provider, Signature, group
from dsaudit.parameters import Parameters
from dsaudit.parameters.filling import filled
from dsaudit.probes import MARK, NUMBERED, NUMBERED_DIGITS
from dsaudit.probes.signatures import sign

LONG_AGO = 60  # seconds beyond the tolerance
GENUINE, REPEATED = "genuine", "repeated"
SIGNED = ("altered", "minified", "spaced", "stale")  # forged by means of the secret
WORDS = {
    "unsigned": "without a signature",
    "other_secret": "signed with another secret",
    "altered": "altered after it was signed",
    "minified": "signed without the blanks that it holds",
    "spaced": "signed with blanks that it does not hold",
    "stale": "signed rightly, but too long ago",
    GENUINE: "genuine",
    REPEATED: "the genuine one once more",
}


@dataclass(frozen=True)
class Subject:
    """What the deliveries are about: a topic of an account, and how records of its kind tell their id."""

    topic: str
    account: str
    id_path: str
    is_numbered: bool


@dataclass(frozen=True)
class Delivery:
    """One request: its headers and its body, the ids of the delivery and of the record that it is about."""

    kind: str
    delivery_id: str
    source_id: str
    topic: str
    headers: dict[str, str]
    body: bytes


def kinds(parameters: Parameters, scheme: Signature, is_deletion: bool = True) -> list[str]:
    """Return which deliveries the file lets us send.

    What bears a right signature, of whatever body, stays out of production: a receiver that does not look closely
    stores it. Nor is anything sent there but about a deletion. A genuine one is sent of a deletion alone as well, which
    changes nothing in the refined tables.
    """
    probe = parameters.webhooks.probe if parameters.webhooks else None
    if probe is None:
        return []
    found = ["unsigned", "other_secret"]
    if parameters.environment == "production":
        return found if is_deletion else []
    if probe.secret_env:
        found += [one for one in SIGNED if one != "stale" or scheme.tolerance_seconds is not None]
    return [*found, GENUINE] if probe.valid and is_deletion else found


def made(kind: str, provider: Provider, secret: str, subject: Subject, now: float) -> Delivery:
    """Return a delivery of one kind, about a record that nobody has."""
    assert provider.signature is not None  # nothing is sent to a receiver whose scheme is not known
    scheme, digits = provider.signature, NUMBERED_DIGITS - len(NUMBERED)
    delivery_id, record_id = own_id(), own_id()
    number = f"{NUMBERED}{secrets.randbelow(10**digits):0{digits}}"
    source_id = number if subject.is_numbered else record_id
    record = _at(subject.id_path.split("."), int(number) if subject.is_numbered else record_id)
    body = body_of(provider, subject, delivery_id, source_id, record, now)
    sent, signed = _compact(body), _compact(body)
    if kind == "altered":
        sent = _compact({**body, "altered": True})
    elif kind == "minified":
        sent = json.dumps(body, indent=1).encode()
    elif kind == "spaced":
        signed = json.dumps(body).encode()
    at = int(now) - ((scheme.tolerance_seconds or 0) + LONG_AGO if kind == "stale" else 0)
    headers = headers_of(provider, subject, delivery_id, now)
    if kind != "unsigned":
        headers[scheme.header] = sign(scheme, secrets.token_hex(16) if kind == "other_secret" else secret, signed, at)
    return Delivery(kind, delivery_id, source_id, subject.topic, headers, sent)


def again(
    kind: str, provider: Provider, secret: str, subject: Subject, ids: tuple[str, str], body: bytes, at: float
) -> Delivery:
    """Return a rightly signed delivery of a record that there is; `ids` are its own and the record's, `at` its time."""
    assert provider.signature is not None
    headers = headers_of(provider, subject, ids[0], at)
    headers[provider.signature.header] = sign(provider.signature, secret, body, int(time.time()))
    return Delivery(kind, *ids, subject.topic, headers, body)


def own_id() -> str:
    """Return an id that is ours, for a delivery or for the record that it is about."""
    return MARK + str(uuid.uuid4())[len(MARK) :]


def headers_of(provider: Provider, subject: Subject, delivery_id: str, now: float) -> dict[str, str]:
    """Return the headers of a delivery without its signature."""
    told = provider.delivery
    given = {
        told.id_header: delivery_id,
        told.time_header: datetime.fromtimestamp(now, UTC).isoformat(),
        told.topic_header: subject.topic,
        told.account_header: subject.account,
    }
    return {"Content-Type": "application/json", **{name: value for name, value in given.items() if name}}


def body_of(provider: Provider, subject: Subject, delivery_id: str, source_id: str, record: Any, now: float) -> Any:
    """Return what a delivery says: the record, or what the provider puts around it."""
    if not provider.delivery.envelope:
        return record
    stem = group(subject.topic)
    values = {
        "id": delivery_id,
        "time": datetime.fromtimestamp(now, UTC).isoformat(),
        "seconds": int(now),
        "topic": subject.topic,
        "group": stem,
        "ending": subject.topic[len(stem) + 1 :],
        "account": subject.account,
        "source_id": source_id,
        "record": record,
    }
    return dict(filled(provider.delivery.envelope, values.__getitem__))


def _compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _at(path: list[str], value: object) -> dict[str, Any]:
    """Return an object that has a value at a path."""
    return {path[0]: _at(path[1:], value) if path[1:] else value}
