"""Access to a shop: the scopes the app asks for, its token, and the webhooks it registers."""

import asyncio
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.config import get_settings
from app.core.log import Log
from app.models.integration import Integration
from app.services.shopify.client import ShopifyApiError, admin_url, call, json_of, oauth_url

log = Log(__name__)

WEBHOOK_PATH = "/api/v1/integrations/shopify/webhooks"
AT_ONCE = 4

SCOPES = [
    "read_orders",  # orders of the last 60 days with what is nested in them; their transactions
    "read_all_orders",  # the same without the 60-day limit; hidden orders are not even counted without it
    "read_customers",  # customers and their addresses
    "read_products",  # products with variants, options and images
    "read_inventory",  # inventory items (cost, origin) and inventory levels (stock per location)
    "read_locations",  # locations, which inventory levels and fulfillments refer to
    "read_fulfillments",  # fulfillments and their line items
    "read_assigned_fulfillment_orders",  # fulfillments that were assigned to a location of the app
    "read_draft_orders",  # draft orders and their line items
    "read_shopify_payments_payouts",  # payouts and the balance transactions they are made of
    "read_shopify_payments_disputes",  # chargebacks and inquiries
    "read_gift_cards",  # gift cards and their balance
    "read_returns",  # refunds, together with read_orders
]


class ShopifyOAuthService:
    # Payouts, balance transactions and gift cards have no topic; see sync_service.py for how they are read.
    topics = [  # noqa: RUF012 - a list as the provider documents it
        "orders/create",
        "orders/updated",
        "orders/delete",
        "orders/cancelled",
        "orders/paid",
        "orders/fulfilled",
        "orders/partially_fulfilled",
        "customers/create",
        "customers/update",
        "customers/delete",
        "customers/disable",
        "customers/enable",
        "products/create",
        "products/update",
        "products/delete",
        "inventory_items/create",
        "inventory_items/update",
        "inventory_items/delete",
        "inventory_levels/connect",
        "inventory_levels/update",
        "inventory_levels/disconnect",
        "locations/create",
        "locations/update",
        "locations/delete",
        "refunds/create",
        "order_transactions/create",
        "fulfillments/create",
        "fulfillments/update",
        "draft_orders/create",
        "draft_orders/update",
        "draft_orders/delete",
        "disputes/create",
        "disputes/update",
        "app/uninstalled",
    ]

    async def get_access_token(self, integration_id: UUID, session: AsyncSession) -> str:
        """The shop's token. This deployment has one token for all its shops, given in the environment."""
        if await session.get(Integration, integration_id) is None:
            raise LookupError(f"no integration {integration_id}")
        return get_settings().shopify_token

    async def get_granted_scopes(self, shop: str, token: str) -> list[str]:
        """What the shop's owner granted, which may be less than SCOPES."""
        body = json_of(await call("GET", oauth_url(shop, "access_scopes.json"), token))
        return [scope["handle"] for scope in body["access_scopes"]]

    async def register_webhooks(self, shop: str, token: str) -> dict[str, Any]:
        """Bring the shop's subscriptions in line with `topics`: kept, replaced or made; nothing is made twice."""
        address = get_settings().public_url + WEBHOOK_PATH
        registered = await self._subscriptions(shop, token)
        for other in [one for one in registered if one["topic"] in self.topics and one["address"] != address]:
            await call("DELETE", admin_url(shop, f"webhooks/{other['id']}.json"), token)
        present = {one["topic"]: one for one in registered if one["address"] == address}
        gate = asyncio.Semaphore(AT_ONCE)

        async def outcome_of(topic: str) -> dict[str, Any]:
            async with gate:
                return present.get(topic) or await self._subscribe(shop, token, topic, address)

        return _summary(await asyncio.gather(*map(outcome_of, self.topics)))

    async def connect(self, session: AsyncSession, integration: Integration) -> dict[str, Any]:
        """Read the granted scopes, register the webhooks and keep both in the integration record."""
        shop = integration.metadata_info["shop"]
        token = await self.get_access_token(integration.id, session)
        scopes = await self.get_granted_scopes(shop, token)
        registration = await self.register_webhooks(shop, token)
        integration.metadata_info = {
            **integration.metadata_info,
            "scopes": scopes,
            "webhook_registration": registration,
        }
        await session.commit()
        missing = sorted(set(SCOPES) - set(scopes))
        log.info("connected", shop=shop, registered=registration["success_count"], missing_scopes=missing)
        return registration

    async def _subscriptions(self, shop: str, token: str) -> list[dict[str, Any]]:
        body = json_of(await call("GET", admin_url(shop, "webhooks.json"), token, {"limit": "250"}))
        return list(body["webhooks"])

    async def _subscribe(self, shop: str, token: str, topic: str, address: str) -> dict[str, Any]:
        body = {"webhook": {"topic": topic, "address": address, "format": "json"}}
        try:
            answer = json_of(await call("POST", admin_url(shop, "webhooks.json"), token, body=body))
        except ShopifyApiError as error:
            log.warning("webhook_not_registered", shop=shop, topic=topic, status=error.status)
            return {"topic": topic, "error": str(error)}
        return dict(answer["webhook"])


def _summary(outcomes: list[dict[str, Any]]) -> dict[str, Any]:
    done = [one for one in outcomes if "error" not in one]
    failures = [one for one in outcomes if "error" in one]
    return {
        "status": "partial" if failures else "completed",
        "success_rate": round(100 * len(done) / len(outcomes), 1),
        "success_count": len(done),
        "failures": failures,
        "topics": [{name: one[name] for name in ("topic", "address", "id")} for one in done],
        "registered_at": datetime.now(UTC).isoformat(),
    }


async def integration_of(session: AsyncSession, shop: str | None) -> Integration | None:
    """The integration of a shop's domain."""
    query = select(Integration).where(Integration.metadata_info["shop"].astext == shop)
    return (await session.execute(query)).scalars().first()


_ids_by_shop: dict[str | None, UUID] = {}


async def integration_ids_of(session: AsyncSession, shops: Collection[str | None]) -> dict[str | None, UUID]:
    """The integrations' ids by the shops' domains, which never change; a domain without one is left out."""
    if not set(shops) <= _ids_by_shop.keys():
        domain = Integration.metadata_info["shop"].astext
        for shop, integration_id in await session.execute(select(domain, Integration.id)):
            _ids_by_shop[shop] = integration_id
    return {shop: _ids_by_shop[shop] for shop in shops if shop in _ids_by_shop}


shopify_oauth_service = ShopifyOAuthService()
