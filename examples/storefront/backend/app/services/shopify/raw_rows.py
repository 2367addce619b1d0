"""Rows of the raw table: written in batches, read back for refinement, and told what became of them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select, Text, bindparam, cast, func, insert, or_, select, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.shopify import ShopifyRawIngest
from app.services.shopify.source_object import Payload

UNSTORABLE = "the payload holds U+0000 or half a surrogate pair; stored with U+FFFD in its place and not refined"

RAW = ShopifyRawIngest.__table__
_INSERT = insert(RAW).values(payload=cast(bindparam("payload", type_=Text), JSONB))
_NEXT_IDS = text("select nextval('shopify_raw_ingest_id_seq') from generate_series(1, :count)")


_SET_STATE = text(
    "update shopify_raw_ingest set processing_status = :processing_status, error_message = :error_message,"
    " waits_for = :waits_for,"
    " processed_at = case when :processing_status = 'pending' then null else clock_timestamp() end where id = :row"
)
_CLOSE_OLDER = text(
    "update shopify_raw_ingest set processing_status = 'skipped', waits_for = null, processed_at = clock_timestamp(),"
    " error_message = 'deleted before it could be refined' where integration_id = :tenant and object_type = :type"
    " and shopify_object_id = :object and id < :row and processing_status in ('pending', 'error')"
)


class State(NamedTuple):
    """What became of a raw row; a processed one with `waits_for` lacks a link that may still come."""

    processing_status: str
    error_message: str | None = None
    waits_for: str | None = None


@dataclass(frozen=True, slots=True)
class RawRow:
    """A stored version that is to be refined."""

    id: int
    integration_id: UUID
    object_type: str
    object_id: str
    parent_id: str | None
    payload: Payload
    is_deletion: bool
    observed_at: datetime


async def insert_rows(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> list[int]:
    """Write the rows in their order and return their ids."""
    if not rows:
        return []
    ids = list((await session.execute(_NEXT_IDS, {"count": len(rows)})).scalars())
    await session.execute(_INSERT, [{**row, "id": raw_id} for row, raw_id in zip(rows, ids, strict=True)])
    return ids


def _query() -> Select[Any]:
    return select(
        RAW.c.id,
        RAW.c.integration_id,
        RAW.c.object_type,
        RAW.c.shopify_object_id,
        RAW.c.parent_object_id,
        RAW.c.payload,
        RAW.c.is_deletion,
        RAW.c.observed_at,
    ).order_by(RAW.c.id)


async def open_rows(session: AsyncSession, integration_id: UUID | None = None) -> list[RawRow]:
    """What is pending or failed, but not what can never be refined."""
    query = _query().where(
        RAW.c.processing_status.in_(("pending", "error")), RAW.c.error_message.is_distinct_from(UNSTORABLE)
    )
    if integration_id:
        query = query.where(RAW.c.integration_id == integration_id)
    return [RawRow(*row) for row in await session.execute(query)]


async def still_open(session: AsyncSession, ids: Collection[int]) -> set[int]:
    """Those of the rows that are due: since they were read, a deletion may have closed some."""
    due = or_(RAW.c.processing_status.in_(("pending", "error")), RAW.c.waits_for.is_not(None))
    return set((await session.execute(select(RAW.c.id).where(RAW.c.id == func.any(list(ids)), due))).scalars())


async def rows_waiting_for(session: AsyncSession, integration_id: UUID, arrived: Collection[str]) -> list[RawRow]:
    query = _query().where(RAW.c.integration_id == integration_id, RAW.c.waits_for == func.any(list(arrived)))
    return [RawRow(*row) for row in await session.execute(query)]


async def deleted_among(session: AsyncSession, integration_id: UUID, names: Collection[str]) -> set[str]:
    """Which of these objects ("order:123") the provider has reported as deleted."""
    name = func.concat(RAW.c.object_type, ":", RAW.c.shopify_object_id)
    query = select(name).where(RAW.c.integration_id == integration_id, RAW.c.is_deletion, name == func.any(list(names)))
    return set((await session.execute(query)).scalars())


async def set_states(session: AsyncSession, states: Mapping[int, State]) -> None:
    """Note what became of the rows; nearly all share one state, so those are one statement."""
    done = State("processed")
    rest = [{"row": row, **state._asdict()} for row, state in states.items() if state != done]
    if len(rest) < len(states):
        ids = [row for row, state in states.items() if state == done]
        values = {**done._asdict(), "processed_at": func.clock_timestamp()}
        await session.execute(update(RAW).where(RAW.c.id == func.any(ids)).values(values))
    if rest:
        await session.execute(_SET_STATE, rest)


async def close_older(session: AsyncSession, deletions: Collection[RawRow]) -> None:
    """A version that never could be refined needs no refinement once its object is deleted."""
    values = [
        {"tenant": row.integration_id, "type": row.object_type, "object": row.object_id, "row": row.id}
        for row in deletions
    ]
    if values:
        await session.execute(_CLOSE_OLDER, values)
