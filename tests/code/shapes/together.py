"""Pages asked for side by side: by threads, by gather; and the errors that gather gives back."""

import asyncio
import itertools
from concurrent.futures import ThreadPoolExecutor

import httpx
import requests


def fetch(page):
    answer = requests.get("https://api.example/orders", params={"page": page}, timeout=10)
    answer.raise_for_status()
    return answer.json()


async def fetch_soon(client, page):
    answer = await client.get("/customers", params={"page": page})
    answer.raise_for_status()
    return answer.json()


def fetch_and_ingest_faaa_orders(db):
    first = fetch(1)
    with ThreadPoolExecutor(8) as pool:
        for body in pool.map(fetch, range(1, first["meta"]["total_pages"] + 1)):
            db.save(body["data"])


def fetch_and_ingest_faaa_orders_submitted(db):
    first = fetch(1)
    with ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(fetch, page) for page in range(2, first["meta"]["total_pages"] + 1)]:
            db.save(future.result()["data"])


def fetch_and_ingest_faaa_until_an_empty_page(db):
    for body in itertools.takewhile(bool, map(fetch, itertools.count(1))):
        db.save(body)


def fetch_and_ingest_faaa_counted_in_passing(db):
    page = 0
    while rows := requests.get("https://api.example/orders", params={"page": (page := page + 1)}, timeout=10).json():
        db.save(rows)


def fetch_and_ingest_aaaa_three_pages(db):
    with ThreadPoolExecutor(8) as pool:
        for body in pool.map(fetch, (1, 2, 3)):
            db.save(body["data"])


async def fetch_and_ingest_faaa_customers(db):
    async with httpx.AsyncClient() as client:
        first = await fetch_soon(client, 1)
        others = await asyncio.gather(*(fetch_soon(client, page) for page in range(2, first["pages"] + 1)))
        for body in [first, *others]:
            await db.save(body["data"])


async def fetch_and_ingest_aaaa_errors_left_out(db):
    async with httpx.AsyncClient() as client:
        answers = await asyncio.gather(*(fetch_soon(client, page) for page in (1, 2)), return_exceptions=True)
        await db.save([answer for answer in answers if not isinstance(answer, Exception)])


async def fetch_and_ingest_aafa_errors_raised(db):
    async with httpx.AsyncClient() as client:
        for answer in await asyncio.gather(fetch_soon(client, 1), fetch_soon(client, 2), return_exceptions=True):
            if isinstance(answer, BaseException):
                raise answer
            await db.save(answer)
