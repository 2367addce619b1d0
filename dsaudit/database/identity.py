"""Which server, database and role this is, and whether it may be audited with that role."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from dsaudit.database import Database, DatabaseError, QueryError
from dsaudit.parameters import Parameters


@dataclass(frozen=True)
class Identity:
    """What a report says of the server it speaks of."""

    system_identifier: str
    database: str
    server_version: str
    replica: bool
    behind: float  # seconds that a replica has received and not repeated yet
    role: str
    time: str
    may_write: tuple[str, ...]  # reasons why the role could write; empty for a proper reader

    @property
    def pin(self) -> str:
        """The form in which a parameter file pins it."""
        return f"{self.system_identifier}/{self.database}"

    def to_json(self) -> dict[str, Any]:
        """Return the identity as a record."""
        return asdict(self)


def identify(database: Database) -> Identity:
    """Return which server, database and role this is, and what the role could write.

    Raises
    ------
    DatabaseError
        The role may not even read the catalogue, or the connection broke.
    """
    try:
        row, reasons = (answer.frame for answer in database.at_once().queries([_IDENTITY, _MAY_WRITE]))
    except QueryError as error:
        raise DatabaseError(f"{database.settings.url_env}: {error}") from None
    facts = {str(name): value for name, value in row.iloc[0].items()}
    facts["system_identifier"] = str(facts["system_identifier"])
    return Identity(**facts, may_write=tuple(reasons["reason"]))


def guard(parameters: Parameters, identity: Identity) -> None:
    """Refuse another server than the pinned one, and in production a role that could write.

    Raises
    ------
    DatabaseError
        Which of the two, and what to do.
    """
    settings = parameters.database
    if settings.identity and settings.identity != identity.pin:
        raise DatabaseError(
            f"this is the database {identity.pin}, but the parameter file pins {settings.identity}; "
            "audit the right one, or correct database.identity"
        )
    if identity.may_write and parameters.environment == "production":
        raise DatabaseError(
            f"the role {identity.role} could write in production ({identity.may_write[0]}); "
            "`dsaudit role` prints the SQL of a role that can only read"
        )


_IDENTITY = """
select (select system_identifier from pg_catalog.pg_control_system()) as system_identifier,
       pg_catalog.current_database() as database,
       pg_catalog.current_setting('server_version') as server_version,
       pg_catalog.pg_is_in_recovery() as replica,
       coalesce(extract(epoch from case
         when pg_catalog.pg_is_in_recovery()
           and pg_catalog.pg_last_wal_receive_lsn() is distinct from pg_catalog.pg_last_wal_replay_lsn()
         then pg_catalog.clock_timestamp() - pg_catalog.pg_last_xact_replay_timestamp()
       end), 0)::double precision as behind,
       current_user::text as role,
       pg_catalog.to_char(pg_catalog.now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as time
"""

_USER_TABLES = """
from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
"""

_MAY_WRITE = f"""
select 'it is a superuser' as reason from pg_catalog.pg_roles where rolname = current_user and rolsuper
union all
select 'it may replicate' from pg_catalog.pg_roles where rolname = current_user and rolreplication
union all
select 'it may create in schema ' || n.nspname from pg_catalog.pg_namespace as n
where n.nspname !~ '^pg_' and pg_catalog.has_schema_privilege(n.oid, 'create')
union all
select 'it may create schemas' where pg_catalog.has_database_privilege(pg_catalog.current_database(), 'create')
union all
(select 'it may write to ' || n.nspname || '.' || c.relname {_USER_TABLES}
 and (c.relkind in ('r', 'p', 'f') or (c.relkind = 'v' and pg_catalog.pg_relation_is_updatable(c.oid, true) <> 0))
 and (pg_catalog.has_table_privilege(c.oid, 'insert, update, delete, truncate')
      or pg_catalog.has_any_column_privilege(c.oid, 'insert, update'))
 order by 1 limit 3)
"""
