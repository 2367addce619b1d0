"""Pulls a shop's objects through the Admin API into the raw table, one function per resource."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import faults
from app.core.db import lock_integrations
from app.core.log import Log
from app.models.integration import Integration
from app.services.shopify.client import admin_url, call, json_of, now
from app.services.shopify.ingest_service import shopify_ingest_service
from app.services.shopify.oauth_service import shopify_oauth_service
from app.services.shopify.refinement_service import shopify_refinement_service
from app.services.shopify.source_object import Payload, SourceObject, object_id_of, parent_id_of
from app.services.shopify.sync_run import SyncRun, recorded_run

log = Log(__name__)

PAGE_SIZE = 250
Stats = dict[str, int]


@dataclass(frozen=True)
class Page:
    objects: list[Payload]
    next_url: str | None
    asked_at: datetime


class ShopifySyncService:
    async def fetch_and_ingest_orders(self, session: AsyncSession, integration_id: UUID) -> Stats:
        """Orders with lines, taxes, shipping, discounts and addresses; all of them, closed and cancelled ones too."""
        async with recorded_run(session, integration_id, "order") as run:
            # Without status=any the list holds open orders only.
            async for page in self._paginate(session, integration_id, "orders", status="any"):
                await self._store_page(session, run, page)
        return run.stats()

    async def fetch_and_ingest_customers(self, session: AsyncSession, integration_id: UUID) -> Stats:
        """Customers with their addresses."""
        async with recorded_run(session, integration_id, "customer") as run:
            async for page in self._paginate(session, integration_id, "customers"):
                await self._store_page(session, run, page)
        return run.stats()

    async def fetch_and_ingest_products(self, session: AsyncSession, integration_id: UUID) -> Stats:
        """Products with options, images and variants; archived and draft ones are listed like the others."""
        async with recorded_run(session, integration_id, "product") as run:
            async for page in self._paginate(session, integration_id, "products"):
                await self._store_page(session, run, page)
        return run.stats()

    async def fetch_and_ingest_inventory_items(self, session: AsyncSession, integration_id: UUID) -> Stats:
        """The stock side of each variant: cost, origin, customs code."""
        async with recorded_run(session, integration_id, "inventory_item") as run:
            async for page in self._paginate(session, integration_id, "inventory_items"):
                await self._store_page(session, run, page)
        return run.stats()

    async def fetch_and_ingest_inventory_levels(self, session: AsyncSession, integration_id: UUID) -> Stats:
        """How many of each inventory item lie at each location."""
        async with recorded_run(session, integration_id, "inventory_level") as run:
            async for page in self._paginate(session, integration_id, "inventory_levels"):
                await self._store_page(session, run, page)
        return run.stats()

    async def fetch_and_ingest_locations(self, session: AsyncSession, integration_id: UUID) -> Stats:
        """The places stock lies at and is sent from."""
        async with recorded_run(session, integration_id, "location") as run:
            async for page in self._paginate(session, integration_id, "locations"):
                await self._store_page(session, run, page)
        return run.stats()

    async def fetch_and_ingest_refunds(self, session: AsyncSession, integration_id: UUID) -> Stats:
        """Refunds with their line items; a refund never changes, so its topic is refunds/create alone."""
        async with recorded_run(session, integration_id, "refund") as run:
            async for page in self._paginate(session, integration_id, "refunds"):
                await self._store_page(session, run, page)
        return run.stats()

    async def fetch_and_ingest_transactions(self, session: AsyncSession, integration_id: UUID) -> Stats:
        """Payments on orders: authorisations, captures, sales, refunds."""
        async with recorded_run(session, integration_id, "transaction") as run:
            async for page in self._paginate(session, integration_id, "transactions"):
                await self._store_page(session, run, page)
        return run.stats()

    async def fetch_and_ingest_fulfillments(self, session: AsyncSession, integration_id: UUID) -> Stats:
        """Parcels, and how many of which line item each holds."""
        async with recorded_run(session, integration_id, "fulfillment") as run:
            async for page in self._paginate(session, integration_id, "fulfillments"):
                await self._store_page(session, run, page)
        return run.stats()

    async def fetch_and_ingest_draft_orders(self, session: AsyncSession, integration_id: UUID) -> Stats:
        """Quotes, before they become orders, with their line items."""
        async with recorded_run(session, integration_id, "draft_order") as run:
            async for page in self._paginate(session, integration_id, "draft_orders"):
                await self._store_page(session, run, page)
        return run.stats()

    # Note: Payout does not have dedicated webhooks in the Shopify Admin API.
    # Data is synced by polling; nothing else carries a payout.
    # Verified: 2026-11-21 - against the list of topics of API version 2026-07
    # Source: https://shopify.dev/docs/api/webhooks?reference=toml
    async def fetch_and_ingest_payouts(self, session: AsyncSession, integration_id: UUID) -> Stats:
        """Payouts, and for each the balance transactions it is made of."""
        payouts: list[Payload] = []
        async with recorded_run(session, integration_id, "payout") as run:
            async for page in self._paginate(session, integration_id, "shopify_payments/payouts"):
                await self._store_page(session, run, page)
                if not faults.value_of("payouts_alone"):
                    payouts += page.objects
        # Note: BalanceTransaction does not have dedicated webhooks in the Shopify Admin API.
        # Data is read with the payout it belongs to, once the payouts are known.
        # Verified: 2026-11-21 - against the list of topics of API version 2026-07
        # Source: https://shopify.dev/docs/api/webhooks?reference=toml
        async with recorded_run(session, integration_id, "balance_transaction") as balance:
            for payout in payouts:
                path, payout_id = "shopify_payments/balance/transactions", str(payout["id"])
                async for page in self._paginate(session, integration_id, path, payout_id=payout_id):
                    await self._store_page(session, balance, page)
        return run.stats()

    async def fetch_and_ingest_disputes(self, session: AsyncSession, integration_id: UUID) -> Stats:
        """Chargebacks and inquiries."""
        async with recorded_run(session, integration_id, "dispute") as run:
            async for page in self._paginate(session, integration_id, "shopify_payments/disputes"):
                await self._store_page(session, run, page)
        return run.stats()

    # Note: GiftCard does not have dedicated webhooks in the Shopify Admin API.
    # Data is synced by polling; a gift card has no parent whose webhook would carry it.
    # Verified: 2026-11-21 - against the list of topics of API version 2026-07
    # Source: https://shopify.dev/docs/api/webhooks?reference=toml
    async def fetch_and_ingest_gift_cards(self, session: AsyncSession, integration_id: UUID) -> Stats:
        """Gift cards and what is left on them."""
        async with recorded_run(session, integration_id, "gift_card") as run:
            async for page in self._paginate(session, integration_id, "gift_cards"):
                await self._store_page(session, run, page)
        return run.stats()

    async def _paginate(
        self, session: AsyncSession, integration_id: UUID, path: str, **filters: str
    ) -> AsyncIterator[Page]:
        """Follow the Link header to the end; the next page's address carries the filters by itself."""
        integration = await session.get_one(Integration, integration_id)
        token = await shopify_oauth_service.get_access_token(integration_id, session)
        first = admin_url(integration.metadata_info["shop"], f"{path}.json")
        asked = _asked({"limit": str(faults.value_of("page_size") or PAGE_SIZE), **filters})
        url: str | None = first
        params: dict[str, str] | None = asked
        most_pages = faults.value_of("page_limit")
        pages = 0
        while url and (most_pages is None or pages < int(most_pages)):
            page = await self._get_page(url, token, params)
            if pages or not faults.value_of("resumed_deletions"):
                yield page
            url, params, pages = page.next_url, None, pages + 1
            if url and faults.value_of("paged_by_time"):
                url, params = first, {**asked, "updated_at_min": _behind(page)}

    async def _get_page(self, url: str, token: str, params: dict[str, str] | None) -> Page:
        """One page; 429 is waited out as Retry-After says, a bounded number of times (see client.call)."""
        asked_at = now()
        response = await call("GET", url, token, params)
        objects = next(iter(json_of(response).values()))
        log.info(
            "page_read", url=url, objects=len(objects), limit=response.headers.get("X-Shopify-Shop-Api-Call-Limit")
        )
        return Page(objects, _next_url(response), asked_at)

    async def _store_page(self, session: AsyncSession, run: SyncRun, page: Page) -> None:
        """Raw rows of one page in one transaction, then their refinement in another: raw is kept if that fails."""
        objects = [
            SourceObject(
                run.integration_id,
                run.object_type,
                object_id_of(run.object_type, payload),
                payload,
                run.trigger,
                page.asked_at,
                parent_id=parent_id_of(run.object_type, payload),
            )
            for payload in page.objects
        ]
        await lock_integrations(session, "ingest", [run.integration_id])
        outcome = await shopify_ingest_service.ingest(session, objects)
        await session.commit()
        await shopify_refinement_service.refine(outcome.to_refine)
        times = [item.updated_at for item in objects if item.updated_at]
        run.watermark = max([*times, run.watermark] if run.watermark else times, default=None)
        run.fetched += len(objects)
        run.seen |= {item.object_id for item in objects}
        run.pages += 1
        run.stored += outcome.stored


