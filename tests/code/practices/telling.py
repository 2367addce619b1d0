"""Sync functions that log and that do not; named as in paging.py."""

import logging
import math
import warnings

import httpx
import structlog
from company_http import observed
from loguru import logger as loguru_logger

from . import journal
from .journal import Journal, Silent, journal_of, logged

logger = logging.getLogger(__name__)
structured = structlog.get_logger()


class Base:
    def __init__(self, logger) -> None:
        self.logger = logger
        self.client = httpx.AsyncClient()
        self.silent = Silent()
        self.journal = Journal()

    async def _get(self) -> dict:
        return (await self.client.get("/orders")).json()


class Sync(Base):
    # --- found

    async def fetch_and_ingest_found_logging(self) -> None:
        logger.info("orders: %s", await self._get())

    async def fetch_and_ingest_found_module_function(self) -> None:
        logging.warning("orders: %s", await self._get())

    async def fetch_and_ingest_found_structlog(self) -> None:
        structured.bind(shop="one").info("orders", orders=await self._get())

    async def fetch_and_ingest_found_loguru(self) -> None:
        loguru_logger.success("orders {}", await self._get())

    async def fetch_and_ingest_found_logger_of_a_base_class(self) -> None:
        self.logger.info("orders", await self._get())

    async def fetch_and_ingest_found_local_logger(self) -> None:
        log = logging.getLogger("sync").getChild("orders")
        log.debug("orders %s", await self._get())

    async def fetch_and_ingest_found_helper_two_calls_away(self) -> None:
        await self._first()

    async def _first(self) -> None:
        self._second(await self._get())

    def _second(self, body: dict) -> None:
        logger.info("orders: %s", body)

    async def fetch_and_ingest_found_logger_of_another_module(self) -> None:
        journal.log.info("orders %s", await self._get())

    async def fetch_and_ingest_found_class_around_a_logger(self) -> None:
        self.journal.info("orders", await self._get())

    async def fetch_and_ingest_found_made_by_a_function(self) -> None:
        journal_of("sync").info("orders", await self._get())

    @logged
    async def fetch_and_ingest_found_decorator_of_the_code(self) -> None:
        await self._get()

    # --- absent

    async def fetch_and_ingest_absent_words_only(self) -> None:
        """logger.info("orders"): structured logging throughout."""
        # logger.info("orders")
        await self.store("logger.info('orders')", await self._get())

    async def fetch_and_ingest_absent_logger_that_is_not_called(self) -> None:
        log = logging.getLogger("sync")
        await self.store(log.name, await self._get())

    async def fetch_and_ingest_absent_class_that_only_looks_like_one(self) -> None:
        self.silent.info("orders", await self._get())

    async def fetch_and_ingest_absent_logarithm(self) -> None:
        await self.store(math.log(len(await self._get())))

    async def fetch_and_ingest_absent_print_and_warn(self) -> None:
        print(await self._get())
        warnings.warn("orders", stacklevel=1)

    async def fetch_and_ingest_absent_under_a_false_condition(self) -> None:
        await self._get()
        if 0:
            logger.info("orders")

    async def fetch_and_ingest_absent_logged_by_others_only(self) -> None:
        await self._get()

    async def another(self) -> None:
        logger.info("orders")

    # --- unresolved

    @observed
    async def fetch_and_ingest_unresolved_decorator_from_elsewhere(self) -> None:
        await self._get()
