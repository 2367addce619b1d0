"""POST /api/v1/integrations/shopify/webhooks: verify, log, store raw, answer; refinement follows in the worker."""

import json
from collections.abc import Awaitable, Callable
from functools import partial
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.core import faults
from app.core.config import get_settings
from app.core.db import async_session_factory
from app.core.log import Log
from app.models.integration import Integration
from app.services.shopify import delivery as deliveries
from app.services.shopify.client import now
from app.services.shopify.delivery import Arrival, Delivery
from app.services.shopify.oauth_service import integration_ids_of
from app.services.shopify.source_object import Payload, SourceObject, object_id_of, parent_id_of
from app.services.shopify.versions import hashes_of
from app.services.shopify.webhook_intake import webhook_intake

log = Log(__name__)

STATUS_CODES = {"accepted": 200, "duplicate": 200, "unknown_shop": 404, "unhandled": 200, "failed": 500}


async def _object_in(
    object_type: str,
    is_deletion: bool,
    session: AsyncSession,
    integration_id: UUID,
    delivery: Delivery,
    payload: Payload,
) -> list[SourceObject]:
    if is_deletion and faults.value_of("ignore_deletes"):
        return []
    version = SourceObject(
        integration_id,
        object_type,
        object_id_of(object_type, payload),
        payload,
        "webhook",
        delivery.triggered_at or delivery.received_at,
        delivery.topic,
        delivery.delivery_id,
        is_deletion,
        parent_id_of(object_type, payload),
    )
    if faults.names("updates_need_a_row", delivery.topic or "") and not await hashes_of(session, [version.identity]):
        return []
    return [version]


def _version_of(object_type: str) -> "Handler":
    return partial(_object_in, object_type, False)


def _deletion_of(object_type: str) -> "Handler":
    return partial(_object_in, object_type, True)


async def _uninstalled(
    session: AsyncSession, integration_id: UUID, delivery: Delivery, payload: Payload
) -> list[SourceObject]:
    """The shop removed the app: its token is void. What was read stays."""
    await session.execute(update(Integration).where(Integration.id == integration_id).values(is_active=False))
    return []


Handler = Callable[[AsyncSession, UUID, Delivery, Payload], Awaitable[list[SourceObject]]]

TOPIC_HANDLERS: dict[str, Handler] = {
    "orders/create": _version_of("order"),
    "orders/updated": _version_of("order"),
    "orders/delete": _deletion_of("order"),
    "orders/cancelled": _version_of("order"),
    "orders/paid": _version_of("order"),
    "orders/fulfilled": _version_of("order"),
    "orders/partially_fulfilled": _version_of("order"),
    "customers/create": _version_of("customer"),
    "customers/update": _version_of("customer"),
    "customers/delete": _deletion_of("customer"),
    "customers/disable": _version_of("customer"),
    "customers/enable": _version_of("customer"),
    "products/create": _version_of("product"),
    "products/update": _version_of("product"),
    "products/delete": _deletion_of("product"),
    "inventory_items/create": _version_of("inventory_item"),
    "inventory_items/update": _version_of("inventory_item"),
    "inventory_items/delete": _deletion_of("inventory_item"),
    "inventory_levels/connect": _version_of("inventory_level"),
    "inventory_levels/update": _version_of("inventory_level"),
    "inventory_levels/disconnect": _deletion_of("inventory_level"),
    "locations/create": _version_of("location"),
    "locations/update": _version_of("location"),
    "locations/delete": _deletion_of("location"),
    "refunds/create": _version_of("refund"),
    "order_transactions/create": _version_of("transaction"),
    "fulfillments/create": _version_of("fulfillment"),
    "fulfillments/update": _version_of("fulfillment"),
    "draft_orders/create": _version_of("draft_order"),
    "draft_orders/update": _version_of("draft_order"),
    "draft_orders/delete": _deletion_of("draft_order"),
    "disputes/create": _version_of("dispute"),
    "disputes/update": _version_of("dispute"),
    "app/uninstalled": _uninstalled,
}


async def receive_webhook(request: Request) -> Response:
    """Answer 200 once the delivery is in the raw table; the provider repeats whatever gets another answer."""
    received_at = now()
    body = await request.body()
    delivery = deliveries.read_headers(request.headers, received_at)
    signed = deliveries.is_signed(body, delivery.signature, get_settings().webhook_secret)
    payload = _json_object(body)
    object_id = deliveries.object_id_in(delivery.topic, payload or {})
    if not signed and not faults.value_of("no_signature_check"):
        error = "the signature does not match the body"
        if faults.value_of("store_before_verifying") and payload is not None:
            await webhook_intake.accept(Arrival(delivery, payload, object_id, TOPIC_HANDLERS.get(delivery.topic or "")))
        status = 500 if faults.value_of("fail_on_forgeries") else 401
        return await _refuse(delivery, status, "rejected_signature", object_id, error)
    if payload is None:
        return await _refuse(delivery, 400, "failed", None, "the body is no JSON object")
    arrival = Arrival(delivery, payload, object_id, TOPIC_HANDLERS.get(delivery.topic or ""))
    try:
        outcome = await webhook_intake.accept(arrival)
    except Exception as error:
        log.exception("webhook_failed", object_id=object_id, **delivery.named())
        return await _refuse(delivery, 500, "failed", object_id, f"{type(error).__name__}: {error}"[:500])
    log.info("webhook_taken", object_id=object_id, outcome=outcome, **delivery.named())
    return JSONResponse({"outcome": outcome}, STATUS_CODES[outcome])


def _json_object(body: bytes) -> Payload | None:
    try:
        payload = json.loads(body)
    except ValueError:
        return None
    return payload if isinstance(payload, dict) else None


async def _refuse(delivery: Delivery, status: int, outcome: str, object_id: str | None, error: str) -> Response:
    """Log the arrival with the shop and object it claims to be about, so that what is missing can be explained."""
    log.warning("webhook_refused", object_id=object_id, outcome=outcome, **delivery.named())
    async with async_session_factory() as session, session.begin():
        integration_id = (await integration_ids_of(session, [delivery.shop])).get(delivery.shop)
        await deliveries.record(session, [deliveries.log_row(delivery, outcome, integration_id, object_id, error)])
    return JSONResponse({"outcome": outcome}, status)
