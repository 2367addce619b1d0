"""What is sent again of a record: the body and the ids of the deliveries, held against what a receiver gets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from dsaudit import catalogue
from dsaudit.live.redelivering import DUPLICATE, OUT_OF_ORDER, Redeliverer, _why_not
from dsaudit.probes import MARK
from dsaudit.probes.forging import Subject
from dsaudit.source.probing import NotSent
from tests.checks.receiver import SECRET, Receiver, receiving

SENT = datetime(2026, 11, 20, 12, tzinfo=UTC)
RECORD = {"id": "cus_1", "amount": 1.10, "description": "dsaudit-1-4"}
EVENT = {"id": "evt_7", "object": "event", "created": 1, "type": "customer.updated", "data": {"object": RECORD}}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving(Receiver()) as one:
        yield one


def redeliverer(receiver: Receiver, provider: str = "stripe") -> Redeliverer:
    changer: Any = SimpleNamespace(source_id="cus_1", resource=SimpleNamespace(id_kind=None, updated="updated_at"))
    subject = Subject("customer.updated", "acme", "id", False)
    return Redeliverer(catalogue.load(provider), SECRET, receiver.url, subject, changer)


def came(receiver: Receiver) -> list[dict[str, Any]]:
    """Return the bodies that were taken as genuine."""
    return [event for _, event, status in receiver.came if status == receiver.genuine]


@pytest.mark.parametrize("stored", [EVENT, RECORD])
def test_a_duplicate_has_the_id_and_the_record_that_came(stored: dict[str, Any], receiver: Receiver) -> None:
    sent = redeliverer(receiver).send(DUPLICATE, {"payload": json.dumps(stored), "delivery_id": "evt_7"}, SENT)
    assert sent.status == 200 and sent.delivery_id == "evt_7"
    (event,) = came(receiver)
    assert event == {**EVENT, "created": 1 if stored is EVENT else int(SENT.timestamp())}


@pytest.mark.parametrize("stored", [EVENT, RECORD])
def test_an_older_version_has_an_id_of_ours(stored: dict[str, Any], receiver: Receiver) -> None:
    sent = redeliverer(receiver).send(OUT_OF_ORDER, {"payload": json.dumps(stored), "delivery_id": "evt_7"}, SENT)
    (event,) = came(receiver)
    assert sent.delivery_id.startswith(MARK) and event["id"] == f"evt_{sent.delivery_id}"
    assert event["data"]["object"] == RECORD and event["type"] == "customer.updated"
    assert event["created"] == (1 if stored is EVENT else int(SENT.timestamp()))


def test_a_record_is_sent_in_the_text_that_is_stored(receiver: Receiver) -> None:
    text = '{"id": "cus_1", "amount": 1.100000000000000000001}'
    body, at = redeliverer(receiver, "shopify")._body(text, DUPLICATE, "d1", SENT)
    assert body == text and at == SENT.timestamp()


def test_the_record_s_own_time_stands_for_that_of_its_delivery(receiver: Receiver) -> None:
    text = json.dumps({"id": "cus_1", "updated_at": SENT.isoformat()})
    _, at = redeliverer(receiver, "shopify")._body(text, OUT_OF_ORDER, "d1", None)
    assert at == SENT.timestamp()


@pytest.mark.parametrize(
    ("row", "sent_at", "words"),
    [
        ({"payload": json.dumps(RECORD), "delivery_id": None}, SENT, "does not tell the id of its delivery"),
        ({"payload": None, "delivery_id": "evt_7"}, SENT, "is no JSON"),
        ({"payload": '{"id": "cus_2"}', "delivery_id": "evt_7"}, SENT, "not the record that was delivered"),
        ({"payload": json.dumps(RECORD), "delivery_id": "evt_7"}, None, "nothing tells when the version was made"),
    ],
)
def test_what_cannot_be_told_is_not_sent(row: Any, sent_at: Any, words: str, receiver: Receiver) -> None:
    with pytest.raises(NotSent, match=words):
        redeliverer(receiver).send(DUPLICATE, row, sent_at)
    assert receiver.came == []


def test_a_notice_without_a_record_is_no_version() -> None:
    assert _why_not(catalogue.load("shopify")) is _why_not(catalogue.load("stripe")) is None
    assert "holds no record" in str(_why_not(catalogue.load("quickbooks")))
    assert "how deliveries are signed" in str(_why_not(catalogue.load(None)))
