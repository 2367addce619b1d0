"""What is asked of the audited server before its schema is copied; it is only read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import namedtuple_row

from dsaudit.database.errors import first_line
from dsaudit.scratch.model import ScratchError

LOCK_SECONDS = 2  # a lock that is waited for holds up everybody behind it
STATEMENT_SECONDS = 60
READ_ONLY = f"-c default_transaction_read_only=on -c lock_timeout={LOCK_SECONDS}s -c row_security=off"

_TABLES = """
select n.nspname as schema, c.relname as name,
       pg_catalog.has_table_privilege(c.oid, 'SELECT') and pg_catalog.has_schema_privilege(n.oid, 'USAGE') as readable
from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where n.nspname = any(%(schemas)s) and c.relkind in ('r', 'p', 'm', 'f')
order by 1, 2
"""
_EXTENSIONS = """
select e.extname as name, n.nspname as schema
from pg_catalog.pg_extension as e join pg_catalog.pg_namespace as n on n.oid = e.extnamespace
where e.extname <> 'plpgsql' order by 1
"""
# Everybody who owns something in the schemas, was granted something there or is named by a policy, those asked for, and
# what they are members of.
_ROLES = """
with recursive spaces as (select oid, nspowner, nspacl from pg_catalog.pg_namespace where nspname = any(%(schemas)s)),
relations as (select c.* from pg_catalog.pg_class as c join spaces as s on s.oid = c.relnamespace),
functions as (select p.* from pg_catalog.pg_proc as p join spaces as s on s.oid = p.pronamespace),
granted (acl) as (
  select nspacl from spaces union all select relacl from relations union all select proacl from functions
  union all select t.typacl from pg_catalog.pg_type as t join spaces as s on s.oid = t.typnamespace
  union all select a.attacl from pg_catalog.pg_attribute as a join relations as r on r.oid = a.attrelid
  union all select d.defaclacl from pg_catalog.pg_default_acl as d where d.defaclnamespace in (select oid from spaces)
),
named (oid) as (
  select nspowner from spaces union select relowner from relations union select proowner from functions
  union select t.typowner from pg_catalog.pg_type as t join spaces as s on s.oid = t.typnamespace
  union select d.defaclrole from pg_catalog.pg_default_acl as d where d.defaclnamespace in (select oid from spaces)
  union select pg_catalog.unnest(p.polroles) from pg_catalog.pg_policy as p join relations as r on r.oid = p.polrelid
  union select x.grantee from granted, pg_catalog.aclexplode(granted.acl) as x
  union select x.grantor from granted, pg_catalog.aclexplode(granted.acl) as x
  union select oid from pg_catalog.pg_roles where rolname = any(%(roles)s)
),
wanted (oid) as (
  select oid from named
  union select m.roleid from pg_catalog.pg_auth_members as m join wanted as w on w.oid = m.member
)
select r.rolname as name, r.rolinherit as inherits, r.rolbypassrls or r.rolsuper as bypasses,
       array(select g.rolname::text from pg_catalog.pg_auth_members as m
             join pg_catalog.pg_roles as g on g.oid = m.roleid where m.member = r.oid order by 1) as member_of
from pg_catalog.pg_roles as r join wanted as w on w.oid = r.oid
order by 1
"""


@dataclass(frozen=True)
class Origin:
    """What the audited server told: its version, and what belongs to the schemas."""

    version: int
    tables: list[Any]
    extensions: list[Any]
    roles: list[Any]


def arguments(url: str) -> dict[str, Any]:
    """Return what libpq is connected with, as a session that cannot write."""
    try:
        given = dict(conninfo_to_dict(re.sub(r"^(postgres(?:ql)?)\+\w+://", r"\1://", url)))
    except psycopg.Error:
        raise ScratchError("the audited URL is no URL such as postgresql://user:password@host/database") from None
    limits = {"connect_timeout": "10", "application_name": "dsaudit/scratch"}
    return {**limits, **given, "options": f"{given.get('options') or ''} {READ_ONLY}".strip()}


def ask(url: str, schemas: Sequence[str], roles: Sequence[str]) -> Origin:
    """Ask the audited server what the copy needs to know.

    Raises
    ------
    ScratchError
        It cannot be reached, or has no such schema.
    """
    values = {"schemas": list(schemas), "roles": list(roles)}
    with _asking(url) as connection:
        asked = connection.execute("select nspname as name from pg_catalog.pg_namespace").fetchall()
        missing = sorted({*schemas} - {row.name for row in asked})
        if missing or not schemas:
            raise ScratchError(f"the audited database has no schema {', '.join(missing) or 'by no name'}")
        return Origin(
            connection.info.server_version,
            connection.execute(_TABLES, values).fetchall(),
            connection.execute(_EXTENSIONS).fetchall(),
            connection.execute(_ROLES, values).fetchall(),
        )


@contextmanager
def _asking(url: str) -> Iterator[psycopg.Connection[Any]]:
    try:
        with psycopg.connect(**arguments(url), row_factory=namedtuple_row) as connection:
            connection.read_only = True
            connection.execute(f"set local statement_timeout = '{STATEMENT_SECONDS}s'")
            connection.execute("set local search_path = pg_catalog")
            yield connection
            connection.rollback()
    except psycopg.Error as error:
        raise ScratchError(f"the audited database cannot be read for its schema: {first_line(error)}") from None
