"""What the database's catalogue says of row security: whether it is on, and its policies. Read once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dsaudit.facts.relations import resources_of
from dsaudit.facts.tenancy.roles import roles

if TYPE_CHECKING:
    from dsaudit.audit import Audit

COMMANDS = {"r": "select", "a": "insert", "w": "update", "d": "delete"}


@dataclass(frozen=True)
class Policy:
    """A policy as PostgreSQL has it: for which commands, what rows it shows, and what rows it lets be written."""

    name: str
    commands: Collection[str]
    is_permissive: bool
    # To one of the application's roles where it permits, to all of them where it restricts; always where none is known.
    applies: bool
    using: str | None
    check: str | None

    def conditions(self, command: str) -> list[str | None]:
        """Return the conditions that a row has to hold under a command; what may be written is else what is seen."""
        written = self.check or self.using
        return {"insert": [written], "update": [self.using, written]}.get(command, [self.using])


@dataclass(frozen=True)
class Protection:
    """The row security of one table or partition.

    `allowed` are the commands that the application may run on it, all of them where its roles are not known; `owned`
    says whether one of its roles owns it or is a member of the owner, which is so as well where they are not known.
    """

    oid: int
    root: int | None  # of a partition, the table that it is of
    schema: str
    name: str
    kind: str
    is_enabled: bool
    is_forced: bool
    owned: bool
    allowed: Sequence[str]
    policies: list[Policy] = field(default_factory=list)


def protections(audit: Audit) -> dict[int, Protection]:
    """Return the row security of the audited tables and of their partitions, by object id.

    Raises
    ------
    QueryError
        The auditor may not read it.
    """
    known: dict[int, Protection] | None = audit.kept.get("row security")
    if known is None:
        given = [role.oid for role in roles(audit)]
        values = {"tables": list(resources_of(audit)), "roles": given}
        tables, policies = (one.records for one in audit.database.queries([TABLES, POLICIES], values, most=None))
        known = audit.kept["row security"] = {row["oid"]: Protection(**row) for row in tables}
        for row in policies:
            commands = [COMMANDS[row["command"]]] if row["command"] in COMMANDS else list(COMMANDS.values())
            told = (row["name"], commands, row["is_permissive"], row["applies"], row["using"], row["check"])
            if row["oid"] in known:
                known[row["oid"]].policies.append(Policy(*told))
    return known


_TREE = """
with recursive tree (oid, root) as (
  select one::oid, null::oid from unnest(%(tables)s::bigint[]) as one
  union select i.inhrelid, coalesce(tree.root, tree.oid) from pg_inherits as i join tree on tree.oid = i.inhparent
)
"""

TABLES = f"""{_TREE}
select c.oid::bigint as oid, min(tree.root)::bigint as root, n.nspname::text as schema, c.relname::text as name,
       c.relkind::text as kind, c.relrowsecurity as is_enabled, c.relforcerowsecurity as is_forced,
       cardinality(%(roles)s::oid[]) = 0
         or exists (select from unnest(%(roles)s::oid[]) as r where pg_has_role(r, c.relowner, 'member')) as owned,
       array(select command from unnest(array['select', 'insert', 'update', 'delete']) as command
             where cardinality(%(roles)s::oid[]) = 0 or exists (
               select from unnest(%(roles)s::oid[]) as r where has_table_privilege(r, c.oid, command)
                 or command <> 'delete' and has_any_column_privilege(r, c.oid, command))) as allowed
from tree join pg_class as c on c.oid = tree.oid join pg_namespace as n on n.oid = c.relnamespace
group by c.oid, n.nspname, c.relname, c.relkind, c.relrowsecurity, c.relforcerowsecurity, c.relowner
order by 1
"""

POLICIES = f"""{_TREE}
select p.polrelid::bigint as oid, p.polname::text as name, p.polcmd::text as command, p.polpermissive as is_permissive,
       cardinality(%(roles)s::oid[]) = 0 or 0::oid = any(p.polroles) or case when p.polpermissive
         then exists (select from unnest(%(roles)s::oid[]) as r cross join unnest(p.polroles) as named
                      where pg_has_role(r, named, 'member'))
         else not exists (select from unnest(%(roles)s::oid[]) as r where not exists (
                select from unnest(p.polroles) as named where pg_has_role(r, named, 'usage'))) end as applies,
       pg_get_expr(p.polqual, p.polrelid) as using, pg_get_expr(p.polwithcheck, p.polrelid) as check
from pg_policy as p
where p.polrelid in (select oid from tree)
order by 1, 2
"""
