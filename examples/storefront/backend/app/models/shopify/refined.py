"""What every refined table has, and how its columns say where their values come from.

A column without a remark takes the payload's field of its own name. `info["from"]` names another field ("customer.id"
goes one level down, PARENT is the object that carried this one); `info["link"]` makes the column the local id of
another refined row.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, Column, Date, ForeignKey, Integer, Numeric, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, MappedColumn, mapped_column
from sqlalchemy.types import Text

PARENT = "^"
FIRST, LAST = -1, 1

Rate = Annotated[Decimal, mapped_column(Numeric(12, 6))]
Count = Annotated[int, mapped_column(Integer)]
Day = Annotated[date, mapped_column(Date)]
Texts = Annotated[list[str], mapped_column(ARRAY(Text))]
Numbers = Annotated[list[int], mapped_column(ARRAY(BigInteger))]


@dataclass(frozen=True)
class Link:
    """A foreign key: the parent's object type, the column with its Shopify id, and whether a row may lack it."""

    parent: str
    by: str
    required: bool


def taken_from(path: str) -> MappedColumn[Any]:
    return mapped_column(info={"from": path})


def belongs_to(parent: str, by: str) -> MappedColumn[Any]:
    """The local id of the row this one cannot be without."""
    return mapped_column(ForeignKey(f"shopify_{parent}.id"), index=True, info={"link": Link(parent, by, True)})


def refers_to(parent: str, by: str) -> MappedColumn[Any]:
    """The local id of a row that may be gone from the shop, or not have come yet."""
    return mapped_column(ForeignKey(f"shopify_{parent}.id"), index=True, info={"link": Link(parent, by, False)})


def one_per_shop(table: str, *columns: str) -> tuple[UniqueConstraint]:
    return (UniqueConstraint("integration_id", *columns, name=f"uq_{table}_source"),)


class Refined:
    object_type: ClassVar[str]
    key: ClassVar[tuple[str, ...]]

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=func.gen_random_uuid(), sort_order=FIRST)
    integration_id: Mapped[UUID] = mapped_column(ForeignKey("integration.id"), sort_order=FIRST)
    raw_ingest_id: Mapped[int] = mapped_column(sort_order=LAST)
    source_created_at: Mapped[datetime | None] = mapped_column(info={"from": "created_at"}, sort_order=LAST)
    source_updated_at: Mapped[datetime | None] = mapped_column(info={"from": "updated_at"}, sort_order=LAST)
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp(), sort_order=LAST)
    updated_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp(), sort_order=LAST)
    deleted_at: Mapped[datetime | None] = mapped_column(sort_order=LAST)


SERVICE_COLUMNS = frozenset({"id", "integration_id", "raw_ingest_id", "created_at", "updated_at", "deleted_at"})


def path_of(column: Column[Any]) -> str:
    """The payload's field that a column's value is taken from."""
    return str(column.info.get("from", column.key))


def key_values(model: type[Refined], object_id: str) -> dict[str, int | str]:
    """The key columns' values of "123" or "123:1" or "123:billing"."""
    parts = [int(part) if part.isdigit() else part for part in object_id.split(":")]
    return dict(zip(model.key, parts, strict=True))


def key_payload(model: type[Refined], object_id: str) -> dict[str, int | str]:
    """The same in the payload's own names: who the object is, and nothing else."""
    columns = model.__table__.columns  # type: ignore[attr-defined]
    return {path_of(columns[name]): value for name, value in key_values(model, object_id).items()}
