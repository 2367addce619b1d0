"""Makes the scratch copy: on a server that dsaudit started, or in a database of its own on one that was given."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import psycopg

from dsaudit import server
from dsaudit.database.errors import first_line
from dsaudit.scratch.dumping import dumped, restore
from dsaudit.scratch.model import Scratch, ScratchError, listed, literal, quoted
from dsaudit.scratch.origin import Origin, ask
from dsaudit.scratch.reflection import reflected

_DEFINERS = """
select p.oid::regprocedure::text from pg_catalog.pg_proc as p join pg_catalog.pg_roles as r on r.oid = p.proowner
where p.prosecdef and r.rolsuper and p.pronamespace = any(%s::regnamespace[])
"""


# Whoever may use them reaches the machine on which the copy lives.
REACHING = {"pg_execute_server_program", "pg_read_server_files", "pg_write_server_files"}
UNTRUSTED = ("plperlu", "plpython3u", "plpython2u", "plpythonu", "pltclu")


@contextmanager
def copied(url: str, schemas: Sequence[str] = ("public",), roles: Sequence[str] = ()) -> Iterator[Scratch]:
    """Yield an empty copy of the audited schemas, and drop it afterwards.

    Parameters
    ----------
    url
        Of the audited database, with a role that may read; nothing is written there.
    schemas
        Their names.
    roles
        Roles that the copy needs beside those that own, were granted or are named by something in the schemas.

    Raises
    ------
    ScratchError
        The schema cannot be read, or there is no server for the copy.
    """
    origin = ask(url, schemas, roles)
    found = dumped(url, schemas, origin)
    with _server(origin) as (copy_url, worker_url, unlike):
        with psycopg.connect(copy_url, autocommit=True) as connection:
            missing = _extensions(connection, origin)
            missing += [
                f"table {table.schema}.{table.name}: the role may not read it"
                for table in origin.tables
                if not table.readable
            ]
            refused = restore(connection, found, origin.borrowed)
            secure(connection, [*schemas, *origin.borrowed])
            tables = reflected(connection, schemas)
            version = connection.info.server_version
        yield Scratch(copy_url, worker_url, version, tables, [*unlike, *missing, *refused])


@contextmanager
def empty(url: str, schemas: Sequence[str] = ("public",), roles: Sequence[str] = ()) -> Iterator[Scratch]:
    """Yield a database without a table, with the roles of the audited schemas, and drop it afterwards.

    Parameters and errors are those of `copied`.
    """
    with _server(ask(url, schemas, roles)) as (empty_url, worker_url, unlike):
        with psycopg.connect(empty_url) as connection:
            version = connection.info.server_version
        yield Scratch(empty_url, worker_url, version, {}, unlike)


@contextmanager
def _server(origin: Origin) -> Iterator[tuple[str, str, list[str]]]:
    """Start a server like the audited one, and make a database there; see `_database`."""
    try:
        with server.running(of=_installation(origin.version)) as started, _database(started, origin) as made:
            yield made
    except server.ServerError as error:
        raise ScratchError(f"no server for the scratch copy: {error}") from None


def _installation(version: int) -> tuple[Path, str] | None:
    """The binaries of the audited server's own major version, or else the next newer ones, or the newest."""
    found = server.installations()
    wanted = [one for one in found if server.major(one[1]) >= version // 10_000]
    return next(iter(wanted or found[-1:]), None)


@contextmanager
def _database(started: server.Server, origin: Origin) -> Iterator[tuple[str, str, list[str]]]:
    """Make a database with its roles; yield a superuser's URL, the worker's, and what differs from the audited one."""
    suffix, password = secrets.token_hex(4), secrets.token_urlsafe(24)
    name, worker = f"dsaudit_scratch_{suffix}", f"dsaudit_worker_{suffix}"
    with psycopg.connect(started.url, autocommit=True) as connection:
        if connection.info.parameter_status("is_superuser") != "on":
            raise ScratchError("DSAUDIT_POSTGRES_URL: a scratch copy needs a superuser there")
        made = [worker]
        try:
            connection.execute(f"create role {quoted(worker)} login bypassrls password {literal(password)}")
            connection.execute(f"grant pg_read_all_data, pg_write_all_data to {quoted(worker)}")
            connection.execute(f"create database {quoted(name)} template template0 encoding 'UTF8'")
            connection.execute(f"alter database {quoted(name)} set deadlock_timeout = '100ms'")
            unlike = _roles(connection, origin, made)
            yield _address(started.url, name), _address(started.url, name, worker, password), unlike
        finally:
            connection.execute(f"drop database if exists {quoted(name)} with (force)")
            connection.execute(f"drop role if exists {listed(made)}")


def _roles(connection: psycopg.Connection[Any], origin: Origin, made: list[str]) -> list[str]:
    """Make the roles that are not there yet; none may log in, and none is a superuser where the audited one is."""
    there = dict(connection.execute("select rolname, rolbypassrls or rolsuper from pg_catalog.pg_roles").fetchall())
    unlike = []
    for role in origin.roles:
        if role.name in there:
            if role.bypasses != there[role.name]:
                unlike.append(f"role {role.name}: it is there already, with another right to bypass row security")
        elif not role.name.startswith("pg_"):
            rights = ["inherit" if role.inherits else "noinherit", "bypassrls" if role.bypasses else "nobypassrls"]
            connection.execute(f"create role {quoted(role.name)} nologin {' '.join(rights)}")
            made.append(role.name)
    for role in origin.roles:
        for group in role.member_of if role.name in made else ():
            if group in REACHING:
                unlike.append(f"role {role.name}: it is no member of {group} here")
            elif group in made or group in there:
                connection.execute(f"grant {quoted(group)} to {quoted(role.name)}")
    return unlike


def _extensions(connection: psycopg.Connection[Any], origin: Origin) -> list[str]:
    missing = []
    for extension in origin.extensions:
        if extension.name in UNTRUSTED:
            missing.append(f"extension {extension.name}: its functions could do anything on this machine")
            continue
        try:
            connection.execute(f"create schema if not exists {quoted(extension.schema)}")
            connection.execute(
                f"create extension if not exists {quoted(extension.name)} schema {quoted(extension.schema)} cascade"
            )
        except psycopg.Error as error:
            missing.append(f"extension {extension.name}: {first_line(error)}")
    return missing


def secure(connection: psycopg.Connection[Any], schemas: Sequence[str]) -> None:
    """Let the worker run what constraints call, no function run as a superuser, and names be found as in the origin."""
    name = connection.info.dbname
    worker = quoted(name.replace("scratch", "worker", 1))
    path = listed(["$user", "public", *(schema for schema in schemas if schema != "public")])
    connection.execute(f"alter database {quoted(name)} set search_path = {path}".encode())
    connection.execute(f"grant execute on all routines in schema {listed(schemas)} to {worker}".encode())
    for (function,) in connection.execute(_DEFINERS, [[quoted(schema) for schema in schemas]]).fetchall():
        connection.execute(f"alter routine {function} owner to {worker}".encode())


def _address(url: str, database: str, user: str | None = None, password: str = "") -> str:
    parts = urlsplit(url)
    if user:
        parts = parts._replace(netloc=f"{quote(user)}:{quote(password)}@{parts.netloc.rpartition('@')[2]}")
    return parts._replace(path=f"/{database}").geturl()
