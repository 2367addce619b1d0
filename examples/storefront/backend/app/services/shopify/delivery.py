"""One arrival at the webhook endpoint: its headers, its signature, its row in the delivery log."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.shopify import ShopifyWebhookDelivery
from app.services.shopify.source_object import Payload

DELIVERY = ShopifyWebhookDelivery.__table__


@dataclass(frozen=True)
class Delivery:
    delivery_id: str | None
    event_id: str | None
    topic: str | None
    shop: str | None
    signature: str | None
    triggered_at: datetime | None
    received_at: datetime

    def named(self) -> dict[str, str | None]:
        """What a line of the log names it by."""
        return {"topic": self.topic, "delivery": self.delivery_id, "shop": self.shop}


@dataclass(frozen=True)
class Arrival:
    """A delivery whose signature is right, with the handler of its topic, if there is one."""

    delivery: Delivery
    payload: Payload
    object_id: str | None
    handler: Callable[..., Any] | None


def read_headers(headers: Mapping[str, str], received_at: datetime) -> Delivery:
    return Delivery(
        delivery_id=headers.get("x-shopify-webhook-id"),
        event_id=headers.get("x-shopify-event-id"),
        topic=headers.get("x-shopify-topic"),
        shop=headers.get("x-shopify-shop-domain"),
        signature=headers.get("x-shopify-hmac-sha256"),
        triggered_at=_instant(headers.get("x-shopify-triggered-at")),
        received_at=received_at,
    )


def _instant(text: str | None) -> datetime | None:
    try:
        instant = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return instant if instant and instant.tzinfo else None


def is_signed(body: bytes, signature: str | None, secret: str) -> bool:
    """Whether the signature is base64(HMAC-SHA256(secret, raw body)); compared in constant time."""
    expected = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest())
    return hmac.compare_digest(expected, (signature or "").encode())


def object_id_in(topic: str | None, payload: Payload) -> str | None:
    """The id of the object that a payload is about, which may be anybody's payload: only numbers count."""
    names = ["inventory_item_id", "location_id"] if (topic or "").startswith("inventory_levels/") else ["id"]
    ids = [payload.get(name) for name in names]
    return ":".join(map(str, ids)) if all(type(one) is int for one in ids) else None


async def known_among(session: AsyncSession, delivery_ids: Collection[str]) -> set[tuple[UUID, str]]:
    """Those of these delivery ids that were accepted before, with the integration they came for."""
    query = select(DELIVERY.c.integration_id, DELIVERY.c.delivery_id).where(
        DELIVERY.c.delivery_id == func.any(list(delivery_ids)), DELIVERY.c.outcome == "accepted"
    )
    return {(integration_id, delivery_id) for integration_id, delivery_id in await session.execute(query)}


def log_row(
    delivery: Delivery,
    outcome: str,
    integration_id: UUID | None = None,
    object_id: str | None = None,
    error: str | None = None,
) -> dict[str, Any]:
    return {
        "delivery_id": delivery.delivery_id,
        "event_id": delivery.event_id,
        "integration_id": integration_id,
        "topic": delivery.topic,
        "shopify_object_id": object_id,
        "triggered_at": delivery.triggered_at,
        "received_at": delivery.received_at,
        "outcome": outcome,
        "error": error,
    }


async def record(session: AsyncSession, rows: list[dict[str, Any]]) -> None:
    if rows:
        await session.execute(insert(DELIVERY), rows)
