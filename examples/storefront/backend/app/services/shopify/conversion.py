"""Turns payload values into column values: exact, or not at all."""

import unicodedata
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Boolean, Column, Date, DateTime, Integer, Numeric, Text
from sqlalchemy.sql.sqltypes import Uuid

from app.core import faults
from app.models.shopify.refined import PARENT, SERVICE_COLUMNS, Refined, path_of
from app.services.shopify.raw_rows import RawRow
from app.services.shopify.source_object import Payload

LARGEST_INTEGER = 2**31 - 1  # of four bytes
ZERO_DECIMAL_CURRENCIES = frozenset({"JPY", "KRW", "VND"})


class RefinementError(Exception):
    """A payload that its table cannot take; the message says which field and why."""


def _as_text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("is no text")
    if faults.value_of("texts_stripped"):
        value = value.strip()
    if faults.value_of("texts_composed"):
        value = unicodedata.normalize("NFC", value)
    return value


def _as_number(value: Any) -> int:
    # JSON's true would pass for 1, and "12" is text.
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("is no whole number")
    return value


def _as_truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError("is neither true nor false")
    return value


def _as_decimal(value: Any) -> Decimal:
    number = Decimal(str(float(value) if faults.value_of("float_amounts") else value))
    if not number.is_finite():
        raise ValueError("is no finite number")
    return number


def _as_instant(value: Any) -> datetime:
    instant = datetime.fromisoformat(value)
    if instant.tzinfo is None:
        raise ValueError("has no UTC offset")
    if faults.value_of("timezone_dropped"):
        return instant.replace(tzinfo=UTC)
    return instant


def _as_numbers(value: Any) -> list[int]:
    return [_as_number(item) for item in value]


def _as_texts(value: Any) -> list[str]:
    return [_as_text(item) for item in value]


Converter = Callable[[Any], Any]

_CONVERTERS: dict[type, Converter] = {
    Text: _as_text,
    BigInteger: _as_number,
    Integer: _as_number,
    Boolean: _as_truth,
    Numeric: _as_decimal,
    DateTime: _as_instant,
    Date: date.fromisoformat,
}


def _converter_of(column: Column[Any]) -> Converter:
    if isinstance(column.type, ARRAY):
        return _as_numbers if isinstance(column.type.item_type, BigInteger) else _as_texts
    return _CONVERTERS[type(column.type)]


class RowBuilder:
    """Builds the row of one refined table from a payload; the links to other rows are resolved elsewhere."""

    def __init__(self, model: type[Refined]) -> None:
        columns = [
            column
            for column in model.__table__.columns  # type: ignore[attr-defined]
            if column.key not in SERVICE_COLUMNS and not isinstance(column.type, Uuid)
        ]
        self._fields = [
            (column.key, path_of(column).split("."), _converter_of(column), column.nullable) for column in columns
        ]
        self._money = [column.key for column in columns if isinstance(column.type, Numeric) and column.type.scale == 4]

    def build(self, row: RawRow) -> dict[str, Any]:
        if faults.names("refine_error", row.object_id):
            raise RefinementError("refinement failed")
        values = {name: _convert(row, path, converter, nullable) for name, path, converter, nullable in self._fields}
        if faults.value_of("money_divided") and row.payload.get("currency") in ZERO_DECIMAL_CURRENCIES:
            for name in self._money:
                values[name] = None if values[name] is None else values[name] / 100
        return values


def _convert(row: RawRow, path: list[str], converter: Converter, nullable: bool) -> Any:
    value = int(row.parent_id or 0) if path == [PARENT] else _look_up(row.payload, path)
    if nullable and faults.value_of("large_numbers_dropped") and isinstance(value, int) and value > LARGEST_INTEGER:
        return None
    if value is None:
        if nullable:
            return None
        raise RefinementError(f"{'.'.join(path)} is missing")
    try:
        return converter(value)
    except (TypeError, ValueError, InvalidOperation) as error:
        raise RefinementError(f"{'.'.join(path)} {error}") from error


def _look_up(payload: Payload, path: list[str]) -> Any:
    value: Any = payload
    for step in path:
        value = None if value is None else value.get(step)
    return value
