"""Reads the sample whole: what its tables hold, and what the database enforces."""

from __future__ import annotations

from typing import Any

import psycopg

from examples import databases
from examples.discovery.sample import Sample
from examples.discovery.tenants import ENGAGEMENTS, Engagement
from tests import samples
from tests.samples import value

TABLES = ("crewai_flow_state_extensions", "data_imports", "raw_import_records", "discovery_flows", "assets")
ACME, ACME_LATER, BOREALIS = ENGAGEMENTS
SCHEMA = """
select conname as name, conrelid::regclass::text as of, pg_get_constraintdef(oid) || convalidated as is
from pg_constraint where connamespace = 'public'::regnamespace
union all select indexname, tablename, indexdef from pg_indexes where schemaname = 'public'
union all select policyname, tablename, cmd || qual || with_check || roles::text from pg_policies
union all select attname, attrelid::regclass::text, format_type(atttypid, atttypmod) || attnotnull from pg_attribute
    where attrelid in (select oid from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r')
    and attnum > 0
union all select relname, '', concat(relrowsecurity, relforcerowsecurity, relacl::text) from pg_class
    where relnamespace = 'public'::regnamespace and relkind = 'r'
union all select rolname, '', concat(rolbypassrls, rolsuper, rolcreaterole) from pg_roles where rolname !~ '^pg_'
order by 1, 2, 3
"""


def contents(sample: Sample) -> dict[str, Any]:
    return samples.contents(sample, TABLES)


def fingerprint(sample: Sample) -> Any:
    """All that a fault could leave behind."""
    return contents(sample), sample.rows(SCHEMA), sample.switches()


def seen_by(sample: Sample, engagement: Engagement | None) -> dict[str, int]:
    """How many rows of each table the application's role sees when it names an engagement, or none."""
    database = databases.address(sample.server_url, database=databases.name_of(sample.owner_url))
    with psycopg.connect(database) as connection:
        connection.execute(f"set role {sample.application}")
        for name, setting in (engagement.settings if engagement else {}).items():
            connection.execute("select set_config(%s, %s, true)", [name, setting])
        return {table: connection.execute(f"select count(*) from {table}").fetchone()[0] for table in TABLES}


def of_engagement(sample: Sample, engagement: Engagement) -> dict[str, int]:
    """How many rows of each table are an engagement's."""
    query = "select count(*) from {} where client_account_id = %s and engagement_id = %s"
    keys = (engagement.client_account_id, engagement.engagement_id)
    return {table: value(sample, query.format(table), *keys) for table in TABLES}


def listed(sample: Sample, path: str, engagement: Engagement, **query: object) -> list[dict[str, Any]]:
    """All pages of a list of the API, whose total has to be true."""
    rows: list[dict[str, Any]] = []
    for page in range(1, 100):
        answer = sample.api(f"api/v1/{path}", engagement, page=page, page_size=40, **query)
        rows += answer["data"]
        if len(answer["data"]) < 40:
            assert answer["meta"] == {"total": len(rows), "page": page, "page_size": 40}
            return rows
    raise AssertionError(f"{path} has no end")
