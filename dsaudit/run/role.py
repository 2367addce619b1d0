"""The SQL of a role that an audit should use: it reads, and can do nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql


def reader_role(name: str, schemas: Sequence[str]) -> str:
    """Return the statements that make the role, to be run by the database's owner."""
    role = sql.Identifier(name).as_string(None)
    lines = [
        "-- Run as the owner of the database; choose a password of your own and keep it out of files.",
        f"create role {role} login noinherit connection limit 20 password 'choose one';",
        f"alter role {role} set default_transaction_read_only = on;",
        f"alter role {role} set statement_timeout = '60s';",
        f"alter role {role} set lock_timeout = '500ms';",
        f"alter role {role} set idle_in_transaction_session_timeout = '10min';",
    ]
    for given in schemas:
        schema = sql.Identifier(given).as_string(None)
        lines += [
            f"grant usage on schema {schema} to {role};",
            f"grant select on all tables in schema {schema} to {role};",
            f"alter default privileges in schema {schema} grant select on tables to {role};",
        ]
    lines += [
        "-- Before PostgreSQL 15 everybody may create tables in public; nobody should.",
        "revoke create on schema public from public;",
        f"-- Only for database.polite, to see who is at work and replicas: grant pg_read_all_stats to {role};",
        f"-- Only if audited tables have row-level security, which would hide rows: alter role {role} bypassrls;",
    ]
    return "\n".join(lines)
