"""The declared invariants: what each row has to hold, and whether the database itself sees to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from psycopg import sql

from dsaudit.database import QueryError, RelationMissing, TableInfo
from dsaudit.database.expressions import row_id, source_id, value_of
from dsaudit.facts.invariants import enforced, from_table
from dsaudit.functions import Found, Row, frames

if TYPE_CHECKING:
    from dsaudit.audit import Audit

Judge = Callable[["Audit", str, TableInfo, str], tuple[list[Row], int]]


def invariants_hold(audit: Audit) -> Found:
    """Every row keeps the declared invariants.

    why: one row that cannot be makes every sum, average and list that it is part of wrong
    requirement: DI3
    severity: high
    scope: resource
    having: invariants
    needs: invariants
    key: source_id, holds
    show: holds, row_id
    remedy: correct these rows, then add the constraint that keeps others out
    """
    return _judged(audit, _breaking)


def invariants_are_constraints(audit: Audit) -> Found:
    """The database itself enforces what each row has to hold, on old rows as on new ones.

    why: a rule that only the code knows is broken by the first writer that does not
    requirement: DI3
    severity: high
    scope: resource
    having: invariants
    needs: invariants
    key: holds
    show: holds, problem, instead, statement
    explains: invariants_hold
    remedy: mend the rows that break it, then run the statement that the table shows; where a constraint beside it means
      the same in other words, write the invariant as that has it
    """
    return _judged(audit, _unenforced)


class _Unknown(Exception):
    """Why nothing can be said of an invariant."""


def _judged(audit: Audit, judge: Judge) -> Found:
    """Return what `judge` finds of each invariant; what cannot be judged makes its resource undecided."""
    rows: list[Row] = []
    examined: dict[str, int] = {}
    reasons: dict[str, list[str]] = {}
    for one in audit.parameters.invariants:
        if one.resource not in audit.parameters.resources:
            continue  # outside of the part
        examined.setdefault(one.resource, 0)
        try:
            table = audit.relations.table(audit.parameters.resources[one.resource].table)
            found, count = judge(audit, one.resource, table, one.holds)
        except (QueryError, RelationMissing, _Unknown) as error:
            reasons.setdefault(one.resource, []).append(f"{one.holds}: {error}")
            continue
        examined[one.resource] += count
        rows += [{"resource": one.resource, "holds": one.holds, **row} for row in found]
    told = {name: "; ".join(why) for name, why in reasons.items()}
    return frames(rows, [{"resource": name, "examined": n, "reason": told.get(name)} for name, n in examined.items()])


def _breaking(audit: Audit, name: str, table: TableInfo, holds: str) -> tuple[list[Row], int]:
    """Return the rows that break an invariant, with their tenant where the file tells it, and how many there are."""
    resource, tenants = audit.parameters.resources[name], audit.parameters.whole.tenants
    told = f"{source_id(resource, table)} as source_id, {row_id(resource, table)} as row_id"
    whose = f"({value_of(resource.tenant, table)})::text" if resource.tenant else "null::text"
    breaking = f"select {whose} as whose, {told} from {from_table(table)} where not ({holds.replace('%', '%%')}\n)"
    counting = f"select count(*) as rows from {from_table(table)}"
    counted, found = audit.database.queries([counting, f"{breaking} order by 1, 2, 3"])
    names = {one.id.lower(): one.name for one in tenants}
    rows = [{"tenant": names.get(str(row.pop("whose")).lower()), **row} for row in found.records]
    return rows, int(counted.rows[0][0])


def _unenforced(audit: Audit, name: str, table: TableInfo, holds: str) -> tuple[list[Row], int]:
    how = enforced(audit, table, holds)
    if how.by:
        return [], 1
    if how.says_nothing:
        raise _Unknown("it is true whatever a row holds, and so says nothing")
    if not table.is_stored:
        raise _Unknown(f"{table.schema}.{table.name} is a view, and constraints are on the tables behind it")
    target = sql.Identifier(table.schema, table.name)
    if how.unchecked:
        statement = sql.SQL("alter table {} validate constraint {}").format(target, sql.Identifier(how.unchecked.name))
        problem, near = "its constraint was never held against the rows that there are", [how.unchecked]
    else:
        statement = sql.SQL("alter table {} add check ({})").format(target, sql.SQL(holds))
        problem, near = "no constraint says it", list(how.near)
    instead = "; ".join(f"{one.name}: {one.definition}" for one in near) or None
    return [{"problem": problem, "instead": instead, "statement": statement.as_string(None)}], 1
