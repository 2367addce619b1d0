"""The only place that connects to a database: the audited one, and the source where that is one too."""

from dsaudit.database.catalogue import TableInfo
from dsaudit.database.errors import DatabaseError, QueryError, RelationMissing, ShortRead, SnapshotLost, TimeLimit
from dsaudit.database.reader import MOST_ROWS, Answer, Database
from dsaudit.database.source import source_transaction

__all__ = [
    "MOST_ROWS",
    "Answer",
    "Database",
    "DatabaseError",
    "QueryError",
    "RelationMissing",
    "ShortRead",
    "SnapshotLost",
    "TableInfo",
    "TimeLimit",
    "source_transaction",
]
