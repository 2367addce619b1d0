"""Each contender compares the same two sides in a process of its own, and says what it found.

``python -m tests.benchmarks.contenders NAME`` reads where the sides are from standard input, as JSON.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Found = tuple[int, int, int]  # missing, extra, different
SCALARS = ["status", "total", "updated_at"]
HASHED = """
select sum(hash_record_extended(row(o.id, o.token, o.status, o.total, o.updated_at, o.payload), 0)) from orders as o
"""
KINDS = {"status": "text", "total": "money", "updated_at": "instant"}


def dsaudit_databases(made: dict[str, str]) -> Found:
    from dsaudit.reconcile.segments import compare_databases

    told = compare_databases(_table(made["source"]), _table(made["copied"]), ["id"], ["token", *SCALARS, "payload"])
    return told.counts["missing"], told.counts["extra"], told.counts["different"]


def dsaudit_lines(made: dict[str, str], payload: bool = True, exact: bool = False) -> Found:
    from dsaudit.reconcile.inputs import Lines

    return _compared(made, Lines(Path(made["lines"])), payload, exact)


def dsaudit_parquet(made: dict[str, str]) -> Found:
    from dsaudit.reconcile.inputs import Rows

    return _compared(made, Rows.of(Path(made["parquet"])), False, False)


def _compared(made: dict[str, str], there: Any, payload: bool, exact: bool) -> Found:
    from dsaudit.parameters.fields import FieldOf
    from dsaudit.reconcile.compare import compare
    from dsaudit.reconcile.forms import Column

    kinds = {"id": "integer", **KINDS}
    columns = [Column(name, name, FieldOf.model_validate({"from": name, "as": kind})) for name, kind in kinds.items()]
    columns += [Column("payload", "payload", None, "payload")] if payload else []
    table = _table(made["copied"])
    told = compare(there, table, columns[:1], columns[1:], exact=exact, memory="1GB", folder=Path(made["folder"]))
    return told.counts["missing"], told.counts["extra"], told.counts["different"]


def _table(url: str) -> Any:
    from dsaudit.database import Database
    from dsaudit.parameters.database import Database as Settings
    from dsaudit.reconcile.inputs import Table

    os.environ["BENCH_URL"] = url
    database = Database.open(Settings(url_env="BENCH_URL", statement_timeout=600, snapshot_age=3600))
    oid = database.catalogue()["public", "orders"].oid
    return Table(database, "select x.*, x.ctid as place from public.orders as x", {}, [oid], "place")


def reladiff(made: dict[str, str]) -> Found:
    """Tuned: measured to be its best here."""
    from reladiff import connect_to_table, diff_tables

    columns = ("token", *SCALARS, "payload")
    how = {"extra_columns": columns, "thread_count": 4}
    tables = [connect_to_table(made[side], "orders", "id", **how) for side in ("source", "copied")]
    signs: dict[Any, set[str]] = {}
    tuned = {"bisection_factor": 1000, "bisection_threshold": 16384, "threaded": True, "max_threadpool_size": 4}
    for sign, row in diff_tables(*tables, **tuned, skip_sort_results=True):
        signs.setdefault(row[0], set()).add(sign)
    kinds = ["".join(sorted(one)) for one in signs.values()]
    return kinds.count("-"), kinds.count("+"), kinds.count("+-")


def datacompy_polars(made: dict[str, str]) -> Found:
    """Both sides in memory, by connectorx; the payload as PostgreSQL's text."""
    import polars
    from datacompy import PolarsCompare

    query = "select id, status, total::text as total, updated_at, payload::text as payload from orders"
    frames = [polars.read_database_uri(query, made[side], engine="connectorx") for side in ("source", "copied")]
    told = PolarsCompare(*frames, join_columns="id")
    different = told.intersect_rows.filter(~polars.all_horizontal(polars.col("^.*_match$"))).height
    return told.df1_unq_rows.height, told.df2_unq_rows.height, different


