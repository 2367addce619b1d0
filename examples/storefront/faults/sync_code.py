"""Faults of phase 2: a sync function does not do what it has to, or a sync did not."""

import time
from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING

from examples.answer_key import Expected, Planted
from examples.control import SampleError
from examples.editing import replaced

from .choosing import last_run, living, some_tenant
from .editing import SYNC_SERVICE, sync_function_rewritten

if TYPE_CHECKING:
    from ..sample import Sample

SYNC_RUN = "app/services/shopify/sync_run.py"
LOG = "app/core/log.py"
SERVICE = "ShopifySyncService"
# Resources that nothing is nested in, with the paths of their lists.
PLAIN = {
    "inventory_item": "inventory_items",
    "inventory_level": "inventory_levels",
    "location": "locations",
    "transaction": "transactions",
    "dispute": "shopify_payments/disputes",
    "gift_card": "gift_cards",
}
SYNCED = {
    **{name: f"fetch_and_ingest_{name}s" for name in ("order", "customer", "product", *PLAIN)},
    **{name: f"fetch_and_ingest_{name}s" for name in ("refund", "fulfillment", "draft_order", "payout")},
    "balance_transaction": "fetch_and_ingest_payouts",
}
PRACTICES = [
    *("sync_functions_paginate", "sync_functions_respect_rate_limits"),
    *("sync_functions_handle_errors", "sync_functions_log"),
]
ASKING = """\
            integration = await session.get_one(Integration, integration_id)
            token = await shopify_oauth_service.get_access_token(integration_id, session)
            url = admin_url(integration.metadata_info["shop"], "{path}.json")
"""
FIRST_PAGE = """\
        async with recorded_run(session, integration_id, "{resource}") as run:
{asking}            page = await self._get_page(url, token, {{"limit": str(PAGE_SIZE)}})
            await self._store_page(session, run, page)
        return run.stats()
"""
IMPATIENT = """\
        async with recorded_run(session, integration_id, "{resource}") as run:
{asking}            headers = {{"X-Shopify-Access-Token": token}}
            while url:
                asked_at = now()
                response = await get_http().get(url, headers=headers)
                page = Page(next(iter(json_of(response).values())), _next_url(response), asked_at)
                await self._store_page(session, run, page)
                url = page.next_url
        return run.stats()
"""
SWALLOWING = """\
        try:
            async with recorded_run(session, integration_id, "{resource}") as run:
                async for page in self._paginate(session, integration_id, "{path}"):
                    await self._store_page(session, run, page)
        except Exception:
            return {{}}
        return run.stats()
"""


def sync_function_missing(sample: "Sample", random: Random) -> Planted:
    """A sync function gets another name, and what runs it knows it by that; the parameter file does not."""
    resource = random.choice(list(PLAIN))
    name = SYNCED[resource]
    path = sample.code / SYNC_SERVICE
    path.write_text(path.read_text(encoding="utf-8").replace(name, f"pull_{resource}s"), encoding="utf-8")
    missing = Expected("every_resource_has_a_sync_function", scope={"resource": resource}, keys=[name])
    may = ["every_resource_is_covered", *PRACTICES]
    return Planted("sync_function_missing", mode=0, how="caused", must=[missing], may=may)


def paging_taken_out(sample: "Sample", random: Random) -> Planted:
    """A sync function asks for one page and does not look whether there are more."""
    resource = _rewritten(sample, random, FIRST_PAGE)
    short = Expected("sync_functions_paginate", scope={"resource": resource}, keys=[f"{SERVICE}.{SYNCED[resource]}"])
    return Planted("paging_taken_out", mode=23, how="caused", must=[short])


def rate_limit_ignored(sample: "Sample", random: Random) -> Planted:
    """A sync function asks by itself, past the client that waits when the provider says so."""
    resource = _rewritten(sample, random, IMPATIENT)
    path = sample.code / SYNC_SERVICE
    replaced(path, "import admin_url, call,", "import admin_url, call, get_http,")
    hasty = Expected(
        "sync_functions_respect_rate_limits", scope={"resource": resource}, keys=[f"{SERVICE}.{SYNCED[resource]}"]
    )
    return Planted("rate_limit_ignored", mode=0, how="caused", must=[hasty])


def errors_swallowed(sample: "Sample", random: Random) -> Planted:
    """A sync function passes over every error, and its caller takes the silence for success."""
    resource = _rewritten(sample, random, SWALLOWING)
    silent = Expected(
        "sync_functions_handle_errors", scope={"resource": resource}, keys=[f"{SERVICE}.{SYNCED[resource]}"]
    )
    return Planted("errors_swallowed", mode=30, how="caused", must=[silent])


