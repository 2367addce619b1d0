"""Raw ingest: stores each new version of an object once, and tells which rows are to be refined."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import faults
from app.core.canonical import canonical_json, content_hash, is_storable, storable
from app.models.shopify import REFINED, Integration
from app.models.shopify.refined import key_payload
from app.services.shopify.raw_rows import UNSTORABLE, RawRow, insert_rows
from app.services.shopify.source_object import NESTED_TYPES, SourceObject, nested_in
from app.services.shopify.versions import Identity, KnownVersions, Version, hashes_of, version_of

STALE = "older than a version stored before; the newer one stays"


@dataclass
class Outcome:
    """What became of the objects that were offered."""

    to_refine: list[RawRow] = field(default_factory=list)
    stored: int = 0
    unchanged: int = 0


@dataclass(frozen=True, slots=True)
class _Row:
    item: SourceObject
    canonical: str
    version: Version
    status: str = "pending"
    message: str | None = None

    def columns(self) -> dict[str, Any]:
        return {
            "integration_id": self.item.integration_id,
            "object_type": self.item.object_type,
            "shopify_object_id": self.item.object_id,
            "parent_object_id": self.item.parent_id,
            "payload": self.canonical,
            "dedupe_hash_canonical": self.version.hash,
            "source": self.item.source,
            "topic": self.item.topic,
            "delivery_id": self.item.delivery_id,
            "is_deletion": self.item.is_deletion,
            "source_updated_at": self.version.updated_at,
            "observed_at": self.item.observed_at,
            "processing_status": self.status,
            "error_message": self.message,
        }


def _prepare(item: SourceObject) -> _Row:
    canonical, status, message = canonical_json(item.payload), "pending", None
    if not is_storable(canonical):
        mended = canonical_json(storable(item.payload))
        if mended != canonical:
            # The copy is evidence; refining it would pass a changed text for the provider's.
            canonical, status, message = mended, "error", UNSTORABLE
    return _Row(item, canonical, version_of(item, content_hash(item.payload, canonical)), status, message)


@dataclass
class _Batch:
    known: KnownVersions
    rows: list[_Row] = field(default_factory=list)
    unchanged: int = 0

    def offer(self, item: SourceObject, guarded: bool = True) -> bool:
        """Take the object in unless this version is stored already; tell whether it is the newest one now."""
        row = _prepare(item)
        verdict = self.known.judge(item.identity, row.version, guarded)
        if verdict == "unchanged":
            self.unchanged += 1
        elif verdict == "stale":
            self.rows.append(replace(row, status="skipped", message=STALE))
        else:
            self.known.put(item.identity, item.parent_id, row.version)
            self.rows.append(row)
        return verdict == "new"

    def offer_deletion(self, identity: Identity, parent: SourceObject) -> SourceObject:
        """A nested object is deleted by no longer being there: note it like a deletion that was reported."""
        _, object_type, object_id = identity
        payload = {"object_type": object_type, **key_payload(REFINED[object_type], object_id)}
        gone = replace(parent, object_type=object_type, object_id=object_id, payload=payload, is_deletion=True)
        gone = replace(gone, parent_id=parent.object_id)
        self.offer(gone, guarded=False)
        return gone


class ShopifyIngestService:
    async def ingest(self, session: AsyncSession, objects: Sequence[SourceObject]) -> Outcome:
        """Store the versions that are new, nested objects included, in this transaction.

        The caller holds the integrations' lock for "ingest".
        An older version than the newest is kept as `skipped` and its nested objects are left alone; the same version
        again is dropped. Objects that belong to a deleted one are deleted with it.
        """
        objects = await _routed(session, objects)
        outcome = Outcome()
        # A deletion looks up what belongs to its object, so what came before it must be in the table by then.
        for is_deletion, group in groupby(objects, key=lambda item: item.is_deletion):
            batch = await (_deletions if is_deletion else _versions)(session, list(group))
            await _store(session, batch, outcome)
        return outcome


async def _versions(session: AsyncSession, objects: list[SourceObject]) -> _Batch:
    batch = _Batch(KnownVersions())
    await batch.known.load(session, [item.identity for item in objects])
    fresh = [item for item in objects if batch.offer(item) and item.object_type in NESTED_TYPES]
    for integration_id, ids in _by_integration(fresh).items():
        await batch.known.load_children(session, integration_id, ids)
    for parent in fresh:
        children = nested_in(parent)
        for child in children:
            # The parent's age was judged already; a child without updated_at has no better one.
            batch.offer(child, guarded=False)
        present = {child.identity for child in children}
        for identity in batch.known.living_children(parent.integration_id, parent.object_id):
            if identity not in present and identity[1] in NESTED_TYPES[parent.object_type]:
                batch.offer_deletion(identity, parent)
    return batch


async def _deletions(session: AsyncSession, objects: list[SourceObject]) -> _Batch:
    batch = _Batch(KnownVersions())
    await batch.known.load(session, [item.identity for item in objects])
    parents = [item for item in objects if batch.offer(item)]
    while parents and not faults.value_of("childless_deletes"):
        for integration_id, ids in _by_integration(parents).items():
            await batch.known.load_children(session, integration_id, ids)
        places = [item for item in parents if item.object_type == "location"]
        for integration_id, ids in _by_integration(places).items():
            await batch.known.load_levels_at(session, integration_id, ids)
        parents = [
            batch.offer_deletion(identity, parent)
            for parent in parents
            for identity in batch.known.living_children(parent.integration_id, parent.object_id)
        ]
    return batch


async def _store(session: AsyncSession, batch: _Batch, outcome: Outcome) -> None:
    rows = await _without_known_late_ones(session, batch.rows)
    ids = await insert_rows(session, [row.columns() for row in rows])
    outcome.stored += len(rows)
    outcome.unchanged += batch.unchanged + len(batch.rows) - len(rows)
    outcome.to_refine += [
        RawRow(
            raw_id,
            row.item.integration_id,
            row.item.object_type,
            row.item.object_id,
            row.item.parent_id,
            row.item.payload,
            row.item.is_deletion,
            row.item.observed_at,
        )
        for raw_id, row in zip(ids, rows, strict=True)
        if row.status == "pending"
    ]


async def _without_known_late_ones(session: AsyncSession, rows: list[_Row]) -> list[_Row]:
    late = [row.item.identity for row in rows if row.status == "skipped"]
    known = await hashes_of(session, late) if late else set()
    kept = []
    for row in rows:
        version = (row.item.identity, row.version.hash)
        if row.status != "skipped" or version not in known:
            kept.append(row)
            known.add(version)
    return kept


def _by_integration(objects: Iterable[SourceObject]) -> dict[UUID, list[str]]:
    ids: dict[UUID, list[str]] = {}
    for item in objects:
        ids.setdefault(item.integration_id, []).append(item.object_id)
    return ids


async def _routed(session: AsyncSession, objects: Sequence[SourceObject]) -> Sequence[SourceObject]:
    astray = [item for item in objects if faults.names("wrong_tenant", item.object_id)]
    if not astray:
        return objects
    tenants = list((await session.execute(select(Integration.id).order_by(Integration.id))).scalars())
    others = {tenant: tenants[place - 1] for place, tenant in enumerate(tenants)}
    return [replace(item, integration_id=others[item.integration_id]) if item in astray else item for item in objects]


shopify_ingest_service = ShopifyIngestService()
