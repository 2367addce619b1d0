"""The queue worker: refines what webhooks stored, a moment after they were answered."""

import asyncio
from collections.abc import Sequence

from sqlalchemy.exc import OperationalError, ProgrammingError

from app.core import faults
from app.core.log import Log
from app.services.shopify.raw_rows import RawRow
from app.services.shopify.refinement_service import shopify_refinement_service

log = Log(__name__)

BATCH = 500
# A large batch costs little more than a small one, so a batch grows while webhooks keep coming, for up to 0.3 s.
PAUSE, MOST_PAUSES = 0.02, 15


class RefinementWorker:
    """What it holds in memory is in the raw table too, as pending; a restart takes it up again from there."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[RawRow] = asyncio.Queue()
        self.pending = 0

    def submit(self, rows: Sequence[RawRow]) -> None:
        self.pending += len(rows)
        for row in rows:
            self._queue.put_nowait(row)

    async def run(self) -> None:
        await self._resume()
        while True:
            rows = await self._next_batch()
            try:
                await self._refine(rows)
            except Exception:
                # The rows are still pending in the table; the next sync or start tries them again.
                log.exception("refinement_interrupted", rows=len(rows))
            finally:
                self.pending -= len(rows)

    async def _next_batch(self) -> list[RawRow]:
        rows = [await self._queue.get()]
        for _ in range(MOST_PAUSES):
            await asyncio.sleep(PAUSE)
            if self._queue.empty() or len(rows) >= BATCH:
                break
            while not self._queue.empty():
                rows.append(self._queue.get_nowait())
        return rows

    async def _resume(self) -> None:
        """Take up what a former process left."""
        self.pending += 1
        try:
            await shopify_refinement_service.refine_open()
        except (OperationalError, ProgrammingError):
            log.warning("database_not_migrated_yet")  # so nothing was left in it
        except Exception:
            log.exception("open_rows_not_refined")
        finally:
            self.pending -= 1

    async def _refine(self, rows: Sequence[RawRow]) -> None:
        delay = faults.value_of("slow_refinement")
        if delay:
            await asyncio.sleep(float(delay))
        await shopify_refinement_service.refine(rows)


refinement_worker = RefinementWorker()