def pandas_merge(made: dict[str, str]) -> Found:
    """What is written on the first day: read the file, read the table, merge, compare the columns."""
    import pandas
    import sqlalchemy

    there = pandas.read_json(made["lines"], lines=True, dtype={"total": "str"})[["id", *SCALARS, "payload"]]
    engine = sqlalchemy.create_engine(made["copied"].replace("postgresql:", "postgresql+psycopg:"))
    here = pandas.read_sql("select id, status, total::text as total, updated_at, payload from orders", engine)
    there["updated_at"] = pandas.to_datetime(there["updated_at"], utc=True, format="ISO8601")
    both = there.merge(here, on="id", how="outer", suffixes=("", "_here"), indicator=True)
    shared = both[both["_merge"] == "both"]
    apart = False
    for name in (*SCALARS, "payload"):
        apart = apart | (shared[name] != shared[f"{name}_here"])
    return int((both["_merge"] == "left_only").sum()), int((both["_merge"] == "right_only").sum()), int(apart.sum())


# What no comparison of these two sides can do without, and nothing else ---------------------------------------------


def hashed_databases(made: dict[str, str]) -> None:
    """Both servers hash every row once."""
    import psycopg

    with ThreadPoolExecutor(2) as pool:
        for _ in pool.map(lambda side: psycopg.connect(made[side]).execute(HASHED).fetchall(), ("source", "copied")):
            pass


def read_lines(made: dict[str, str], payload: bool = True) -> None:
    """DuckDB reads both sides as typed columns and hashes them, the payload normalised; it keeps and joins nothing."""
    kinds = "id: 'BIGINT', status: 'VARCHAR', total: 'DECIMAL(12,2)', updated_at: 'TIMESTAMPTZ', payload: 'JSON'"
    _hashed(made, f"read_json('{made['lines']}', format='newline_delimited', columns={{{kinds}}})", payload)


def read_parquet(made: dict[str, str]) -> None:
    """The same of the Parquet file."""
    _hashed(made, f"read_parquet('{made['parquet']}')", False)


def _hashed(made: dict[str, str], relation: str, payload: bool) -> None:
    import duckdb
    from adbc_driver_postgresql import dbapi

    listed = f"id, status, total, updated_at{', json_normalize(payload)' if payload else ''}"
    sent = f"select id, status, total::text as total, updated_at{', payload::text as payload' if payload else ''}"
    with duckdb.connect(config={"threads": 2, "memory_limit": "1GB", "preserve_insertion_order": False}) as here:
        here.execute(f"select bit_xor(hash({listed})) from {relation}").fetchall()
        with dbapi.connect(made["copied"], autocommit=True) as connection, connection.cursor() as cursor:
            cursor.execute(f"{sent} from orders")
            here.register("stream", cursor.fetch_arrow())
            here.execute(f"select bit_xor(hash({listed})) from stream").fetchall()


@dataclass(frozen=True)
class Contender:
    """What is compared, and how; CPU seconds and MB for each million rows, roughly, to say beforehand what will be."""

    pair: str
    run: Callable[[dict[str, str]], Found | None]
    seconds: float
    memory: float = 0  # 0 where it does not grow with the rows


DATABASES = "PostgreSQL and PostgreSQL, full rows"
LINES = "JSON Lines and PostgreSQL, full rows"
FIELDS = "JSON Lines and PostgreSQL, declared fields"
PARQUET = "Parquet and PostgreSQL, declared fields"
CONTENDERS = {
    "dsaudit": Contender(DATABASES, dsaudit_databases, 6),
    "reladiff, tuned": Contender(DATABASES, reladiff, 30),
    "datacompy, polars": Contender(DATABASES, datacompy_polars, 15, 1300),
    "floor, databases": Contender(DATABASES, hashed_databases, 3),
    "dsaudit, lines": Contender(LINES, dsaudit_lines, 16),
    "dsaudit, lines, exact": Contender(LINES, lambda made: dsaudit_lines(made, exact=True), 19),
    "pandas merge": Contender(LINES, pandas_merge, 100, 8000),
    "floor, lines": Contender(LINES, read_lines, 12),
    "dsaudit, lines, fields": Contender(FIELDS, lambda made: dsaudit_lines(made, False), 7),
    "floor, lines, fields": Contender(FIELDS, lambda made: read_lines(made, False), 4),
    "dsaudit, parquet, fields": Contender(PARQUET, dsaudit_parquet, 3),
    "floor, parquet, fields": Contender(PARQUET, read_parquet, 2),
}


if __name__ == "__main__":
    print(json.dumps(CONTENDERS[sys.argv[1]].run(json.load(sys.stdin))))
