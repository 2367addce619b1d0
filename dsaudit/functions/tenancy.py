"""What tells whose a row is, and what the database does to keep the tenants apart."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from psycopg import sql

from dsaudit.database import QueryError, RelationMissing, TableInfo
from dsaudit.database.expressions import literal, quoted, row_id, source_id
from dsaudit.facts import tenancy
from dsaudit.facts.schema.constraints import constraints
from dsaudit.facts.tenancy import Policy, Protection
from dsaudit.functions import Found, Row, frames
from dsaudit.parameters import Resource
from dsaudit.parameters.tenancy import tenancy_columns

if TYPE_CHECKING:
    from dsaudit.audit import Audit

EMPTY = "it is empty"


def tenant_columns_are_filled(audit: Audit) -> Found:
    """Every row tells whose it is, in every column that tells it, and a null is refused.

    why: a row that belongs to nobody is seen by nobody or by everybody, and every count by tenant leaves it out
    requirement: DI4
    severity: critical
    scope: resource
    having: owned
    needs: tenancy
    key: source_id, field, problem
    show: field, problem, row_id, statement
    explains: orphans, children_share_the_tenancy, parents_count_their_children, enough_children_are_linked
    remedy: give these rows to their owner, then run the statement that the table shows
    """
    rows: list[Row] = []
    examined: list[Row] = []
    for name, resource in _owned(audit):
        try:
            table = audit.relations.table(resource.table)
        except RelationMissing as error:
            examined.append({"resource": name, "examined": 0, "reason": str(error)})
            continue
        columns = list(tenancy_columns(audit.parameters, name))
        found = _without_owner(audit, resource, table, columns)
        empty = {row["field"] for row in found if row["problem"] == EMPTY}
        rows += [{"resource": name, **row} for row in [*_unsaid(audit, table, columns, empty), *found]]
        count = audit.database.query(f"select count(*) from {_from(table)}").rows[0][0]
        is_table = constraints(audit).kinds.get(table.oid) in ("r", "p")
        reason = None if is_table else f"{resource.table} is a view or a foreign table, which says NOT NULL of nothing"
        examined.append({"resource": name, "examined": count, "reason": reason})
    return frames(rows, examined)


def tables_have_row_security(audit: Audit) -> Found:
    """Row security holds every command on every table to the tenant that asks.

    why: without it a single query that forgets its condition shows or changes the rows of another customer; of several
      policies that permit, one that forgets the tenant opens the table to all
    requirement: DI4
    severity: critical
    scope: resource
    having: owned
    needs: tenancy
    key: table, problem, policy
    show: table, problem, policy, commands, statement
    explains: children_share_the_tenancy, references_stay_within_the_tenant, tenants_cannot_be_broken_into,
      api_isolates_tenants, api_serves_the_rows, api_values_equal_tables, endpoints_agree
    remedy: have each policy name every column and setting of the tenancy; where the table shows a statement, run it
    """
    facts, why = {}, None
    try:
        facts = tenancy.protections(audit)
    except QueryError as error:
        why = f"row security cannot be read: {error}"
    rows: list[Row] = []
    examined: list[Row] = []
    for name, resource in _owned(audit):
        try:
            one = facts.get(audit.relations.table(resource.table).oid)
            reason = why or (_no_table(one) if one else None)
        except RelationMissing as error:
            one, reason = None, str(error)
        if one and not reason:
            columns = tenancy_columns(audit.parameters, name)
            found = [*_open(one, _policy(audit, resource, one, columns)), *_loose(one, columns)]
            if tenancy.roles(audit):  # of others it is not known what they may use
                found += _past(one, facts)
            rows += [{"resource": name, "table": f"{one.schema}.{one.name}", **row} for row in found]
        examined.append({"resource": name, "examined": 1 if one and not reason else 0, "reason": reason})
    return frames(rows, examined)


def application_cannot_bypass(audit: Audit) -> Found:
    """The role of the application has no way around row security.

    why: a superuser, a role with BYPASSRLS and the owner of a table are shown every row, whatever its policies say
    requirement: DI4
    severity: critical
    needs: tenancy.role, resources
    key: role, problem
    show: role, problem
    explains: children_share_the_tenancy, references_stay_within_the_tenant, tenants_cannot_be_broken_into,
      api_isolates_tenants, api_serves_the_rows
    remedy: let the application connect as a role of its own, which owns nothing and is a member of no other
    """
    found = tenancy.roles(audit)
    rows = [{"role": one.name, "problem": way} for one in found for way in one.ways]
    settings = audit.parameters.tenancy
    reason = f"no role that {settings.role} matches may read or write an audited table" if settings else None
    return frames(rows, [{"examined": len(found), "reason": None if found else reason}])


def _owned(audit: Audit) -> list[tuple[str, Resource]]:
    """Return the resources whose rows belong to somebody."""
    parameters = audit.parameters
    return [(name, one) for name, one in parameters.resources.items() if tenancy_columns(parameters, name)]


def _from(table: TableInfo) -> str:
    return f"{quoted(table.schema)}.{quoted(table.name)} as x"


def _unsaid(audit: Audit, table: TableInfo, columns: list[str], empty: Collection[str]) -> Iterator[Row]:
    """Yield the columns that a table lacks, and those that may be null in it where no row tells so already."""
    facts = constraints(audit)
    for column in columns:
        if column not in table.columns:
            yield {"field": column, "problem": "the table has no such column"}
        elif (
            facts.kinds.get(table.oid) in ("r", "p") and column not in empty and (table.oid, column) not in facts.filled
        ):
            yield {"field": column, "problem": "it may be null", "statement": _set_not_null(table, column)}


def _without_owner(audit: Audit, resource: Resource, table: TableInfo, columns: list[str]) -> list[Row]:
    """Return the rows in which a column is empty, or the first holds the id of no tenant of the file."""
    told = f"{source_id(resource, table)} as source_id, {row_id(resource, table)} as row_id"
    there = [column for column in columns if column in table.columns]
    selects = [
        f"select {literal(column)}::text as field, '{EMPTY}' as problem, {told},"
        f" {literal(_set_not_null(table, column))}::text as statement"
        f" from {_from(table)} where x.{quoted(column)} is null"
        for column in there
    ]
    ids = [one.id for one in audit.parameters.whole.tenants]
    if columns[0] in there and ids:
        selects.append(
            f"select {literal(columns[0])}::text, 'it holds no tenant of the file', {told}, null from {_from(table)}"
            f" where x.{quoted(columns[0])} <> all(%(ids)s::{table.columns[columns[0]]}[])"
        )
    if not selects:
        return []
    asked = f"{' union all '.join(selects)} order by 1, 2, 3, 4"
    return audit.database.query(asked, {"ids": ids}).records


def _set_not_null(table: TableInfo, column: str) -> str:
    alter = sql.SQL("alter table {} alter column {} set not null")
    return alter.format(sql.Identifier(table.schema, table.name), sql.Identifier(column)).as_string(None)


def _no_table(one: Protection) -> str | None:
    is_table = one.kind in ("r", "p")
    return None if is_table else f"{one.schema}.{one.name} is a view or a foreign table, which has no row security"


def _policy(audit: Audit, resource: Resource, one: Protection, columns: dict[str, str | None]) -> str | None:
    """Return the statement that makes a table's first policy: empty where it has one, None where too little is said."""
    if any(policy.is_permissive for policy in one.policies):
        return ""
    types = audit.relations.table(resource.table).columns
    conditions = [
        sql.SQL("{} = nullif(current_setting({}, true), '')::").format(sql.Identifier(column), sql.Literal(setting))
        + sql.SQL(types[column])  # as the catalogue spells it
        for column, setting in columns.items()
        if setting and column in types
    ]
    if not conditions or len(conditions) < len(columns):
        return None
    made = sql.SQL("create policy tenant_isolation on {} using ({}); ")
    return made.format(sql.Identifier(one.schema, one.name), sql.SQL(" and ").join(conditions)).as_string(None)


