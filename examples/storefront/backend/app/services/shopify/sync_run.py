"""The record of one run of a sync function: what it read, how far it got, and what stopped it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import faults
from app.core.log import Log
from app.models.shopify import ShopifySyncRun
from app.services.shopify.refined_tables import soft_delete_others

log = Log(__name__)

RUN = ShopifySyncRun.__table__


@dataclass
class SyncRun:
    integration_id: UUID
    object_type: str
    trigger: str
    fetched: int = 0
    pages: int = 0
    stored: int = 0
    watermark: datetime | None = None
    seen: set[str] = field(default_factory=set)

    def stats(self) -> dict[str, int]:
        return {"fetched": self.fetched, "pages": self.pages, "stored": self.stored}


async def _trigger(session: AsyncSession, integration_id: UUID, object_type: str) -> str:
    done = select(RUN.c.id).where(
        RUN.c.integration_id == integration_id,
        RUN.c.object_type == object_type,
        RUN.c.ended_at.is_not(None),
        RUN.c.error.is_(None),
    )
    return "sync" if (await session.execute(done.limit(1))).first() else "initial_sync"


@asynccontextmanager
async def recorded_run(session: AsyncSession, integration_id: UUID, object_type: str) -> AsyncIterator[SyncRun]:
    """Note the start; then the end with its figures, or the error, which is passed on."""
    run = SyncRun(integration_id, object_type, await _trigger(session, integration_id, object_type))
    values = {"integration_id": integration_id, "object_type": object_type, "trigger": run.trigger}
    run_id = (await session.execute(insert(RUN).values(values).returning(RUN.c.id))).scalar_one()
    await session.commit()
    error = None
    try:
        yield run
        if faults.value_of("resumed_deletions"):
            await soft_delete_others(session, run.object_type, integration_id, run.seen)
    except Exception as problem:
        error = f"{type(problem).__name__}: {problem}"
        log.exception("sync_failed", object_type=object_type, integration=integration_id)
        await session.rollback()
        raise
    finally:
        await session.execute(
            update(RUN)
            .where(RUN.c.id == run_id)
            .values(
                ended_at=func.clock_timestamp(),
                fetched=run.fetched,
                pages=run.pages,
                watermark=run.watermark,
                error=error,
            )
        )
        await session.commit()
    log.info("sync_done", object_type=object_type, integration=integration_id, trigger=run.trigger, **run.stats())
