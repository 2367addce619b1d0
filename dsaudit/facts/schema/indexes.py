"""What the database's unique indexes keep apart."""

from __future__ import annotations

from dsaudit.database import Database, TableInfo
from dsaudit.parameters import Resource

# One that holds for some rows alone, or of an expression, keeps no two rows apart for certain.
UNIQUE = """
select i.indrelid::bigint as oid,
       array(select a.attname::text from unnest(i.indkey[0:i.indnkeyatts - 1]) as k (number)
             join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = k.number) as columns
from pg_index as i
where i.indisunique and i.indisvalid and i.indislive and i.indexprs is null and i.indpred is null
"""
Unique = dict[int, list[set[str]]]


def unique_indexes(database: Database) -> Unique:
    """Return the columns of each unique index, by the object id of its table.

    Raises
    ------
    QueryError
        The catalogue cannot be read.
    """
    found: Unique = {}
    for row in database.query(UNIQUE, most=None).records:
        found.setdefault(row["oid"], []).append(set(row["columns"]))
    return found


def is_unique(indexes: Unique, table: TableInfo, resource: Resource) -> bool:
    """Return whether the table has no two rows of one tenant and source id: by these columns, or by fewer of them."""
    return any(columns <= set(resource.whole_key) for columns in indexes.get(table.oid, ()))
