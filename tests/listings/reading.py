"""Reads the sample whole: what its tables hold, what the database enforces, which files the copy of the code has."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from prometheus_client.parser import text_string_to_metric_families

from examples import databases
from examples.listings.sample import Sample
from tests import samples

STEPPING = Path(__file__).with_name("stepping.py")
TABLES = ("cpus", "listings", "bulk_jobs", "import_sessions", "listing_changes")
METRICS = ("adjusted_price_usd", "price_per_cpu_mark", "adjusted_deal_rating", "cpu_price_performance_rating")
SCHEMA = """
select conname as name, conrelid::regclass::text as of, pg_get_constraintdef(oid) || convalidated as is
from pg_constraint where connamespace = 'public'::regnamespace
union all select indexname, tablename, indexdef from pg_indexes where schemaname = 'public'
union all select attname, attrelid::regclass::text,
        format_type(atttypid, atttypmod) || attnotnull || coalesce(pg_get_expr(adbin, adrelid), '')
    from pg_attribute left join pg_attrdef on adrelid = attrelid and adnum = attnum
    where attrelid in (select oid from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r')
    and attnum > 0 and not attisdropped
order by 1, 2, 3
"""


def contents(sample: Sample) -> dict[str, Any]:
    return samples.contents(sample, TABLES)


def files(sample: Sample) -> dict[str, str]:
    """The digest of every file that a fault may edit."""
    paths = [path for path in sample.code.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    paths += [sample.parameters, *sample.results.iterdir()]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def fingerprint(sample: Sample) -> Any:
    """All that a fault could leave behind."""
    return contents(sample), sample.rows(SCHEMA), files(sample), sample.switches()


def measured(sample: Sample) -> dict[str, float]:
    """What is scraped: each series as Prometheus writes it, its labels in order."""
    found = {}
    for family in text_string_to_metric_families(sample.scraped()):
        for one in family.samples:
            labels = ",".join(f'{name}="{text}"' for name, text in sorted(one.labels.items()))
            found[f"{one.name}{{{labels}}}" if labels else one.name] = one.value
    return found


@contextmanager
def empty_database(sample: Sample, name: str = "tried") -> Iterator[str]:
    """A database beside the sample's, for its migrations; its address."""
    databases.drop(sample.server_url, name)
    databases.execute(sample.server_url, f"create database {name}")
    try:
        yield databases.address(sample.server_url, database=name)
    finally:
        databases.drop(sample.server_url, name)


def stepped(sample: Sample, url: str, *steps: str) -> subprocess.CompletedProcess[str]:
    """Run Alembic's commands on the sample's own copy of the project, and scripts of SQL between them."""
    told = [one if one.startswith(("insert ", "update ")) else one.split() for one in steps]
    return subprocess.run(
        [sys.executable, str(STEPPING)],
        cwd=sample.code,
        env={**os.environ, "LISTINGS_MIGRATIONS_URL": url},
        input=json.dumps(told),
        capture_output=True,
        text=True,
        check=False,
    )


def migrated(sample: Sample, url: str, *steps: str) -> None:
    done = stepped(sample, url, *steps)
    assert done.returncode == 0, done.stdout + done.stderr


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()
