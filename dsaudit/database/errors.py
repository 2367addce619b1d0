"""What can go wrong with the audited database, each in one line without values from the data."""

from __future__ import annotations

import psycopg
import sqlalchemy as sa


class DatabaseError(Exception):
    """The database cannot be audited: no connection, a wrong server, or a role that may write in production."""


class QueryError(Exception):
    """One query failed; the message is PostgreSQL's, in one line, without values from the data."""


class TimeLimit(QueryError):
    """A query was stopped at its time limit."""


class Locked(TimeLimit):
    """Somebody holds a table, or waits for it."""


class ServerBusy(TimeLimit):
    """The server had no room for a polite read for as long as one may wait."""


class SnapshotLost(QueryError):
    """The run's snapshot is gone, or a table was rewritten under it: what was read proves nothing."""


class ShortRead(QueryError):
    """A stream of rows broke off, or brought fewer rows than there are: what was read proves nothing."""


class RelationMissing(Exception):
    """The database has no such table or column as the parameter file names."""


# Names of classes whose messages may be shown wherever they come from. Others have a `DatabaseError` too, which quotes.
TOLD = {one.__name__ for one in (QueryError, TimeLimit, Locked, ServerBusy, SnapshotLost, ShortRead, RelationMissing)}


def query_error(error: sa.exc.DBAPIError) -> QueryError:
    """Return what a refused query means."""
    line = first_line(error.orig)
    if isinstance(error.orig, psycopg.errors.LockNotAvailable):
        return Locked(line)
    if isinstance(error.orig, psycopg.errors.QueryCanceled):
        return TimeLimit(line)
    if isinstance(error.orig, psycopg.errors.SerializationFailure):  # a replica had to go on
        return SnapshotLost(f"the run's snapshot is gone: {line}")
    if isinstance(error.orig, psycopg.OperationalError):
        return TimeLimit(f"the connection broke or was cut: {line}")
    return QueryError(line)


def first_line(error: BaseException | None) -> str:
    """Return what PostgreSQL says, in one line: the lines after the first quote values, and so may the first."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    line = (lines or ["it says nothing"])[0].removeprefix("connection failed: ")
    is_about_data = (getattr(error, "sqlstate", None) or "").startswith("22")
    return line.partition('"')[0] + "…" if is_about_data and '"' in line else line


def stream_error(error: Exception) -> QueryError:
    """Return what a stream of rows means that broke off; the driver's words may quote values, and end there."""
    said = str(error).partition("SQLSTATE")[0]
    kind = SnapshotLost if "snapshot" in said else TimeLimit if "timeout" in said else ShortRead
    line = first_line(Exception(said))
    shown = line.partition('"')[0] + "…" if '"' in line else line
    return kind(f"a stream of rows broke off: {shown}")
