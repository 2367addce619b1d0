"""The sample's databases and their roles: the owner, the auditor, who may only read, and applications, who own nothing.

Where a sample has no application's role, its application is the owner.
"""

import secrets
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

_ROLES = """
create role {owner} login password {owner_password};
create role {auditor} login password {auditor_password} connection limit 20;
alter role {auditor} set default_transaction_read_only = on;
alter role {auditor} set statement_timeout = '60s';
"""
_GRANTS = """
revoke create on schema public from public;
grant usage on schema public to {auditor};
alter default privileges for role {owner} in schema public grant select on tables to {auditor};
"""
_APPLICATION = """
create role {application} login password {password};
grant connect on database {database} to {application};
grant usage on schema public to {application};
alter default privileges for role {owner} in schema public
    grant select, insert, update, delete on tables to {application};
"""


def address(url: str, *, database: str | None = None, user: str | None = None, password: str | None = None) -> str:
    """The same server's URL for another database or another user."""
    parts = urlsplit(url)
    if user is not None:
        parts = parts._replace(netloc=f"{user}:{password}@{parts.netloc.rpartition('@')[2]}")
    return parts._replace(path=f"/{database}" if database else parts.path).geturl()


def name_of(url: str) -> str:
    return urlsplit(url).path.lstrip("/")


def create(server_url: str, example: str, suffix: str) -> tuple[str, str]:
    """Make the database and its roles; return the owner's and the auditor's URL of it."""
    database, owner, auditor = f"{example}{suffix}", f"owner{suffix}", f"auditor{suffix}"
    passwords = {name: secrets.token_urlsafe(24) for name in (owner, auditor)}
    names = {"owner": sql.Identifier(owner), "auditor": sql.Identifier(auditor)}
    hidden = {"owner_password": passwords[owner], "auditor_password": passwords[auditor]}
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL(_ROLES).format(**names, **hidden))
        _create_database(connection, database, "template1", owner, auditor)
    with psycopg.connect(address(server_url, database=database), autocommit=True) as connection:
        connection.execute(sql.SQL(_GRANTS).format(**names))
    owner_url, audit_url = (address(server_url, database=database, user=u, password=p) for u, p in passwords.items())
    return owner_url, audit_url


def add_application(server_url: str, owner_url: str, application: str, suffix: str) -> str:
    """Let an application's role read and write the tables that the owner will make; return its URL."""
    database, password = name_of(owner_url), secrets.token_urlsafe(24)
    names = {"application": f"{application}{suffix}", "database": database, "owner": f"owner{suffix}"}
    quoted = {place: sql.Identifier(name) for place, name in names.items()}
    with psycopg.connect(address(server_url, database=database), autocommit=True) as connection:
        connection.execute(sql.SQL(_APPLICATION).format(**quoted, password=password))
    return address(server_url, database=database, user=names["application"], password=password)


def copy(server_url: str, existing: str, new: str, suffix: str, *applications: str) -> None:
    """Make a new database like an existing one, to which nobody may be connected."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        others = [f"{name}{suffix}" for name in applications]
        _create_database(connection, new, existing, f"owner{suffix}", f"auditor{suffix}", *others)


def keep_start(server_url: str, owner_url: str, suffix: str, *applications: str) -> str:
    """Keep a copy of the database as it is when the sample starts; return its name."""
    name = name_of(owner_url)
    copy(server_url, name, f"{name}_start", suffix, *applications)
    return f"{name}_start"


def restore_start(server_url: str, owner_url: str, suffix: str, *applications: str) -> None:
    """Put the database back as it was when the sample started."""
    name = name_of(owner_url)
    drop(server_url, name)
    copy(server_url, f"{name}_start", name, suffix, *applications)


def execute(url: str, script: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(script.encode())


def drop(server_url: str, *databases: str) -> None:
    with psycopg.connect(server_url, autocommit=True) as connection:
        for database in databases:
            connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(database)))


def drop_roles(server_url: str, suffix: str, *applications: str) -> None:
    with psycopg.connect(server_url, autocommit=True) as connection:
        for role in ("owner", "auditor", *applications):
            connection.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(f"{role}{suffix}")))


def _create_database(connection: psycopg.Connection, new: str, template: str, owner: str, *users: str) -> None:
    names = {
        "new": sql.Identifier(new),
        "template": sql.Identifier(template),
        "owner": sql.Identifier(owner),
        "users": sql.SQL(", ").join(map(sql.Identifier, users)),
    }
    for statement in (
        "create database {new} template {template} owner {owner}",
        # Grants on a database are not copied with it; and without this everybody may connect and make temporary tables.
        "revoke all on database {new} from public",
        "grant connect on database {new} to {users}",
    ):
        connection.execute(sql.SQL(statement).format(**names))
