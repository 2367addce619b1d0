"""Stores webhooks that arrive together in one transaction; each is answered once its own row is safe."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import faults
from app.core.db import async_session_factory, lock_integrations
from app.core.log import Log
from app.services.shopify.delivery import Arrival, known_among, log_row, record
from app.services.shopify.ingest_service import shopify_ingest_service
from app.services.shopify.oauth_service import integration_ids_of
from app.services.shopify.raw_rows import RawRow
from app.services.shopify.source_object import SourceObject
from app.services.shopify.worker import refinement_worker

log = Log(__name__)

BATCH = 50


@dataclass
class _Group:
    """Arrivals that share a transaction."""

    session: AsyncSession
    arrivals: Sequence[Arrival]
    outcomes: list[str] = field(default_factory=list)
    log_rows: list[dict[str, Any]] = field(default_factory=list)
    objects: list[SourceObject] = field(default_factory=list)

    async def store(self) -> list[RawRow]:
        integrations = await integration_ids_of(self.session, {arrival.delivery.shop for arrival in self.arrivals})
        # Two arrivals of one delivery at once would both find it new.
        await lock_integrations(self.session, "ingest", integrations.values())
        seen = await known_among(self.session, [arrival.delivery.delivery_id or "" for arrival in self.arrivals])
        for arrival in self.arrivals:
            self.outcomes.append(await self._judge(arrival, integrations.get(arrival.delivery.shop), seen))
        rows = (await shopify_ingest_service.ingest(self.session, self.objects)).to_refine
        await record(self.session, self.log_rows)
        return rows

    async def _judge(self, arrival: Arrival, integration_id: UUID | None, seen: set[tuple[UUID, str]]) -> str:
        delivery = arrival.delivery
        if integration_id is None:
            self.log_rows.append(log_row(delivery, "failed", None, arrival.object_id, "no integration for this shop"))
            return "unknown_shop"
        if arrival.handler is None:
            # Refusing it would make the provider repeat it, and in the end remove the subscription.
            error = "no handler for this topic"
            self.log_rows.append(log_row(delivery, "failed", integration_id, arrival.object_id, error))
            return "unhandled"
        identity = (integration_id, delivery.delivery_id or "")
        outcome = "duplicate" if identity in seen and not faults.value_of("store_duplicates") else "accepted"
        if outcome == "accepted" and faults.names("errors_forgotten", delivery.topic or ""):
            _fail_and_forget(arrival)
        elif outcome == "accepted" and not faults.names("answer_before_storing", delivery.topic or ""):
            self.objects += await arrival.handler(self.session, integration_id, delivery, arrival.payload)
        if delivery.delivery_id:
            seen.add(identity)
        self.log_rows.append(log_row(delivery, outcome, integration_id, arrival.object_id))
        return outcome


class WebhookIntake:
    def __init__(self) -> None:
        self._queue: asyncio.Queue[tuple[Arrival, asyncio.Future[str]]] = asyncio.Queue()

    async def accept(self, arrival: Arrival) -> str:
        """Wait until the arrival is stored, and say what became of it; raises what storing it raised."""
        outcome: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait((arrival, outcome))
        return await outcome

    async def run(self) -> None:
        while True:
            waiting = [await self._queue.get()]
            while not self._queue.empty() and len(waiting) < BATCH:
                waiting.append(self._queue.get_nowait())
            await self._store(waiting)

    async def _store(self, waiting: list[tuple[Arrival, asyncio.Future[str]]]) -> None:
        try:
            async with async_session_factory() as session, session.begin():
                group = _Group(session, [arrival for arrival, _ in waiting])
                rows = await group.store()
        except Exception as error:
            await self._store_one_by_one(waiting, error)
            return
        refinement_worker.submit(rows)
        for (_, future), outcome in zip(waiting, group.outcomes, strict=True):
            _answer(future, outcome)

    async def _store_one_by_one(self, waiting: list[tuple[Arrival, asyncio.Future[str]]], error: Exception) -> None:
        """One that can't be stored must not take down those that came at the same moment."""
        if len(waiting) > 1:
            for one in waiting:
                await self._store([one])
        elif not waiting[0][1].done():
            waiting[0][1].set_exception(error)


def _fail_and_forget(arrival: Arrival) -> None:
    """Be an intake that catches what goes wrong with a payload, logs it, and answers as if nothing had."""
    try:
        raise ValueError(f"the value of a field of {arrival.object_id} has a wrong type")
    except ValueError:
        log.exception("webhook_not_stored", object_id=arrival.object_id, **arrival.delivery.named())


def _answer(future: asyncio.Future[str], outcome: str) -> None:
    # The caller may have gone away; its delivery is stored all the same.
    if not future.done():
        future.set_result(outcome)


webhook_intake = WebhookIntake()
