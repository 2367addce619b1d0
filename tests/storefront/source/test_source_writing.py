"""The provider's side of the storefront sample, over real HTTP. Who may change it, and what comes of it."""

from typing import Any

import httpx
import pytest

from tests.storefront.source.provider import ACME, BOREALIS, SECRETS, Receiver, Source

PATH = f"/{ACME}/admin/api/2026-07/customers"
WRITING = {"X-Shopify-Access-Token": SECRETS["STOREFRONT_WRITE_TOKEN"]}


def send(source: Source, method: str, path: str = "", **customer: object) -> httpx.Response:
    body = {"customer": customer} if customer else None
    return source.client.request(method, f"{PATH}{path}.json", json=body, headers=WRITING)


def test_a_customer_is_made_changed_and_deleted_and_each_is_told(source: Source, receiver: Receiver) -> None:
    for action in ("create", "update", "delete"):
        source.subscribe(f"customers/{action}", receiver.address)
    made = send(source, "POST", first_name="Ada", note="first", state="enabled", id=1)
    assert made.status_code == 201
    customer: dict[str, Any] = made.json()["customer"]
    assert customer["note"] == "first" and customer["state"] == "disabled", "what is not to be set is not set"
    assert customer.keys() == source.all("customers")[0].keys()
    shown = f"customers/{customer['id']}"
    assert source.get(shown).json() == made.json()
    changed = send(source, "PUT", f"/{customer['id']}", note="second").json()["customer"]
    assert changed == {**customer, "note": "second", "updated_at": changed["updated_at"]}
    assert source.get(shown).json()["customer"] == changed
    assert send(source, "DELETE", f"/{customer['id']}").status_code == 200
    assert source.get(shown).status_code == send(source, "DELETE", f"/{customer['id']}").status_code == 404
    source.settle()
    told = [receiver.bodies(f"customers/{action}")[0] for action in ("create", "update", "delete")]
    assert told == [customer, changed, {"id": customer["id"]}]


def test_two_changes_within_a_second_have_one_time_and_different_deliveries(source: Source, receiver: Receiver) -> None:
    source.subscribe("customers/update", receiver.address)
    customer = send(source, "POST", first_name="Ada").json()["customer"]
    for _ in range(3):  # a second may end between two requests
        first, second = (send(source, "PUT", f"/{customer['id']}", note=note).json()["customer"] for note in "ab")
        if first["updated_at"] == second["updated_at"]:
            break
    assert first == {**second, "note": "a"}
    source.settle()
    last = {headers["x-shopify-triggered-at"] for headers, _ in receiver.received}
    assert len(last) == len(set(receiver.values("x-shopify-webhook-id"))) >= 2, "the time of sending tells them apart"


def test_the_token_of_the_app_reads_and_the_other_has_two_scopes(still: Source) -> None:
    reading = still.client.post(f"{PATH}.json", json={"customer": {"first_name": "Ada"}})
    assert reading.status_code == 403 and "write_customers" in reading.json()["errors"]
    listed = still.client.get(f"/{ACME}/admin/oauth/access_scopes.json", headers=WRITING).json()["access_scopes"]
    assert [scope["handle"] for scope in listed] == ["read_customers", "write_customers"]
    assert still.client.get(f"/{ACME}/admin/api/2026-07/orders.json", headers=WRITING).status_code == 403


@pytest.mark.parametrize("body", [b"", b"[]", b'{"customer": 3}', b'{"order": {}}'])
def test_what_is_no_customer_is_refused(still: Source, body: bytes) -> None:
    answer = still.client.post(f"{PATH}.json", content=body, headers=WRITING)
    assert answer.status_code == 400, answer.text


def test_a_customer_without_any_name_and_one_that_others_name_are_refused(source: Source) -> None:
    assert send(source, "POST", note="nobody").status_code == 422
    buyer = next(one["customer"]["id"] for one in source.all("orders") if one["customer"])
    assert send(source, "DELETE", f"/{buyer}").status_code == 422
    other = source.all("customers", BOREALIS)[0]["id"]
    assert send(source, "PUT", f"/{other}", note="of another shop").status_code == 404