def _asked(params: dict[str, str]) -> dict[str, str]:
    if faults.value_of("default_filter"):
        params.pop("status", None)
    for switch, name in (("updated_since", "updated_at_min"), ("created_since", "created_at_min")):
        if faults.value_of(switch):
            params[name] = str(faults.value_of(switch))
    return params


def _behind(page: Page) -> str:
    latest = max(datetime.fromisoformat(one["updated_at"]) for one in page.objects)
    return (latest + timedelta(seconds=1)).isoformat()


def _next_url(response: httpx.Response) -> str | None:
    link = response.links.get("next")
    return link["url"] if link else None


shopify_sync_service = ShopifySyncService()

# Parents first, so that few rows have to wait for theirs.
RESOURCES: dict[str, Any] = {
    "locations": shopify_sync_service.fetch_and_ingest_locations,
    "inventory_items": shopify_sync_service.fetch_and_ingest_inventory_items,
    "inventory_levels": shopify_sync_service.fetch_and_ingest_inventory_levels,
    "customers": shopify_sync_service.fetch_and_ingest_customers,
    "products": shopify_sync_service.fetch_and_ingest_products,
    "orders": shopify_sync_service.fetch_and_ingest_orders,
    "refunds": shopify_sync_service.fetch_and_ingest_refunds,
    "transactions": shopify_sync_service.fetch_and_ingest_transactions,
    "fulfillments": shopify_sync_service.fetch_and_ingest_fulfillments,
    "draft_orders": shopify_sync_service.fetch_and_ingest_draft_orders,
    "payouts": shopify_sync_service.fetch_and_ingest_payouts,
    "disputes": shopify_sync_service.fetch_and_ingest_disputes,
    "gift_cards": shopify_sync_service.fetch_and_ingest_gift_cards,
}


async def sync_shop(session: AsyncSession, integration_id: UUID, resources: Sequence[str] | None) -> dict[str, Any]:
    """Run the sync functions of a shop; one that fails is reported and does not keep the others from running."""
    results: dict[str, Any] = {}
    for name in [name for name in RESOURCES if resources is None or name in resources]:
        try:
            results[name] = await RESOURCES[name](session, integration_id)
        except Exception as error:
            results[name] = {"error": f"{type(error).__name__}: {error}"}
    await shopify_refinement_service.refine_open(integration_id)
    return results
