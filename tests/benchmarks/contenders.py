"""Each contender compares the same two sides in a process of its own, and says what it found.

``python -m tests.benchmarks.contenders NAME`` reads where the sides are from standard input, as JSON.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

Found = tuple[int, int, int]  # missing, extra, different
SCALARS = ["status", "total", "updated_at"]
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
    from dsaudit.parameters.models import Database as Settings
    from dsaudit.reconcile.inputs import Table

    os.environ["BENCH_URL"] = url
    database = Database.open(Settings(url_env="BENCH_URL", statement_timeout=600))
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


CONTENDERS: dict[str, tuple[str, Callable[[dict[str, str]], Found]]] = {
    "dsaudit": ("PostgreSQL and PostgreSQL, full rows", dsaudit_databases),
    "reladiff, tuned": ("PostgreSQL and PostgreSQL, full rows", reladiff),
    "datacompy, polars": ("PostgreSQL and PostgreSQL, full rows", datacompy_polars),
    "dsaudit, lines": ("JSON Lines and PostgreSQL, full rows", dsaudit_lines),
    "dsaudit, lines, exact": ("JSON Lines and PostgreSQL, full rows", lambda made: dsaudit_lines(made, exact=True)),
    "pandas merge": ("JSON Lines and PostgreSQL, full rows", pandas_merge),
    "dsaudit, lines, fields": ("JSON Lines and PostgreSQL, declared fields", lambda made: dsaudit_lines(made, False)),
    "dsaudit, parquet, fields": ("Parquet and PostgreSQL, declared fields", dsaudit_parquet),
}


if __name__ == "__main__":
    print(json.dumps(CONTENDERS[sys.argv[1]][1](json.load(sys.stdin))))
