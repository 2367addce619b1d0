"""What is asked of the audited server before its schema is copied; it is only read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
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
# Other schemas, whose types, sequences and functions the tables are made with.
_BORROWED = """
with recursive tables as (
  select c.oid, c.relnamespace from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where n.nspname = any(%(schemas)s) and c.relkind in ('r', 'p')
),
types (oid) as (
  select a.atttypid from pg_catalog.pg_attribute as a join tables as t on t.oid = a.attrelid where a.attnum > 0
  union
  select part.oid from types join pg_catalog.pg_type as t on t.oid = types.oid
  left join pg_catalog.pg_attribute as a on a.attrelid = t.typrelid and t.typtype = 'c' and a.attnum > 0
  cross join lateral (values (t.typbasetype), (t.typelem), (a.atttypid)) as part (oid) where part.oid <> 0
),
parts (class, oid) as (
  select 'pg_catalog.pg_attrdef'::pg_catalog.regclass, d.oid from pg_catalog.pg_attrdef as d
  join tables as t on t.oid = d.adrelid
  union all select 'pg_catalog.pg_constraint'::pg_catalog.regclass, o.oid from pg_catalog.pg_constraint as o
  where o.conrelid in (select oid from tables) or o.contypid in (select oid from types)
  union all select 'pg_catalog.pg_policy'::pg_catalog.regclass, p.oid from pg_catalog.pg_policy as p
  join tables as t on t.oid = p.polrelid
  union all select 'pg_catalog.pg_trigger'::pg_catalog.regclass, g.oid from pg_catalog.pg_trigger as g
  join tables as t on t.oid = g.tgrelid where not g.tgisinternal
),
used (schema, class, oid) as (
  select t.typnamespace, 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid from types
  join pg_catalog.pg_type as t on t.oid = types.oid
  union select p.pronamespace, d.refclassid, p.oid from parts
  join pg_catalog.pg_depend as d on d.classid = parts.class and d.objid = parts.oid
    and d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
  join pg_catalog.pg_proc as p on p.oid = d.refobjid
  union select c.relnamespace, d.refclassid, c.oid from parts
  join pg_catalog.pg_depend as d on d.classid = parts.class and d.objid = parts.oid
    and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
  join pg_catalog.pg_class as c on c.oid = d.refobjid and c.relkind = 'S'
)
select distinct n.nspname as name from used join pg_catalog.pg_namespace as n on n.oid = used.schema
where n.nspname <> all(%(schemas)s) and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and pg_catalog.has_schema_privilege(n.oid, 'USAGE') and not exists (
    select from pg_catalog.pg_depend as d
    where d.classid = used.class and d.objid = used.oid and d.deptype = 'e')
order by 1
"""
_BESIDE = """
select n.nspname as schema, c.relname as name
from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where n.nspname = any(%(schemas)s) and c.relkind in ('r', 'p', 'v', 'm', 'f')
order by 1, 2
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
    """What the audited server told: its version, and what belongs to the schemas.

    `borrowed` are other schemas, of which the types, sequences and functions are needed and not the tables `beside`.
    """

    version: int
    tables: list[Any]
    extensions: list[Any]
    roles: list[Any]
    borrowed: list[str] = field(default_factory=list)
    beside: list[Any] = field(default_factory=list)


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
    with asking(url) as connection:
        asked = connection.execute("select nspname as name from pg_catalog.pg_namespace").fetchall()
        missing = sorted({*schemas} - {row.name for row in asked})
        if missing or not schemas:
            raise ScratchError(f"the audited database has no schema {', '.join(missing) or 'by no name'}")
        borrowed = [row.name for row in connection.execute(_BORROWED, values)]
        return Origin(
            connection.info.server_version,
            connection.execute(_TABLES, values).fetchall(),
            connection.execute(_EXTENSIONS).fetchall(),
            connection.execute(_ROLES, {**values, "schemas": [*schemas, *borrowed]}).fetchall(),
            borrowed,
            connection.execute(_BESIDE, {"schemas": borrowed}).fetchall(),
        )


@contextmanager
def asking(url: str) -> Iterator[psycopg.Connection[Any]]:
    """Connect to the audited database as a session that cannot write, and take everything back afterwards.

    Raises
    ------
    ScratchError
        It cannot be reached, or refuses what is asked.
    """
    try:
        with psycopg.connect(**arguments(url), row_factory=namedtuple_row) as connection:
            connection.read_only = True
            connection.execute(f"set local statement_timeout = '{STATEMENT_SECONDS}s'")
            connection.execute("set local search_path = pg_catalog")
            yield connection
            connection.rollback()
    except psycopg.Error as error:
        raise ScratchError(f"the audited database cannot be read for its schema: {first_line(error)}") from None
