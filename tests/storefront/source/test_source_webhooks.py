"""The provider's side of the storefront sample, over real HTTP. Registration and deliveries."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime

from tests.storefront.source.provider import (
    ACME,
    BOREALIS,
    SECRETS,
    TOPICS,
    Receiver,
    Source,
)


def test_all_topics_can_be_registered_once(source: Source, receiver: Receiver) -> None:
    assert len(TOPICS) == 34
    for topic in TOPICS:
        answer = source.subscribe(topic, receiver.address)
        assert answer.status_code == 201
        assert answer.json()["webhook"]["topic"] == topic
    assert source.subscribe(TOPICS[0], receiver.address).status_code == 422
    assert source.subscribe("payouts/create", receiver.address).status_code == 422
    assert source.get("webhooks/count").json() == {"count": 34}
    assert source.get("webhooks/count", BOREALIS).json() == {"count": 0}
    listed = source.get("webhooks").json()["webhooks"]
    assert {webhook["topic"] for webhook in listed} == set(TOPICS)
    url = f"/{ACME}/admin/api/2026-07/webhooks/{listed[0]['id']}.json"
    assert [source.client.delete(url).status_code for _ in range(2)] == [200, 404]
    assert source.get("webhooks/count").json() == {"count": 33}


def test_a_topic_without_its_scope_is_refused(still: Source) -> None:
    with still.fault("revoked_scopes", ["read_customers"]):
        assert still.subscribe("customers/create", "http://127.0.0.1:9/").status_code == 422


def test_a_delivery_is_signed_and_carries_the_whole_object(source: Source, receiver: Receiver) -> None:
    source.subscribe("customers/update", receiver.address)
    made = source.record("customers", "update", values={"first_name": "Zoë 🐢"})
    source.settle()
    headers, body = receiver.received[0]
    digest = hmac.new(SECRETS["STOREFRONT_WEBHOOK_SECRET"].encode(), body, hashlib.sha256).digest()
    assert headers["x-shopify-hmac-sha256"] == base64.b64encode(digest).decode()
    assert headers["x-shopify-shop-domain"] == ACME
    assert headers["x-shopify-api-version"] == "2026-07"
    assert [headers["x-shopify-webhook-id"]] == made["deliveries"]
    assert datetime.fromisoformat(headers["x-shopify-triggered-at"]).microsecond
    assert json.loads(body) == source.get(f"customers/{made['id']}").json()["customer"]
    entry = source.control("deliveries")["deliveries"][0]
    assert entry["event_id"] == headers["x-shopify-event-id"]
    assert (entry["object_id"], entry["last_status"], entry["done"]) == (made["id"], 200, True)


def test_topics_of_one_action_share_its_event_id(source: Source, receiver: Receiver) -> None:
    for topic in ("orders/create", "orders/paid", "order_transactions/create"):
        source.subscribe(topic, receiver.address)
    source.record("transactions", "create")
    source.settle()
    assert len(set(receiver.values("x-shopify-event-id"))) == 1
    assert len(set(receiver.values("x-shopify-webhook-id"))) == 3
    assert receiver.bodies("orders/create") == receiver.bodies("orders/paid")


def test_duplicates_share_ids_and_body(source: Source, receiver: Receiver) -> None:
    source.subscribe("products/update", receiver.address)
    source.control("faults", {"duplicate_all": True})
    source.record("products", "update", values={"vendor": "Twice"})
    source.settle()
    (first, body), (second, again) = receiver.received
    assert body == again
    for header in ("x-shopify-webhook-id", "x-shopify-event-id", "x-shopify-triggered-at"):
        assert first[header] == second[header]


def test_a_refused_delivery_is_tried_again_as_it_was(source: Source, receiver: Receiver) -> None:
    source.subscribe("products/update", receiver.address)
    receiver.answer = lambda headers: 500 if len(receiver.received) < 3 else 200
    source.record("products", "update", values={"vendor": "A"})
    source.settle()
    assert len(receiver.received) >= 3
    assert len({body for _, body in receiver.received}) == len(set(receiver.values("x-shopify-webhook-id"))) == 1
    assert source.control("deliveries")["deliveries"][0]["outcome"] == "delivered"


def test_after_five_tries_a_delivery_has_failed(source: Source, receiver: Receiver) -> None:
    source.subscribe("products/update", receiver.address)
    source.control("faults", {"remove_failing_subscriptions": True})
    receiver.answer = lambda headers: 503
    source.record("products", "update")
    source.settle()
    entry = source.control("deliveries")["deliveries"][0]
    assert (entry["outcome"], entry["attempts"], entry["last_status"]) == ("failed", 5, 503)
    assert source.get("webhooks/count").json() == {"count": 0}


def test_dropped_deliveries_are_logged_and_never_sent(source: Source, receiver: Receiver) -> None:
    for topic in ("products/update", "customers/update"):
        source.subscribe(topic, receiver.address)
    source.control("faults", {"drop_deliveries": ["products/update"]})
    source.record("products", "update")
    source.control("faults", {"drop_deliveries": {"topic": "customers/update", "nth": 2}})
    customers = [source.record("customers", "update", id=item["id"]) for item in source.all("customers")[:3]]
    source.settle()
    assert {body["id"] for body in receiver.bodies("customers/update")} == {
        customers[0]["record"]["id"],
        customers[2]["record"]["id"],
    }
    log = source.control("deliveries")["deliveries"]
    assert [entry["outcome"] for entry in log] == ["undelivered", "delivered", "undelivered", "delivered"]
    assert log[0]["attempts"] == 0
    assert not receiver.bodies("products/update")


def test_the_log_lists_what_was_sent_and_never_what_was_not(source: Source, receiver: Receiver) -> None:
    for topic in ("products/update", "locations/update"):
        source.subscribe(topic, receiver.address)
    source.control("faults", {"drop_deliveries": ["products/update"]})
    source.record("products", "update")
    made = [source.record("locations", "update") for _ in range(3)]
    source.settle()
    receiver.answer = lambda headers: 503
    later = datetime.now(UTC).isoformat()
    made += [source.record("locations", "update")]
    source.settle()
    answer, listed = source.get("webhook_deliveries", limit=3), []
    while "next" in answer.links:
        listed += answer.json()["webhook_deliveries"]
        answer = source.client.get(answer.links["next"]["url"])
    listed += answer.json()["webhook_deliveries"]
    assert [entry["webhook_id"] for entry in listed] == [one["deliveries"][0] for one in made]
    assert [entry["object_id"] for entry in listed] == [one["id"] for one in made]
    told = [(entry["state"], entry["attempts"], entry["response_status"]) for entry in listed]
    assert told[-1] == ("failed", 5, 503) and {state for state, _, _ in told[:-1]} == {"delivered"}
    assert source.get("webhook_deliveries", created_at_min=later).json()["webhook_deliveries"] == listed[-1:]
    assert source.get("webhook_deliveries", status="failed").json()["webhook_deliveries"] == listed[-1:]
    assert source.get("webhook_deliveries", BOREALIS).json()["webhook_deliveries"] == []
    source.client.headers["X-Shopify-Access-Token"] = "another"
    assert source.get("webhook_deliveries").status_code == 401


def test_a_delayed_delivery_is_sent_late_and_says_when_it_was_due(source: Source, receiver: Receiver) -> None:
    for topic in ("products/update", "customers/update"):
        source.subscribe(topic, receiver.address)
    source.control("faults", {"delay_deliveries": {"products/update": 1.5}})
    source.record("products", "update")
    source.record("customers", "update")
    source.settle()
    topics = [headers["x-shopify-topic"] for headers, _ in receiver.received]
    assert list(dict.fromkeys(topics)) == ["customers/update", "products/update"]
    due, sent = (datetime.fromisoformat(receiver.received[-1][0]["x-shopify-triggered-at"]), datetime.now(UTC))
    assert (sent - due).total_seconds() >= 1.5


def test_reordering_sends_the_older_version_last(source: Source, receiver: Receiver) -> None:
    source.subscribe("products/update", receiver.address)
    source.control("faults", {"reorder": True})
    key = source.record("products", "update", values={"vendor": "older"})["id"]
    source.record("products", "update", id=key, values={"vendor": "newer"})
    source.settle()
    vendors = list(dict.fromkeys(body["vendor"] for body in receiver.bodies("products/update")))
    assert vendors == ["newer", "older"]


def test_a_bad_signature_does_not_verify(source: Source, receiver: Receiver) -> None:
    source.subscribe("products/update", receiver.address)
    source.control("faults", {"bad_signature": ["products/update"]})
    source.record("products", "update")
    source.settle()
    headers, body = receiver.received[0]
    digest = hmac.new(SECRETS["STOREFRONT_WEBHOOK_SECRET"].encode(), body, hashlib.sha256).digest()
    assert headers["x-shopify-hmac-sha256"] != base64.b64encode(digest).decode()


def test_an_unknown_fault_is_refused(still: Source) -> None:
    headers = {"X-Control-Token": SECRETS["STOREFRONT_CONTROL_TOKEN"]}
    answer = still.client.post("/_control/faults", headers=headers, json={"drop_delivery": True})
    assert answer.status_code == 422
    assert "drop_deliveries" in answer.json()["errors"]
