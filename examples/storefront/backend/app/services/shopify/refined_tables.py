"""Statements on the refined tables: one upsert and one soft delete per type, and the look-up of local ids."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Select,
    Table,
    bindparam,
    func,
    literal_column,
    null,
    select,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.dialects.postgresql.dml import Insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.dml import Update

from app.models.shopify import REFINED
from app.models.shopify.refined import Link, Refined, key_values
from app.services.shopify.raw_rows import RawRow


def table_of(model: type[Refined]) -> Table:
    return model.__table__  # type: ignore[attr-defined, no-any-return]


LINKS: dict[str, dict[str, Link]] = {
    object_type: {column.key: column.info["link"] for column in table_of(model).columns if "link" in column.info}
    for object_type, model in REFINED.items()
}
PARENT_TYPES = frozenset(link.parent for links in LINKS.values() for link in links.values())


@cache
def _upsert(object_type: str) -> Insert:
    model = REFINED[object_type]
    table = table_of(model)
    statement = insert(table)
    fixed = {"id", "integration_id", "created_at", "updated_at", "deleted_at", *model.key}
    changes: dict[str, Any] = {
        column.key: statement.excluded[column.key] for column in table.columns if column.key not in fixed
    }
    changes |= {"updated_at": func.clock_timestamp(), "deleted_at": null()}
    return statement.on_conflict_do_update(
        index_elements=["integration_id", *model.key],
        set_=changes,
        # Rows of the raw table follow the order of versions: a later one has been here already.
        where=table.c.raw_ingest_id <= statement.excluded.raw_ingest_id,
    )


@cache
def _soft_delete(object_type: str) -> Update:
    model = REFINED[object_type]
    table = table_of(model)
    same = [table.c[name] == bindparam(f"key_{name}") for name in model.key]
    return (
        update(table)
        .where(table.c.integration_id == bindparam("tenant"), *same, table.c.raw_ingest_id <= bindparam("raw"))
        .values(deleted_at=bindparam("at"), raw_ingest_id=bindparam("raw"), updated_at=func.clock_timestamp())
    )


async def upsert(session: AsyncSession, object_type: str, records: list[dict[str, Any]]) -> None:
    if records:
        await session.execute(_upsert(object_type), records)


async def soft_delete(session: AsyncSession, object_type: str, rows: Iterable[RawRow]) -> None:
    values = []
    for row in rows:
        key = key_values(REFINED[object_type], row.object_id)
        named = {f"key_{name}": value for name, value in key.items()}
        values.append({"tenant": row.integration_id, "raw": row.id, "at": row.observed_at, **named})
    await session.execute(_soft_delete(object_type), values)


async def soft_delete_others(
    session: AsyncSession, object_type: str, integration_id: UUID, kept: Collection[str]
) -> None:
    """Take what is not among the ids `kept` for deleted at the provider."""
    model = REFINED[object_type]
    table = table_of(model)
    others = table.c[model.key[0]].not_in([int(one) for one in kept])
    living = update(table).where(table.c.integration_id == integration_id, table.c.deleted_at.is_(None), others)
    await session.execute(living.values(deleted_at=func.clock_timestamp(), updated_at=func.clock_timestamp()))


@dataclass(frozen=True, slots=True)
class Local:
    id: UUID
    is_deleted: bool


def _look_up(object_type: str) -> Select[Any]:
    model = REFINED[object_type]
    table = table_of(model)
    key = table.c[model.key[0]]
    wanted = func.any(bindparam(object_type, type_=ARRAY(BigInteger)))
    return select(literal_column(f"'{object_type}'"), key, table.c.id, table.c.deleted_at.is_not(None)).where(
        table.c.integration_id == bindparam("integration_id"), key == wanted
    )


# One statement for all types: the round trips cost more than the empty look-ups.
_LOOK_UP = union_all(*map(_look_up, sorted(PARENT_TYPES)))


@dataclass
class LocalIds:
    """The local ids of one integration's rows by object type and Shopify id, known before they are written."""

    _found: dict[tuple[str, int], Local] = field(default_factory=dict)

    @classmethod
    async def read(
        cls, session: AsyncSession, integration_id: UUID, wanted: Mapping[str, Collection[int]]
    ) -> "LocalIds":
        ids = {object_type: list(wanted.get(object_type, ())) for object_type in PARENT_TYPES}
        rows = await session.execute(_LOOK_UP, {**ids, "integration_id": integration_id})
        return cls({(object_type, shopify_id): Local(*rest) for object_type, shopify_id, *rest in rows})

    def get(self, object_type: str, shopify_id: int) -> Local | None:
        return self._found.get((object_type, shopify_id))

    def of_written(self, object_type: str, shopify_id: int) -> UUID:
        """The id of a row about to be written: its own if it is there already, else a new one."""
        known = self._found.get((object_type, shopify_id))
        local = Local(known.id if known else uuid4(), False)
        self._found[object_type, shopify_id] = local
        return local.id
