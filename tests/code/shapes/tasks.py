"""Tasks of a queue around nested functions, recursion that retries, a loop over link headers."""

import asyncio

import httpx
from celery import shared_task
from loguru import logger

gate = asyncio.Semaphore(5)


async def _fetch(client, url, params=None):
    async with gate:
        response = await client.get(url, params=params)
    if response.status_code in {429, 500}:
        await asyncio.sleep(1)
        return await _fetch(client, url, params)
    response.raise_for_status()
    return response


async def _all(client, url):
    response = await _fetch(client, url)
    found = list(response.json()["items"])
    while "next" in response.links:
        response = await _fetch(client, response.links["next"]["url"])
        found.extend(response.json()["items"])
    return found


@shared_task(bind=True, max_retries=3)
def fetch_and_ingest_frfl_orders(self, shop):
    async def main():
        async with httpx.AsyncClient() as client:
            items = await _all(client, f"https://{shop}/orders")
            await asyncio.gather(*[store(item) for item in items])  # noqa: F821

    try:
        asyncio.run(main())
    except httpx.HTTPError as error:
        logger.error("failed {}", error)
        raise self.retry(exc=error) from error


@shared_task
def fetch_and_ingest_faaa_products(shop):
    asyncio.run(_products(shop))


async def _products(shop):
    async with httpx.AsyncClient() as client:
        page = 1
        while (response := await client.get("/products", params={"page": page})).json():
            [await store(product) for product in response.json()]  # noqa: F821
            page = page + 1
