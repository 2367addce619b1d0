"""Reads a bounded part of a table: never more than so many rows or pages, and never a search that no index serves."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from psycopg import sql as names

from dsaudit.database import Database, QueryError
from dsaudit.database.shape import Column, Shape

Row = dict[str, Any]
MOST_ROWS = 10_000  # of a table, keys only
MOST_PAGES = 4_000  # of a large table that a sample touches: 32 MB


@dataclass
class Sampler:
    """Reads samples at one instant; what could not be read is told in `problems` and is no error."""

    database: Database
    problems: list[str] = field(default_factory=list)

    def rows(self, shape: Shape, columns: Iterable[str], most: int = MOST_ROWS) -> list[Row]:
        """Return up to `most` rows that are spread over the table; of a large one, from some of its pages."""
        spread = ""
        if shape.is_large:
            spread = f" tablesample system ({min(100, 100 * MOST_PAGES / shape.pages):.6f}) repeatable (1)"
        elif shape.kind in "rpm":
            spread = " order by pg_catalog.hashtext(x.ctid::text)"  # the first rows may all be of one type or tenant
        return self._read(shape, columns, f"{spread} limit {most:d}", {})

    def found(
        self, shape: Shape, columns: Iterable[str], by: Mapping[str, Sequence[Any]], most: int = MOST_ROWS
    ) -> list[Row]:
        """Return the rows whose columns `by` hold one of the given values; the caller has seen that an index serves.

        Values that are none of the column's type match nothing.
        """
        conditions, values = [], {}
        for index, (column, given) in enumerate(by.items()):
            kind = shape.columns[column]
            fitting = [text for text in dict.fromkeys(map(str, given)) if _fits(text, kind)]
            if not fitting:
                return []
            conditions.append(f"x.{_quoted(column)} = any(%(value_{index})s::{kind.type.split('(')[0]}[])")
            values[f"value_{index}"] = fitting
        return self._read(shape, columns, f" where {' and '.join(conditions)} limit {most:d}", values)

    def _read(self, shape: Shape, columns: Iterable[str], rest: str, values: Mapping[str, Any]) -> list[Row]:
        chosen = list(dict.fromkeys(columns))
        listed = ", ".join(_shown(shape.columns[name], number) for number, name in enumerate(chosen))
        table = f"{_quoted(shape.schema)}.{_quoted(shape.name)}"
        head, _, tail = rest.partition(" where ")
        query = f"select {listed} from {table} as x{head}{f' where {tail}' if tail else ''}"
        try:
            # With a value to bind, a % in a name is read in one way whether or not there is another.
            frame = self.database.query(query, {**values, "dsaudit": True}, most=None).frame
        except QueryError as error:
            self.problems.append(f"{shape.schema}.{shape.name} could not be sampled: {error}")
            return []
        is_json = [shape.columns[name].family == "json" for name in chosen]
        return [
            {name: _value(value, parsed) for name, value, parsed in zip(chosen, row, is_json, strict=True)}
            for row in frame.itertuples(index=False, name=None)
        ]


def _shown(column: Column, number: int) -> str:
    # As text, so that numbers inside stay exact.
    return f"x.{_quoted(column.name)}{'::text' if column.family == 'json' else ''} as c{number}"


def _value(value: Any, is_json: bool) -> Any:
    if value is None or value != value:  # a NaN is equal to nothing
        return None
    return json.loads(value, parse_float=Decimal) if is_json else value


def _fits(text: str, column: Column) -> bool:
    if column.family == "integer":
        largest = {"smallint": 2**15, "integer": 2**31}.get(column.type, 2**63)
        return text.lstrip("-").isascii() and text.lstrip("-").isdigit() and abs(int(text)) < largest
    if column.family == "uuid":
        return len(text.replace("-", "")) == 32 and all(letter in "0123456789abcdefABCDEF-" for letter in text)
    return column.family == "text" and "\x00" not in text


def _quoted(name: str) -> str:
    return names.Identifier(name).as_string(None).replace("%", "%%")
