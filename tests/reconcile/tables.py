"""Two sides of a comparison, made for a test: records in a file, and a table in a real PostgreSQL."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from dsaudit.database import Database
from dsaudit.parameters.database import Database as Settings
from dsaudit.parameters.fields import FieldOf
from dsaudit.reconcile.compare import Comparison, compare
from dsaudit.reconcile.forms import Column
from dsaudit.reconcile.inputs import Lines, Side, Table


def column(name: str, kind: str = "text", place: str | None = None, **rule: Any) -> Column:
    """A declared column that is named alike on both sides, unless `place` says where the source has it."""
    return Column(name, name, FieldOf(**{"from": place or name, "as": kind}, **rule))


def payload(name: str = "payload", path: str = "payload") -> Column:
    return Column(name, name, None, path)


def opened(url: str, **settings: Any) -> Database:
    """Open a database as an audit does."""
    os.environ["RECONCILE_URL"] = url
    return Database.open(Settings(url_env="RECONCILE_URL", **settings))


@dataclass
class Tables:
    """A place in a test's database for tables, and one in its folder for files."""

    url: str
    folder: Path
    database: Database

    def execute(self, statement: str, *values: Any) -> None:
        with psycopg.connect(self.url) as connection:
            connection.execute(statement, values or None)  # type: ignore[call-overload]

    def table(self, columns: str, rows: Sequence[Sequence[Any]], split: bool = True) -> Table:
        """Make a table of the given columns and rows."""
        name = f"t_{secrets.token_hex(6)}"
        with psycopg.connect(self.url) as connection:
            connection.execute(f"create table {name} ({columns})")  # type: ignore[call-overload]
            marks = sql.SQL(", ").join([sql.Placeholder()] * len(rows[0])) if rows else sql.SQL("")
            insert = sql.SQL("insert into {} values ({})").format(sql.Identifier(name), marks)
            with connection.cursor() as cursor:
                cursor.executemany(insert, rows)
        self.database._catalogue = None
        oid = self.database.catalogue()["public", name].oid
        place = ", x.ctid as place" if split else ""
        select = f"select x.*{place} from public.{name} as x"
        return Table(self.database, select, {}, [oid], "place" if split else None)

    def lines(self, records: Sequence[Any], name: str = "records.jsonl") -> Lines:
        """Write records, or lines as they are, to a file."""
        path = self.folder / name
        texts = [one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for one in records]
        path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
        return Lines(path, len(records))

    def compare(
        self, there: Side, here: Table, keys: Sequence[Column], columns: Sequence[Column], **how: Any
    ) -> Comparison:
        return compare(there, here, keys, columns, folder=self.folder, **how)


def found(comparison: Comparison) -> dict[str, Any]:
    """What a comparison found, to be held against what it should have."""
    frames = {name: getattr(comparison, name) for name in ("missing", "extra", "different", "repeated")}
    return {name: [tuple(row) for row in frame.itertuples(index=False)] for name, frame in frames.items() if len(frame)}


def kinds(comparison: Comparison) -> list[tuple[Any, ...]]:
    """The key, field and kind of each difference."""
    rows = comparison.different.to_dict("records")
    return [(*list(row.values())[:-4], row["field"], row["kind"]) for row in rows]
