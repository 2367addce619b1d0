"""What the database's unique indexes keep apart."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dsaudit.database import RelationMissing

if TYPE_CHECKING:
    from dsaudit.audit import Audit

# One on fewer columns than are given keeps them apart as well. One that holds for some rows, or of an expression, does
# not count.
UNIQUE = """
select array(
         select a.attname::text from pg_catalog.pg_attribute as a
         where a.attrelid = i.indrelid and a.attnum = any (i.indkey[0:i.indnkeyatts - 1])
       ) as columns
from pg_catalog.pg_index as i
where i.indrelid = %(oid)s::oid and i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null
"""


def keep_keys_unique(audit: Audit, resources: Iterable[str]) -> bool:
    """Return whether a unique index keeps two rows of one tenant and source id out of the table of each resource."""
    return all(_keeps(audit, name) for name in resources)


def _keeps(audit: Audit, name: str) -> bool:
    resource = audit.parameters.resources[name]
    try:
        table = audit.relations.table(resource.table)
    except RelationMissing:
        return False
    key = {*resource.key, *([resource.tenant] if resource.tenant else [])}
    found = audit.database.now().query(UNIQUE, {"oid": table.oid}, [table.oid], most=None)
    return any(set(columns) <= key for (columns,) in found.rows)
