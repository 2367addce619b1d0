"""A service put together from mixins; names of its functions computed by the caller."""

import asyncio

import aiohttp
import structlog

logger = structlog.get_logger()


class RateLimitExceeded(Exception):
    def __init__(self, wait):
        self.wait = wait


class ClientMixin:
    async def _request(self, method, path, **params):
        async with aiohttp.ClientSession() as session, session.request(method, path, params=params) as response:
            if response.status == 429:
                raise RateLimitExceeded(float(response.headers.get("Retry-After", "1")))
            response.raise_for_status()
            return await response.json()

    async def _request_patiently(self, method, path, **params):
        while True:
            try:
                return await self._request(method, path, **params)
            except RateLimitExceeded as error:
                logger.warning("limited", wait=error.wait)
                await asyncio.sleep(error.wait)


class OrdersMixin:
    async def fetch_and_ingest_frfl_orders(self):
        starting_after = None
        while True:
            params = {"limit": 100}
            if starting_after:
                params["starting_after"] = starting_after
            page = await self._request_patiently("GET", "/orders", **params)
            for item in page["data"]:
                await self.ingest_raw_object(item)
            if not page["has_more"]:
                break
            starting_after = page["data"][-1]["id"]

    async def fetch_and_ingest_aafa_events(self):
        page = await self._request("GET", "/events")
        for item in page["data"]:
            await self.ingest_raw_object(item)


class Service(OrdersMixin, ClientMixin):
    async def sync(self):
        for name in ("frfl_orders", "aafa_events"):
            function = getattr(self, f"fetch_and_ingest_{name}")
            try:
                await function()
            except Exception as error:
                await self.record_failure(name, error)
