"""Whether the database itself enforces a declared invariant: asked of PostgreSQL's planner, which writes nothing.

The planner leaves a table unread where it can prove from the validated constraints that none of its rows fulfils a
query; asked for the rows that break the invariant, it so proves that there can be none. It does not try every proof: a
list of more than 100 values, say, or what depends on the time. So the text that it makes of the invariant is also held
against that which it makes of each check constraint: both are written by the same hand, of the same columns and types.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dsaudit.database import QueryError, TableInfo
from dsaudit.database.expressions import quoted

if TYPE_CHECKING:
    from dsaudit.audit import Audit

Plan = dict[str, Any]  # as EXPLAIN tells it in JSON


@dataclass(frozen=True)
class CheckConstraint:
    """A check constraint of a table; one that `counts` has looked at every row and is held to by each."""

    name: str
    columns: tuple[str, ...]
    expression: str
    definition: str
    counts: bool


@dataclass(frozen=True)
class Enforced:
    """How the database enforces an invariant: `by`, or what stands there in its place.

    `unchecked` is the constraint of the same meaning that was never validated, `near` are those on the same columns.
    """

    by: str | None
    unchecked: CheckConstraint | None = None
    near: tuple[CheckConstraint, ...] = ()
    says_nothing: bool = False  # of a row: it is true whatever its columns hold


def from_table(table: TableInfo) -> str:
    """Return the table as an item of a query, in which its columns go by their own names."""
    return f"{quoted(table.schema)}.{quoted(table.name)} as x"


def enforced(audit: Audit, table: TableInfo, holds: str) -> Enforced:
    """Return whether and how the database enforces `holds` on a table.

    Raises
    ------
    QueryError
        It is no condition on this table's columns.
    """
    condition = f"({holds.replace('%', '%%')}\n)"
    said = _written(audit, table, condition)
    if said == "true":
        return Enforced(None, says_nothing=True)
    if _none_can_break(audit, table, condition):
        return Enforced("its constraints, as PostgreSQL proves")
    constraints = checks(audit, table)
    same = [one for one in constraints if _same(audit, table, one, said)]
    by = next((one.name for one in same if one.counts), None)
    near = tuple(one for one in constraints if any(_mentions(said, column) for column in one.columns))
    return Enforced(by, next(iter(same), None), near)


def checks(audit: Audit, table: TableInfo) -> list[CheckConstraint]:
    """Return the check constraints of a table."""
    rows = audit.database.query(CHECKS, {"table": table.oid}, most=None).records
    told = ("name", "columns", "expression", "definition", "counts")
    return [CheckConstraint(**{**{name: row[name] for name in told}, "columns": tuple(row["columns"])}) for row in rows]


def _same(audit: Audit, table: TableInfo, one: CheckConstraint, said: str) -> bool:
    try:
        return _written(audit, table, f"({one.expression.replace('%', '%%')})") == said
    except QueryError:
        return False  # such as one that calls what the auditor may not


def _written(audit: Audit, table: TableInfo, condition: str) -> str:
    """Return a condition as the planner writes it."""
    return _output(_plan(audit, f"select {condition}::boolean as held from {from_table(table)}"))


def _output(plan: Plan) -> str:
    """Return what the first step of a plan returns that tells it; of a partitioned table one for each part does."""
    if "Output" in plan:
        return str(plan["Output"][0])
    return next((told for inner in plan.get("Plans", []) if (told := _output(inner))), "")


def _none_can_break(audit: Audit, table: TableInfo, condition: str) -> bool:
    """Return whether no row of a table can break a condition; a table that can have no row at all proves nothing."""
    everything = f"select from {from_table(table)}"
    return _reads_nothing(audit, f"{everything} where not {condition}") and not _reads_nothing(audit, everything)


def _reads_nothing(audit: Audit, query: str) -> bool:
    plan = _plan(audit, query)
    return bool(plan["Node Type"] == "Result" and plan.get("One-Time Filter") == "false")


def _plan(audit: Audit, query: str) -> Plan:
    plan: Plan = audit.database.explain(query, [{}], proofs=True)[0]["Plan"]
    return plan


def _mentions(said: str, column: str) -> bool:
    return re.search(rf"(?<![\w']){re.escape(column)}(?![\w'])", said) is not None


# A domain checks the columns of its type; what it says of its VALUE is so said of the column.
CHECKS = """
select o.conname::text as name, pg_get_expr(o.conbin, o.conrelid) as expression,
       pg_get_constraintdef(o.oid) as definition,
       o.convalidated and coalesce((to_jsonb(o) ->> 'conenforced')::boolean, true) as counts,
       array(select a.attname::text from unnest(o.conkey) as k (number)
             join pg_attribute as a on a.attrelid = o.conrelid and a.attnum = k.number) as columns
from pg_constraint as o
where o.contype = 'c' and o.conrelid::bigint = %(table)s
union all
select o.conname::text, regexp_replace(pg_get_expr(o.conbin, 0), '\\mVALUE\\M',
         format('(x.%%I)::%%s', a.attname, format_type(t.typbasetype, t.typtypmod)), 'g'),
       format('%%s of the domain %%s', pg_get_constraintdef(o.oid), format_type(t.oid, null)), o.convalidated,
       array[a.attname::text]
from pg_attribute as a join pg_type as t on t.oid = a.atttypid join pg_constraint as o on o.contypid = t.oid
where o.contype = 'c' and a.attrelid::bigint = %(table)s and not a.attisdropped
order by 1, 5
"""
