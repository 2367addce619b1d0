"""Whether the audit looks at all that it should: what the file does not name, no check judges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsaudit.facts.audited import named_by_the_file, stored
from dsaudit.functions import Found, Row, frames
from dsaudit.parameters.tenancy import tenancy_columns

if TYPE_CHECKING:
    from dsaudit.audit import Audit


def tenant_tables_are_audited(audit: Audit) -> Found:
    """Every table that tells whose its rows are is in the file.

    why: a table that came with a later migration has rows of tenants too, and whether they are kept apart, filled and
      served to their owner alone is asked by no check until the file names it
    requirement: DI11
    severity: low
    needs: tenancy, resources
    key: table
    show: table, columns, declare
    remedy: declare it under `resources`, as the table shows, with its relations
    """
    whole = audit.parameters.whole
    telling = {column for name in whole.resources for column in list(tenancy_columns(whole, name))[:1]}
    own = [one for one in stored(audit) if telling & set(one.columns)]
    named = named_by_the_file(audit)
    rows: list[Row] = []
    for one in own:
        if one.oid not in named:
            columns = [column for column in one.columns if column in telling]
            declare = f"{one.name}: {{table: {one.place}, tenant: {columns[0]}}}"
            rows.append({"table": f"{one.schema}.{one.name}", "columns": ", ".join(columns), "declare": declare})
    reason = None if own else "none of the audited schemas has a table with the column that tells the tenant"
    return frames(rows, [{"examined": len(own), "reason": reason}])
