"""What several checks count alike: read once in a run, by whichever phase needs it first."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from dsaudit.checks import COUNTS, find_table
from dsaudit.once import once

if TYPE_CHECKING:
    from dsaudit.audit import Audit

NAMES = {"tenant", "resource"}  # columns of text; all others count
Counts = dict[str, Any]


def with_counts(audit: Audit, sql: str) -> tuple[str, dict[str, Any]]:
    """Return `sql` with what it reads of the counts, such as ``{raw_rows}``, in place, and the values to bind.

    Raises
    ------
    QueryError, RelationMissing
        They could not be read.
    """
    used = [name for name in COUNTS if f"{{{name}}}" in sql]
    counts = {name: _counts(audit, name) for name in used}
    for name, (columns, _) in counts.items():
        typed = ", ".join(f"{column} {'text' if column in NAMES else 'bigint'}" for column in columns)
        rows = f"(select * from pg_catalog.json_to_recordset(%({name})s::json) as x ({typed}))"
        sql = re.sub(rf"\{{{name}\}}", lambda _, rows=rows: rows, sql)  # type: ignore[misc]
    return sql, {name: json.dumps(rows) for name, (_, rows) in counts.items()}


def _counts(audit: Audit, name: str) -> tuple[list[str], list[Counts]]:
    """Return the columns and rows of ``sql/counts/<name>.sql``, which another phase of the run may have read before."""
    filled = audit.relations.fill(find_table(name, "counts").query)
    values = {**audit.values(), **filled.values}

    def count() -> list[Any]:
        answer = audit.database.query(filled.sql, values, most=None)
        return [answer.columns, answer.records]

    columns, rows = once(audit.private, "counts", [filled.sql, values, audit.database.snapshot], count)
    return columns, rows