def logging_taken_out(sample: "Sample", random: Random) -> Planted:
    """Somebody found the log too loud, and made its methods do nothing."""
    path = sample.code / LOG
    for level in ("info", "warning", "exception"):
        replaced(path, f'self._logger.{level}(event, extra={{"facts": facts}})', "pass")
    mute = [
        Expected("sync_functions_log", scope={"resource": resource}, keys=[f"{SERVICE}.{function}"])
        for resource, function in SYNCED.items()
    ]
    return Planted("logging_taken_out", mode=0, how="caused", must=mute)


def last_sync_failed(sample: "Sample", random: Random) -> Planted:
    """The last sync of disputes met a refusal; the scope was granted again afterwards, and nobody repeated the sync."""
    tenant, shop = some_tenant(random)
    _sync_refused(sample, shop)
    started = last_run(sample, tenant, "dispute", "started_at")
    failed = Expected("last_sync_completed", scope={"tenant": tenant, "resource": "dispute"}, keys=[started])
    return Planted("last_sync_failed", mode=30, how="caused", must=[failed])


def initial_sync_failed(sample: "Sample", random: Random) -> Planted:
    """The first sync of disputes was refused; what is in their table came by webhook."""
    tenant, shop = some_tenant(random)
    with sample.owner() as connection:
        connection.execute(
            "delete from shopify_sync_run using integration where integration.id = integration_id"
            " and integration.name = %s and object_type = 'dispute'",
            [tenant],
        )
    _sync_refused(sample, shop)
    started = last_run(sample, tenant, "dispute", "started_at")
    scope = {"tenant": tenant, "resource": "dispute"}
    never = Expected("initial_sync_completed", scope=scope, keys=[started])
    may = ["last_sync_completed", "last_sync_is_recent", "syncs_fetched_records"]
    return Planted("initial_sync_failed", mode=30, how="edited", must=[never], may=may)


def last_sync_long_ago(sample: "Sample", random: Random) -> Planted:
    """The schedule of one resource's sync was lost a month ago."""
    tenant, _ = some_tenant(random)
    with sample.owner() as connection:
        connection.execute(
            "update shopify_sync_run set started_at = started_at - interval '30 days',"
            " ended_at = ended_at - interval '30 days' from integration where integration.id = integration_id"
            " and integration.name = %s and object_type = 'dispute'",
            [tenant],
        )
    ended = last_run(sample, tenant, "dispute", "ended_at")
    old = Expected("last_sync_is_recent", scope={"tenant": tenant, "resource": "dispute"}, keys=[ended])
    return Planted("last_sync_long_ago", mode=14, how="edited", must=[old])


def sync_of_nothing(sample: "Sample", random: Random) -> Planted:
    """A sync takes an empty answer for the end of the list, though something changed since the last one."""
    tenant, shop = some_tenant(random)
    location = random.choice(living(sample, tenant, "location"))
    sample.record(shop, "locations", "update", int(location), address2=f"Gate {random.randrange(90)}")
    sample.settle()
    # An audit allows for the clocks: what changed within a second before a sync may not have been there for it.
    time.sleep(2.2)
    sample.backend_control("faults", {"page_limit": 0})
    sample.sync(shop, resources=["locations"])
    sample.backend_control("faults", {"page_limit": None})
    started = last_run(sample, tenant, "location", "started_at")
    hollow = Expected("syncs_fetched_records", scope={"tenant": tenant, "resource": "location"}, keys=[started])
    return Planted("sync_of_nothing", mode=36, how="caused", must=[hollow])


def reason_missing(sample: "Sample", random: Random) -> Planted:
    """A resource without topics loses its reason in the parameter file: nobody knows whether it was forgotten."""
    replaced(
        sample.parameters,
        "    sync: fetch_and_ingest_gift_cards\n    no_webhooks: the provider has no topic; read by the regular sync\n",
        "    sync: fetch_and_ingest_gift_cards\n",
    )
    bare = Expected("every_resource_is_covered", scope={"resource": "gift_card"}, keys=["webhook"])
    may = ["create_update_delete_covered"]
    return Planted("reason_missing", mode=0, how="caused", must=[bare], may=may)


def _rewritten(sample: "Sample", random: Random, body: str) -> str:
    resource = random.choice(list(PLAIN))
    path = PLAIN[resource]
    text = body.format(resource=resource, path=path, asking=ASKING.format(path=path))
    sync_function_rewritten(sample, SYNCED[resource], text)
    return resource


def _sync_refused(sample: "Sample", shop: str) -> None:
    sample.source_control("faults", {"revoked_scopes": ["read_shopify_payments_disputes"]})
    with suppress(SampleError):  # the integration answers 502 when a part of the sync failed
        sample.sync(shop, resources=["disputes"])
    sample.source_control("faults", {"revoked_scopes": None})