def _open(one: Protection, policy: str | None) -> Iterator[Row]:
    """Yield why a table's policies are not applied at all; without a policy the switch alone would hide every row."""
    table = sql.Identifier(one.schema, one.name)
    for is_wrong, problem, switch in (
        (not one.is_enabled, "row security is not enabled", "enable"),
        (one.owned and not one.is_forced, "row security is not forced, and so not applied to the owner", "force"),
    ):
        if is_wrong:
            statement = sql.SQL(f"alter table {{}} {switch} row level security").format(table).as_string(None)
            yield {"problem": problem, "statement": None if policy is None else policy + statement}


def _loose(one: Protection, columns: dict[str, str | None]) -> Iterator[Row]:
    """Yield the policies that let rows of others through, and the commands for which there is none."""
    loose: dict[tuple[str, str], list[str]] = {}
    for command in one.allowed:
        policies = [policy for policy in one.policies if policy.applies and command in policy.commands]
        held = set[str]().union(*(_held(policy, command, columns) for policy in policies if not policy.is_permissive))
        permissive = [policy for policy in policies if policy.is_permissive]
        if not permissive:
            loose.setdefault(("", "there is no policy, so that no row can be reached"), []).append(command)
        for policy in permissive:
            free = [column for column in columns if column not in held | _held(policy, command, columns)]
            if free:
                named = ", ".join(f"{column} by {columns[column]}" if columns[column] else column for column in free)
                loose.setdefault((policy.name, f"its condition does not bind {named}"), []).append(command)
    for (policy_name, problem), commands in loose.items():
        yield {"problem": problem, "policy": policy_name or None, "commands": ", ".join(commands)}


def _held(policy: Policy, command: str, columns: dict[str, str | None]) -> set[str]:
    """Return the columns that every condition of a policy binds under a command."""
    return set.intersection(*(tenancy.bound(one, columns) for one in policy.conditions(command)))


def _past(one: Protection, facts: dict[int, Protection]) -> Iterator[Row]:
    """Yield the partitions that the application may use by their own name, where the table's policies do not count."""
    for part in facts.values():
        if part.root == one.oid and part.allowed and not part.is_enabled:
            yield {"problem": f"its partition {part.schema}.{part.name} can be used past it", "policy": None}
