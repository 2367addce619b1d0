"""Sync functions that heed the rate limit and that do not; named as in paging.py."""

import asyncio
import logging
import time
from http import HTTPStatus

import aiolimiter
import backoff
import httpx
import stamina
import tenacity
from company_http import ResilientClient, resilient
from tenacity import AsyncRetrying, retry, stop_after_attempt

from .throttling import LIMITED, PatientClient, RateLimited, patient, slow_down, wait_time

logger = logging.getLogger(__name__)
RETRY_AFTER = "Retry-After"


class Sync:
    def __init__(self) -> None:
        self.client = httpx.AsyncClient()
        self.patient = PatientClient()
        self.limiter = aiolimiter.AsyncLimiter(2, 1)
        self.resilient = ResilientClient()

    # --- found

    async def fetch_and_ingest_found_429_and_a_sleep(self) -> None:
        response = await self.client.get("/orders")
        if response.status_code == 429:
            await asyncio.sleep(2)
            response = await self.client.get("/orders")

    async def fetch_and_ingest_found_told_the_other_way_round(self) -> None:
        for _ in range(5):
            response = await self.client.get("/orders")
            if response.status_code != 429:
                return
            await asyncio.sleep(2)

    async def fetch_and_ingest_found_denied(self, method: str) -> None:
        while True:
            response = await getattr(self.client, method)("/orders")
            if not response.status_code == 429:  # noqa: SIM201
                return
            await asyncio.sleep(2)

    async def fetch_and_ingest_found_one_of_several(self) -> None:
        while (response := await self.client.get("/orders")).status_code in (429, 503):
            await asyncio.sleep(1)
        await self.store(response)

    async def fetch_and_ingest_found_constant_of_another_module(self) -> None:
        response = await self.client.get("/orders")
        if response.status_code == LIMITED:
            await slow_down(response)

    async def fetch_and_ingest_found_name_of_the_standard_library(self) -> None:
        response = await self.client.get("/orders")
        if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            await asyncio.sleep(1)

    async def fetch_and_ingest_found_case(self) -> None:
        response = await self.client.get("/orders")
        match response.status_code:
            case 200:
                await self.store(response)
            case 429:
                await asyncio.sleep(1)

    async def fetch_and_ingest_found_retry_after(self) -> None:
        response = await self.client.get("/orders")
        await asyncio.sleep(float(response.headers.get(RETRY_AFTER, 0)))

    async def fetch_and_ingest_found_retry_after_read_by_a_helper(self) -> None:
        response = await self.client.get("/orders")
        await asyncio.sleep(wait_time(response))

    async def fetch_and_ingest_found_exception_caught_further_out(self) -> None:
        try:
            await self._get_or_raise("/orders")
        except RateLimited:
            await asyncio.sleep(5)
            await self._get_or_raise("/orders")

    async def _get_or_raise(self, path: str) -> dict:
        response = await self.client.get(path)
        if response.status_code == 429:
            raise RateLimited(path)
        return response.json()

    async def fetch_and_ingest_found_handed_to_a_helper(self) -> None:
        response = await self.client.get("/orders")
        await self._keep_below_the_limit(response)

    async def _keep_below_the_limit(self, response: httpx.Response) -> None:
        used, most = response.headers["X-Shop-Api-Call-Limit"].split("/")
        if int(used) > int(most) - 2:
            await asyncio.sleep(1)

    async def fetch_and_ingest_found_wrapper_class(self) -> None:
        await self.store(await self.patient.get("/orders"))

    @patient(times=3)
    async def fetch_and_ingest_found_decorator_of_the_code(self):
        return await self.client.get("/orders")

    @retry(stop=stop_after_attempt(3))
    async def fetch_and_ingest_found_tenacity(self) -> None:
        await self.store((await self.client.get("/orders")).raise_for_status())

    async def fetch_and_ingest_found_tenacity_on_a_helper(self) -> None:
        await self.store(await self._get_with_tenacity())

    @tenacity.retry
    async def _get_with_tenacity(self):
        response = await self.client.get("/orders")
        response.raise_for_status()
        return response

    async def fetch_and_ingest_found_tenacity_loop(self) -> None:
        async for attempt in AsyncRetrying(stop=stop_after_attempt(3)):
            with attempt:
                await self.store((await self.client.get("/orders")).raise_for_status())

    @backoff.on_exception(backoff.expo, httpx.HTTPError)
    async def fetch_and_ingest_found_backoff(self) -> None:
        await self.store((await self.client.get("/orders")).raise_for_status())

    async def fetch_and_ingest_found_stamina(self) -> None:
        for attempt in stamina.retry_context(on=httpx.HTTPError):
            with attempt:
                await self.store((await self.client.get("/orders")).raise_for_status())

    async def fetch_and_ingest_found_limiter(self) -> None:
        async with self.limiter:
            await self.store(await self.client.get("/orders"))

    async def fetch_and_ingest_found_every_refusal_waited_for(self) -> None:
        for attempt in range(4):
            try:
                response = await self.client.get("/orders")
                response.raise_for_status()
                break
            except httpx.HTTPStatusError:
                await asyncio.sleep(2**attempt)

    async def fetch_and_ingest_found_left_when_good(self) -> None:
        for attempt in range(3):
            response = await self.client.get("/orders")
            if response.is_success:
                return
            await asyncio.sleep(2**attempt)

    # --- absent

    async def fetch_and_ingest_absent_left_with_the_first_good(self) -> None:
        for number in range(3):
            response = await self.client.get(f"/orders/{number}")
            if response.status_code == 200:
                break
            await asyncio.sleep(1)

    async def fetch_and_ingest_absent_left_when_refused(self) -> None:
        while True:
            response = await self.client.get("/orders")
            if not response.is_success:
                break
            await asyncio.sleep(1)

    async def fetch_and_ingest_absent_words_only(self) -> None:
        """Waits for Retry-After when the status is 429 (rate limit, tenacity, backoff)."""
        # if response.status_code == 429: await asyncio.sleep(response.headers["Retry-After"])
        words = "status_code == 429", "Retry-After"
        await self.store([words, await self.client.get("/orders")])

    async def fetch_and_ingest_absent_told_and_passed_over(self) -> None:
        response = await self.client.get("/orders")
        if response.status_code == 429:
            pass
        await self.store(response)

    async def fetch_and_ingest_absent_told_and_only_logged(self) -> None:
        response = await self.client.get("/orders")
        if response.status_code == 429:
            logger.warning("limited, Retry-After %s", response.headers.get("Retry-After"))
        await self.store(response)

    async def fetch_and_ingest_absent_raised_and_caught_by_nobody(self) -> None:
        await self.store(await self._get_or_raise("/orders"))

    async def fetch_and_ingest_absent_another_429(self) -> None:
        response = await self.client.get("/orders")
        if len(response.json()) == 429:
            await asyncio.sleep(1)

    async def fetch_and_ingest_absent_skipped_in_a_loop(self) -> None:
        for number in range(10):
            response = await self.client.get(f"/orders/{number}")
            if response.status_code == 429:
                continue
            await self.store(response)

    async def fetch_and_ingest_absent_always_the_same_pause(self) -> None:
        for number in range(10):
            await self.store(await self.client.get(f"/orders/{number}"))
            await asyncio.sleep(0.5)

    async def fetch_and_ingest_absent_pause_between_resources(self) -> None:
        response = await self.client.get("/orders")
        time.sleep(1)
        if response.status_code == 500:
            await self.store(None)

    async def fetch_and_ingest_absent_tenacity_around_something_else(self) -> None:
        self._format()
        await self.store(await self.client.get("/orders"))

    @retry(stop=stop_after_attempt(3))
    def _format(self) -> str:
        return "x"

    async def fetch_and_ingest_absent_limiter_around_something_else(self) -> None:
        async with self.limiter:
            self._format()
        await self.store(await self.client.get("/orders"))

    async def fetch_and_ingest_absent_after_the_return(self) -> None:
        response = await self.client.get("/orders")
        await self.store(response)
        return
        if response.status_code == 429:
            await asyncio.sleep(1)

    # --- unresolved

    @resilient
    async def fetch_and_ingest_unresolved_decorator_from_elsewhere(self) -> None:
        await self.store(await self.client.get("/orders"))

    async def fetch_and_ingest_unresolved_client_from_elsewhere(self) -> None:
        await self.store(await self.resilient.get("/orders"))

    async def fetch_and_ingest_unresolved_handed_to_something_from_elsewhere(self) -> None:
        await self.store(await resilient(lambda: self.client.get("/orders")))
