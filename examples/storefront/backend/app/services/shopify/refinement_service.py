"""Refinement: raw rows become rows of the 27 refined tables, in batches per type, parents first."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby
from typing import Any, TypeVar
from uuid import UUID, uuid4

from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import faults
from app.core.db import async_session_factory, lock_integrations
from app.core.log import Log
from app.models.shopify import REFINED
from app.services.shopify import raw_rows
from app.services.shopify.conversion import RefinementError, RowBuilder
from app.services.shopify.raw_rows import RawRow, State
from app.services.shopify.refined_tables import LINKS, PARENT_TYPES, LocalIds, soft_delete, upsert

log = Log(__name__)


@cache
def _builder(object_type: str) -> RowBuilder:
    return RowBuilder(REFINED[object_type])


@dataclass
class _Candidate:
    row: RawRow
    record: dict[str, Any]
    state: State = field(default_factory=lambda: State("processed"))


@dataclass
class _Round:
    """One batch of one integration, in one transaction."""

    session: AsyncSession
    integration_id: UUID
    states: dict[int, State] = field(default_factory=dict)
    arrived: set[str] = field(default_factory=set)

    async def run(self, rows: Sequence[RawRow]) -> None:
        due = await raw_rows.still_open(self.session, [row.id for row in rows])
        rows = [row for row in rows if row.id in due]
        built = _by_type(candidate for row in rows if not row.is_deletion and (candidate := self._build(row)))
        local_ids = await LocalIds.read(self.session, self.integration_id, _parents_of(built))
        for object_type in REFINED:
            if object_type in built:
                await self._write(object_type, built[object_type], local_ids)
        await self._delete([row for row in rows if row.is_deletion])
        await raw_rows.set_states(self.session, self.states)

    def _build(self, row: RawRow) -> _Candidate | None:
        try:
            record = _builder(row.object_type).build(row)
        except RefinementError as error:
            self.states[row.id] = State("error", str(error))
            return None
        return _Candidate(row, record | {"integration_id": row.integration_id, "raw_ingest_id": row.id})

    async def _write(self, object_type: str, candidates: list[_Candidate], local_ids: LocalIds) -> None:
        for candidate in candidates:
            _link(candidate, local_ids)
        await self._skip_children_of_the_deleted(candidates)
        written = [candidate for candidate in candidates if candidate.state.processing_status == "processed"]
        if faults.value_of("most_children"):
            written = _first_of_each_parent(written, int(faults.value_of("most_children")))
        for candidate in written:
            candidate.record["id"] = self._arrive(candidate, local_ids) if object_type in PARENT_TYPES else uuid4()
        await upsert(self.session, object_type, [candidate.record for candidate in written])
        self.states |= {candidate.row.id: candidate.state for candidate in candidates}

    def _arrive(self, candidate: _Candidate, local_ids: LocalIds) -> UUID:
        row = candidate.row
        self.arrived.add(f"{row.object_type}:{row.object_id}")
        return local_ids.of_written(row.object_type, int(row.object_id))

    async def _skip_children_of_the_deleted(self, candidates: list[_Candidate]) -> None:
        """A parent that was deleted before it was ever seen will not come."""
        waiting = [candidate for candidate in candidates if candidate.state.processing_status == "pending"]
        if waiting:
            names = {candidate.state.waits_for or "" for candidate in waiting}
            gone = await raw_rows.deleted_among(self.session, self.integration_id, names)
            for candidate in waiting:
                if candidate.state.waits_for in gone:
                    candidate.state = State("skipped", f"{candidate.state.waits_for} is deleted")

    async def _delete(self, rows: list[RawRow]) -> None:
        for object_type, gone in _by_type(rows).items():
            await soft_delete(self.session, object_type, gone)
        await raw_rows.close_older(self.session, rows)
        self.states |= {row.id: State("processed") for row in rows}


def _parents_of(candidates: Mapping[str, list[_Candidate]]) -> dict[str, set[int]]:
    """The Shopify ids to look up: those that are referred to, and those that others may refer to."""
    wanted: dict[str, set[int]] = {object_type: set() for object_type in PARENT_TYPES}
    for object_type, group in candidates.items():
        for link in LINKS[object_type].values():
            wanted[link.parent] |= {one.record[link.by] for one in group if one.record[link.by] is not None}
        if object_type in PARENT_TYPES:
            wanted[object_type] |= {int(one.row.object_id) for one in group}
    return wanted


def _link(candidate: _Candidate, local_ids: LocalIds) -> None:
    """Fill in the local ids; without one a row waits for its parent, or is written and waits for the link alone."""
    for column, link in LINKS[candidate.row.object_type].items():
        shopify_id = candidate.record[link.by]
        local = None if shopify_id is None else local_ids.get(link.parent, shopify_id)
        candidate.record[column] = local.id if local else None
        name = f"{link.parent}:{shopify_id}"
        if link.required and local and local.is_deleted:
            candidate.state = State("skipped", f"{name} is deleted")
        elif not local and shopify_id is not None:
            _wait(candidate, name, link.required)


def _wait(candidate: _Candidate, name: str, required: bool) -> None:
    """Note the first thing that is missing; what the row cannot be without comes before a mere link."""
    if required and candidate.state.processing_status == "processed":
        candidate.state = State("pending", f"waits for {name}", name)
    elif candidate.state == State("processed"):
        candidate.state = State("processed", waits_for=name)


def _first_of_each_parent(candidates: list[_Candidate], most: int) -> list[_Candidate]:
    seen: Counter[str | None] = Counter()
    kept = []
    for candidate in candidates:
        seen[candidate.row.parent_id] += 1
        if candidate.row.parent_id is None or seen[candidate.row.parent_id] <= most:
            kept.append(candidate)
    return kept


Typed = TypeVar("Typed", RawRow, _Candidate)


def _by_type(items: Iterable[Typed]) -> dict[str, list[Typed]]:
    found: dict[str, list[Typed]] = {}
    for item in items:
        row = item if isinstance(item, RawRow) else item.row
        found.setdefault(row.object_type, []).append(item)
    return found


class ShopifyRefinementService:
    async def refine(self, rows: Sequence[RawRow]) -> None:
        """Refine rows of any types and integrations, then what was waiting for them.

        A row that its table refuses is marked as failed; the others of its batch are refined without it.
        """
        wanted = sorted(rows, key=lambda row: (row.integration_id, row.id))
        wanted = [row for row in wanted if not faults.names("skip_refinement", row.object_type)]
        for integration_id, group in groupby(wanted, key=lambda row: row.integration_id):
            batch = list(group)
            while batch:
                batch = await self._refine_batch(integration_id, batch)

    async def _refine_batch(self, integration_id: UUID, rows: list[RawRow]) -> list[RawRow]:
        """Refine in one transaction, in halves if the database refuses it; return the rows that waited for these."""
        try:
            async with async_session_factory() as session, session.begin():
                await lock_integrations(session, "refine", [integration_id])
                batch = _Round(session, integration_id)
                await batch.run(rows)
                return await raw_rows.rows_waiting_for(session, integration_id, batch.arrived)
        except (DataError, IntegrityError) as error:
            if len(rows) == 1:
                await self._fail(rows[0], error)
                return []
        middle = len(rows) // 2
        waiting = await self._refine_batch(integration_id, rows[:middle])
        return waiting + await self._refine_batch(integration_id, rows[middle:])

    async def _fail(self, row: RawRow, error: DataError | IntegrityError) -> None:
        message = str(error.orig).splitlines()[0]
        log.warning("refinement_failed", object_type=row.object_type, object_id=row.object_id, raw_id=row.id)
        async with async_session_factory() as session, session.begin():
            await raw_rows.set_states(session, {row.id: State("error", message)})

    async def refine_open(self, integration_id: UUID | None = None) -> int:
        """Try again whatever is pending or failed; return how many rows that were."""
        async with async_session_factory() as session:
            rows = await raw_rows.open_rows(session, integration_id)
        await self.refine(rows)
        return len(rows)


shopify_refinement_service = ShopifyRefinementService()
