"""The engine, the sessions and the lock that orders all writers of one integration."""

from collections.abc import Iterable
from functools import cache
from uuid import UUID

from sqlalchemy import URL, make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from app.core.canonical import canonical_json
from app.core.config import get_settings

_LOCK = text("select pg_advisory_xact_lock(hashtextextended(key, 0)) from unnest(cast(:keys as text[])) as key")


def driver_url(url: str) -> URL:
    """The same address with psycopg 3 named as the driver."""
    return make_url(url).set(drivername="postgresql+psycopg")


@cache
def get_engine() -> AsyncEngine:
    return create_async_engine(
        driver_url(get_settings().database_url), pool_size=6, max_overflow=4, json_serializer=canonical_json
    )


@cache
def _session_maker() -> async_sessionmaker[AsyncSession]:
    return async_sessionmaker(get_engine(), expire_on_commit=False, autoflush=False)


def async_session_factory() -> AsyncSession:
    return _session_maker()()


async def lock_integrations(session: AsyncSession, work: str, integration_ids: Iterable[UUID]) -> None:
    """Wait for this transaction's turn to do this kind of work ("ingest", "refine") on these integrations' records.

    What is the newest version of an object is decided by reading and then inserting; two writers at once would both
    find their own version new. Sorted, so that two writers of two integrations cannot wait for each other.
    """
    await session.execute(_LOCK, {"keys": [f"shopify {work} {one}" for one in sorted(set(integration_ids))]})
