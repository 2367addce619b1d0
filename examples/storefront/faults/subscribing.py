"""Changes what is registered at the provider, as somebody at its console would."""

import json
import urllib.request
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..sample import Sample

SUBSCRIPTIONS = "admin/api/2026-07/webhooks"


def unsubscribed(sample: "Sample", shop: str, topic: str) -> None:
    for one in provider(sample, shop, f"{SUBSCRIPTIONS}.json?topic={topic}")["webhooks"]:
        provider(sample, shop, f"{SUBSCRIPTIONS}/{one['id']}.json", method="DELETE")


def subscribed(sample: "Sample", shop: str, topic: str, address: str) -> None:
    provider(sample, shop, f"{SUBSCRIPTIONS}.json", {"webhook": {"topic": topic, "address": address}}, "POST")


def provider(sample: "Sample", shop: str, path: str, body: object = None, method: str = "GET") -> Any:
    """Ask the shop at the provider, by the token of its console."""
    headers = {"X-Shopify-Access-Token": sample.environment["STOREFRONT_TOKEN"], "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{sample.source_url}/{shop}/{path}", data, headers, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=30) as answer:
        return json.load(answer)
