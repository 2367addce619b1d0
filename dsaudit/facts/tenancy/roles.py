"""The roles that the application may connect as, and by which of their rights they go around row security."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dsaudit.facts.relations import resources_of

if TYPE_CHECKING:
    from dsaudit.audit import Audit


@dataclass(frozen=True)
class Role:
    """A role whose name is that of the application's, with what lets it see the rows of every tenant."""

    name: str
    oid: int
    uses: int  # of the audited tables, those that it may read or write
    ways: Sequence[str]


def roles(audit: Audit) -> list[Role]:
    """Return the roles that `tenancy.role` matches and that may read or write an audited table, by name.

    Raises
    ------
    QueryError
        The auditor may not read which roles there are.
    """
    known: list[Role] | None = audit.kept.get("application roles")
    tenancy = audit.parameters.tenancy
    if known is None and tenancy and tenancy.role:
        values = {"tables": list(resources_of(audit))}
        rows = audit.database.query(ROLES, values, most=None).records
        matching = [row for row in rows if re.fullmatch(tenancy.role, row["name"])]
        known = [Role(row["name"], row["oid"], row["uses"], row["ways"]) for row in matching if row["uses"]]
        audit.kept["application roles"] = known
    return known or []


# A right that a role can take on by SET ROLE is as good as its own. Whoever runs programs or writes files on the server
# does so as its superuser. The owner of a table is not held to its policies unless they are forced.
ROLES = """
select r.rolname::text as name, r.oid::bigint as oid,
       (select count(*) from pg_class as c where c.oid::bigint = any(%(tables)s)
        and (has_table_privilege(r.oid, c.oid, 'select, insert, update, delete')
             or has_any_column_privilege(r.oid, c.oid, 'select, insert, update'))) as uses,
       case when r.rolsuper then array['it is a superuser'] else array(
         select way from (
           select 1 as place, 'it has BYPASSRLS' as way where r.rolbypassrls
           union all
           select 2, 'it is a member of ' || other.rolname
             || case when other.rolsuper then ', a superuser' when other.rolbypassrls then ', which has BYPASSRLS'
                else ', which reaches the files and programs of the server' end
           from pg_roles as other
           where other.oid <> r.oid and pg_has_role(r.oid, other.oid, 'member')
             and (other.rolsuper or other.rolbypassrls or other.rolname in
                  ('pg_execute_server_program', 'pg_write_server_files', 'pg_read_server_files'))
           union all
           select 3, 'it owns ' || n.nspname || '.' || c.relname || ', whose row security is not forced'
           from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
           where c.oid::bigint = any(%(tables)s) and c.relkind in ('r', 'p') and not c.relforcerowsecurity
             and pg_has_role(r.oid, c.relowner, 'member')
           union all
           select 4, 'it may create roles, and so make itself a member of any'
           where r.rolcreaterole and current_setting('server_version_num')::integer < 160000
         ) as ways (place, way) order by place, way) end as ways
from pg_roles as r
order by 1
"""
