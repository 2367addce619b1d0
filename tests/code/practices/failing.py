"""Sync functions that handle errors and that do not; named as in paging.py."""

import asyncio
import contextlib
import logging
from contextlib import asynccontextmanager

import httpx
from company_http import guarded

from .recording import recorded, safely

logger = logging.getLogger(__name__)


class SyncError(Exception):
    pass


class Sync:
    def __init__(self) -> None:
        self.client = httpx.AsyncClient()
        self.failures: list[str] = []

    async def _get(self, path: str) -> dict:
        response = await self.client.get(path)
        return response.json()

    async def _checked(self, path: str) -> dict:
        response = await self.client.get(path)
        response.raise_for_status()
        return response.json()

    # --- found

    async def fetch_and_ingest_found_logged(self) -> None:
        try:
            await self._get("/orders")
        except httpx.HTTPError:
            logger.exception("orders")

    async def fetch_and_ingest_found_raised_again(self) -> None:
        try:
            await self._get("/orders")
        except Exception as error:
            raise SyncError("orders") from error

    async def fetch_and_ingest_found_recorded(self) -> None:
        try:
            await self._get("/orders")
        except httpx.HTTPError as error:
            self.failures.append(str(error))

    async def fetch_and_ingest_found_around_the_ingest(self) -> None:
        for order in (await self._get("/orders"))["orders"]:
            try:
                await self.ingest_raw_object(order)
            except ValueError:
                self.failures.append(order["id"])

    async def fetch_and_ingest_found_two_calls_away(self) -> None:
        await self._page()

    async def _page(self) -> dict:
        return await self._careful("/orders")

    async def _careful(self, path: str) -> dict:
        try:
            response = await self.client.get(path)
        except httpx.TransportError as error:
            raise SyncError(path) from error
        return response.json()

    async def fetch_and_ingest_found_context_manager_of_the_code(self) -> None:
        async with recorded("orders") as run:
            run.orders = await self._get("/orders")

    @safely
    async def fetch_and_ingest_found_decorator_of_the_code(self) -> None:
        await self._get("/orders")

    async def fetch_and_ingest_found_attempts_then_a_raise(self) -> None:
        for _ in range(3):
            try:
                return await self._get("/orders")
            except Exception:
                continue
        raise SyncError("orders")

    async def fetch_and_ingest_found_handled_by_the_caller(self) -> None:
        await self._checked("/orders")

    async def run_one(self) -> None:
        try:
            await self.fetch_and_ingest_found_handled_by_the_caller()
        except httpx.HTTPStatusError:
            logger.exception("orders")

    async def fetch_and_ingest_found_handled_where_it_is_called_by_name(self) -> None:
        await self._checked("/orders")

    async def run_named(self, resource: str) -> None:
        try:
            await getattr(self, f"fetch_and_ingest_found_handled_where_it_is_called_by_{resource}")()
        except httpx.HTTPStatusError:
            logger.exception(resource)

    async def fetch_and_ingest_found_handled_where_a_table_leads(self) -> None:
        await self._checked("/orders")

    # --- absent

    async def fetch_and_ingest_absent_words_only(self) -> None:
        """try: request; except HTTPError: log it and raise (error handling)."""
        # try: ... except Exception as error: logger.exception("failed"); raise
        await self._get("/orders?try=except")

    async def fetch_and_ingest_absent_passed_over(self) -> None:
        try:  # noqa: SIM105
            await self._get("/orders")
        except:  # noqa: E722
            pass

    async def fetch_and_ingest_absent_empty_list_instead(self) -> list:
        try:
            return (await self._get("/orders"))["orders"]
        except Exception:
            return []

    async def fetch_and_ingest_absent_one_of_them_passed_over(self) -> None:
        try:
            await self._get("/orders")
        except httpx.TimeoutException:
            logger.warning("slow")
        except Exception:
            """Nothing."""

    async def fetch_and_ingest_absent_passed_over_by_a_helper(self) -> None:
        try:
            await self._silent("/orders")
        except Exception:
            logger.exception("never reached")

    async def _silent(self, path: str) -> dict | None:
        try:
            return await self._get(path)
        except Exception:
            return None

    async def fetch_and_ingest_absent_suppressed(self) -> None:
        with contextlib.suppress(Exception):
            await self._get("/orders")

    async def fetch_and_ingest_absent_around_something_else(self) -> None:
        body = await self._get("/orders")
        try:
            body["orders"].sort()
        except TypeError:
            logger.exception("not sorted")

    async def fetch_and_ingest_absent_for_the_end_of_a_task_only(self) -> None:
        try:
            await self._get("/orders")
        except asyncio.CancelledError:
            logger.info("cancelled")
            raise

    async def fetch_and_ingest_absent_only_a_finally(self) -> None:
        try:
            await self._get("/orders")
        finally:
            logger.info("over")

    async def fetch_and_ingest_absent_called_without_a_handler(self) -> None:
        await self._checked("/orders")

    async def run_another(self) -> None:
        await self.fetch_and_ingest_absent_called_without_a_handler()

    async def fetch_and_ingest_absent_caller_passes_over(self) -> None:
        await self._checked("/orders")

    async def run_silently(self) -> None:
        try:  # noqa: SIM105
            await self.fetch_and_ingest_absent_caller_passes_over()
        except httpx.HTTPStatusError:
            pass

    async def fetch_and_ingest_absent_context_manager_without_a_handler(self) -> None:
        async with timed():
            await self._get("/orders")

    # --- unresolved

    @guarded
    async def fetch_and_ingest_unresolved_decorator_from_elsewhere(self) -> None:
        await self._get("/orders")

    async def fetch_and_ingest_unresolved_context_manager_from_elsewhere(self) -> None:
        async with guarded("orders"):
            await self._get("/orders")


@asynccontextmanager
async def timed():
    logger.info("begins")
    yield
    logger.info("ends")


sync = Sync()
TABLE = {"orders": sync.fetch_and_ingest_found_handled_where_a_table_leads}


async def run_all() -> None:
    for name, function in TABLE.items():
        try:
            await function()
        except Exception:
            logger.exception(name)
