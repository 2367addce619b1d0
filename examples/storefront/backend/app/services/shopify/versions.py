"""What is already stored of the objects at hand, and whether a version offered now is new, known or late."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import faults
from app.services.shopify.source_object import SourceObject

Identity = tuple[UUID, str, str]
Verdict = Literal["new", "unchanged", "stale"]

_FACTS = (
    "raw.integration_id, raw.object_type, raw.shopify_object_id, raw.parent_object_id, raw.dedupe_hash_canonical,"
    " raw.source_updated_at, raw.observed_at, raw.is_deletion"
)
_WANTED = "unnest(cast(:integrations as uuid[]), cast(:types as text[]), cast(:ids as text[])) as wanted (i, t, o)"
_SAME = "raw.integration_id = wanted.i and raw.object_type = wanted.t and raw.shopify_object_id = wanted.o"
_NEWEST = text(
    f"select newest.* from {_WANTED}, lateral (select {_FACTS} from shopify_raw_ingest as raw"
    f" where {_SAME} and raw.processing_status <> 'skipped' order by raw.id desc limit 1) as newest"
)
_NEWEST_WHERE = (
    f"select distinct on (raw.integration_id, raw.object_type, raw.shopify_object_id) {_FACTS}"
    " from shopify_raw_ingest as raw where raw.integration_id = :integration_id and {condition}"
    " and raw.processing_status <> 'skipped'"
    " order by raw.integration_id, raw.object_type, raw.shopify_object_id, raw.id desc"
)
_NEWEST_CHILDREN = text(_NEWEST_WHERE.format(condition="raw.parent_object_id = any(:parents)"))
_LEVELS_AT = text(
    _NEWEST_WHERE.format(
        condition="raw.object_type = 'inventory_level' and split_part(raw.shopify_object_id, ':', 2) = any(:locations)"
    )
)
_HASHES = text(
    "select raw.integration_id, raw.object_type, raw.shopify_object_id, raw.dedupe_hash_canonical"
    f" from {_WANTED} join shopify_raw_ingest as raw on {_SAME}"
)


@dataclass(frozen=True, slots=True)
class Version:
    hash: str
    updated_at: datetime | None
    observed_at: datetime
    is_deletion: bool

    def is_older_than(self, other: "Version") -> bool:
        """By the provider's updated_at; within one second of it, or without it, by when the provider showed it."""
        if self.updated_at and other.updated_at and self.updated_at != other.updated_at:
            return self.updated_at < other.updated_at
        return self.observed_at < other.observed_at


def _apart(known: Version, offered: Version) -> str:
    return "same second" if known.updated_at == offered.updated_at else "another second"


def version_of(item: SourceObject, content_hash: str) -> Version:
    return Version(content_hash, item.updated_at, item.observed_at, item.is_deletion)


@dataclass
class KnownVersions:
    """The newest stored version of each object, kept up to date while a batch is judged."""

    newest: dict[Identity, Version] = field(default_factory=dict)
    children: dict[tuple[UUID, str], dict[Identity, None]] = field(default_factory=dict)
    history: set[tuple[Identity, str]] = field(default_factory=set)

    def put(self, identity: Identity, parent_id: str | None, version: Version) -> None:
        self.newest[identity] = version
        self.history.add((identity, version.hash))
        if parent_id is not None:
            self.children.setdefault((identity[0], parent_id), {})[identity] = None

    def judge(self, identity: Identity, offered: Version, guarded: bool) -> Verdict:
        """Compare with the newest version alone: a value that changes and changes back is three versions, not two."""
        known = self.newest.get(identity)
        if known is None:
            return "new"
        if known.hash == offered.hash and not faults.value_of("store_duplicates"):
            return "unchanged"
        if faults.value_of("dedupe_any_version") and (identity, offered.hash) in self.history:
            return "unchanged"
        if guarded and faults.value_of("same_second_dropped") and known.updated_at == offered.updated_at is not None:
            return "unchanged"
        if guarded and offered.is_older_than(known) and not faults.names("stale_overwrite", _apart(known, offered)):
            return "stale"
        return "new"

    def living_children(self, integration_id: UUID, parent_id: str) -> list[Identity]:
        children = self.children.get((integration_id, parent_id), {})
        return [identity for identity in children if not self.newest[identity].is_deletion]

    async def load(self, session: AsyncSession, identities: Collection[Identity]) -> None:
        self._take(await session.execute(_NEWEST, _wanted(identities)))
        await self._load_history(session, identities)

    async def load_children(self, session: AsyncSession, integration_id: UUID, parents: Collection[str]) -> None:
        values = {"integration_id": integration_id, "parents": list(parents)}
        await self._load_history(session, self._take(await session.execute(_NEWEST_CHILDREN, values)))

    async def load_levels_at(self, session: AsyncSession, integration_id: UUID, locations: Collection[str]) -> None:
        """Inventory levels are an inventory item's children, and their location's too."""
        values = {"integration_id": integration_id, "locations": list(locations)}
        for identity in self._take(await session.execute(_LEVELS_AT, values)):
            place = identity[2].partition(":")[2]
            self.children.setdefault((integration_id, place), {})[identity] = None

    def _take(self, rows: Iterable[Any]) -> list[Identity]:
        """Keep what was read, unless the batch has seen a newer version itself."""
        found = []
        for integration_id, object_type, object_id, parent_id, *facts in rows:
            identity = (integration_id, object_type, object_id)
            found.append(identity)
            if identity not in self.newest:
                self.put(identity, parent_id, Version(*facts))
        return found

    async def _load_history(self, session: AsyncSession, identities: Collection[Identity]) -> None:
        if faults.value_of("dedupe_any_version"):
            self.history |= await hashes_of(session, identities)


async def hashes_of(session: AsyncSession, identities: Collection[Identity]) -> set[tuple[Identity, str]]:
    """Every version stored of these objects, late ones too."""
    rows = await session.execute(_HASHES, _wanted(identities))
    return {
        ((integration_id, object_type, object_id), digest) for integration_id, object_type, object_id, digest in rows
    }


def _wanted(identities: Iterable[Identity]) -> dict[str, list[Any]]:
    integrations, types, ids = zip(*set(identities), strict=True) if identities else ((), (), ())
    return {"integrations": list(integrations), "types": list(types), "ids": list(ids)}
