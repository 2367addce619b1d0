"""Compares each shop with what is stored of it: python scripts/verify_shopify_integrity.py; ends with 1 if they differ.

Needs the backend's environment (DATABASE_URL, SHOPIFY_BASE_URL, STOREFRONT_TOKEN and the rest). Reads only.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from app.core.db import async_session_factory, get_engine
from app.models.base import Base
from app.models.shopify import REFINED, Integration, ShopifyRawIngest
from app.services.shopify.client import admin_url, call, close_http, json_of
from app.services.shopify.oauth_service import SCOPES, shopify_oauth_service
from app.services.shopify.sync_service import RESOURCES

PATHS = {
    "location": "locations",
    "inventory_item": "inventory_items",
    "inventory_level": "inventory_levels",
    "customer": "customers",
    "product": "products",
    "order": "orders",
    "refund": "refunds",
    "transaction": "transactions",
    "fulfillment": "fulfillments",
    "draft_order": "draft_orders",
    "payout": "shopify_payments/payouts",
    "balance_transaction": "shopify_payments/balance/transactions",
    "dispute": "shopify_payments/disputes",
    "gift_card": "gift_cards",
}
_REPEATED = text(
    "select count(*) from (select dedupe_hash_canonical, lag(dedupe_hash_canonical) over ("
    " partition by object_type, shopify_object_id order by id) as former"
    " from shopify_raw_ingest where integration_id = :tenant) as version where dedupe_hash_canonical = former"
)

Finding = tuple[bool, str]


async def _configuration(session: AsyncSession, integration: Integration) -> AsyncIterator[Finding]:
    shop = integration.metadata_info["shop"]
    token = await shopify_oauth_service.get_access_token(integration.id, session)
    missing = sorted(set(SCOPES) - set(await shopify_oauth_service.get_granted_scopes(shop, token)))
    yield not missing, f"scopes granted: {len(SCOPES) - len(missing)} of {len(SCOPES)} {missing or ''}"
    registered = json_of(await call("GET", admin_url(shop, "webhooks.json"), token, {"limit": "250"}))["webhooks"]
    absent = sorted(set(shopify_oauth_service.topics) - {one["topic"] for one in registered})
    yield not absent, f"topics registered: all but {len(absent)} of {len(shopify_oauth_service.topics)} {absent or ''}"


async def _raw_table(session: AsyncSession, integration: Integration) -> AsyncIterator[Finding]:
    repeated = (await session.execute(_REPEATED, {"tenant": integration.id})).scalar_one()
    yield repeated == 0, f"versions stored twice in a row: {repeated}"
    raw = ShopifyRawIngest
    mine = raw.integration_id == integration.id
    query = select(raw.processing_status, func.count().label("rows")).where(mine).group_by(raw.processing_status)
    states = {row.processing_status: row.rows for row in await session.execute(query)}
    open_rows = states.get("error", 0) + states.get("pending", 0)
    yield open_rows == 0, f"raw rows by state: {states}"


async def _counts(session: AsyncSession, integration: Integration) -> AsyncIterator[Finding]:
    shop = integration.metadata_info["shop"]
    token = await shopify_oauth_service.get_access_token(integration.id, session)
    for object_type, path in PATHS.items():
        filters = {"status": "any"} if object_type == "order" else None
        told = json_of(await call("GET", admin_url(shop, f"{path}/count.json"), token, filters))["count"]
        model = REFINED[object_type]
        mine = model.integration_id == integration.id
        living = select(func.count()).select_from(model).where(mine, model.deleted_at.is_(None))
        stored = (await session.execute(living)).scalar_one()
        yield told == stored, f"{object_type}: {told} at the source, {stored} stored"


async def _tables(session: AsyncSession) -> list[str]:
    found = set((await session.execute(text("select tablename from pg_tables where schemaname = 'public'"))).scalars())
    return sorted(Base.metadata.tables.keys() - found)


async def verify() -> bool:
    healthy = True
    async with async_session_factory() as session:
        absent = await _tables(session)
        print(f"{'ok  ' if not absent else 'FAIL'} tables missing: {absent or 'none'}")
        print(f"ok   sync functions: {len(RESOURCES)}")
        for integration in (await session.execute(select(Integration).order_by(Integration.name))).scalars().all():
            print(f"{integration.name} ({integration.metadata_info['shop']})")
            for part in (_configuration, _raw_table, _counts):
                async for is_right, what in part(session, integration):
                    healthy = healthy and is_right
                    print(f"  {'ok  ' if is_right else 'FAIL'} {what}")
    await close_http()
    await get_engine().dispose()
    return healthy and not absent


def main() -> int:
    healthy = asyncio.run(verify())
    print("HEALTHY: every shop is mirrored" if healthy else "NOT HEALTHY: see the lines marked FAIL")
    return 0 if healthy else 1


if __name__ == "__main__":
    sys.exit(main())
