"""How PostgreSQL itself writes a condition, so that two can be compared whatever their spelling."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg

from dsaudit.database.errors import first_line
from dsaudit.scratch.model import Scratch, ScratchError

_WRITTEN = """
select pg_get_expr(conbin, conrelid) from pg_catalog.pg_constraint
where conname = 'dsaudit_normalised' and conrelid = %s::regclass
"""


def normalised(scratch: Scratch, table: str, conditions: Sequence[str]) -> list[str]:
    """Return each condition on a table ("schema.table") as the expressions of `Table.checks` are written.

    Raises
    ------
    ScratchError
        The copy has no such table, or PostgreSQL does not take a condition as a check constraint of it.
    """
    if table not in scratch.tables:
        raise ScratchError(f"the copy has no table {table}")
    name = scratch.tables[table].sql
    found = []
    with psycopg.connect(scratch.url, application_name="dsaudit/scratch") as connection:
        for condition in conditions:
            connection.execute("set local search_path = ''")
            try:
                # Prepared, so that it is one statement and no more.
                adding = f"alter table {name} add constraint dsaudit_normalised check ({condition}) not valid"
                connection.execute(adding.encode(), prepare=True)
            except psycopg.Error as error:
                raise ScratchError(
                    f"{table}: {condition!r} is no condition on its columns: {first_line(error)}"
                ) from None
            found += [row[0] for row in connection.execute(_WRITTEN, [name]).fetchall()]
            connection.rollback()
    return found
