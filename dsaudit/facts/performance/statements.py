"""What pg_stat_statements has counted of the application's statements, where it is there and may be read."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from psycopg import sql

from dsaudit.database import QueryError

if TYPE_CHECKING:
    from dsaudit.audit import Audit

LONGEST = 300  # letters of a statement that are shown
COMMENT = re.compile(r"/\*.*?\*/|--[^\n]*", re.DOTALL)
# Of others the values stand in the text: a password among them.
NORMALISED = re.compile(r"\s*(select|insert|update|delete|merge|with)\b", re.IGNORECASE)
HIDDEN = "<insufficient privilege>"

_WHERE = """
select n.nspname::text as schema from pg_catalog.pg_extension as e
join pg_catalog.pg_namespace as n on n.oid = e.extnamespace where e.extname = 'pg_stat_statements'
"""
_COUNTED = """
select s.queryid::text as id, r.rolname::text as role, s.query as statement, s.calls, s.total_exec_time as total,
       s.mean_exec_time as mean, s.max_exec_time as longest, s.rows,
       s.shared_blks_hit + s.shared_blks_read as pages
from {} as s join pg_catalog.pg_roles as r on r.oid = s.userid
join pg_catalog.pg_database as d on d.oid = s.dbid
where d.datname = pg_catalog.current_database() and s.calls > 0 and s.toplevel
order by s.total_exec_time desc, s.queryid, 2
"""


@dataclass(frozen=True)
class Statement:
    """A statement as it was counted, its values replaced by numbers; times are in milliseconds."""

    id: str
    role: str
    statement: str
    calls: int
    total: float
    mean: float
    longest: float
    rows: int
    pages: int


@dataclass(frozen=True)
class Counted:
    """The application's statements, or why they are not known."""

    statements: list[Statement] = field(default_factory=list)
    problem: str | None = None


def statements(audit: Audit) -> Counted:
    """Return what was counted of the application's statements, the most time first; asked once for all checks.

    The application's are those of `tenancy.role`, or without it of every role but the auditor's.
    """
    found: Counted | None = audit.kept.get("statements")
    if found is None:
        found = audit.kept["statements"] = _asked(audit)
    return found


def _asked(audit: Audit) -> Counted:
    there = audit.database.query(_WHERE).records
    if not there:
        return Counted(problem="pg_stat_statements is not installed in this database; `create extension` installs it")
    view = sql.Identifier(there[0]["schema"], "pg_stat_statements")
    try:
        rows = audit.database.query(sql.SQL(_COUNTED).format(view).as_string(None)).records
    except QueryError as error:
        return Counted(problem=f"pg_stat_statements cannot be read: {error}")
    tenancy = audit.parameters.tenancy
    role = tenancy.role if tenancy else None
    own = [row for row in rows if (re.fullmatch(role, row["role"]) if role else row["role"] != audit.identity.role)]
    if own and all(row["statement"] == HIDDEN for row in own):
        return Counted(problem="the auditor may not read the statements of others: grant pg_read_all_stats to it")
    told = [{**row, "statement": " ".join(COMMENT.sub(" ", row["statement"] or "").split())} for row in own]
    return Counted(
        [
            Statement(**{**row, "statement": row["statement"][:LONGEST]})
            for row in told
            if NORMALISED.match(row["statement"])
        ]
    )
