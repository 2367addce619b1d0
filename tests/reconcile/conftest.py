from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from dsaudit import server
from dsaudit.database import Database
from tests.reconcile.tables import Tables, opened


@pytest.fixture(scope="session")
def database(postgres: server.Server) -> Iterator[tuple[str, Database]]:
    """A database for the tables of all tests of one worker."""
    name = f"reconcile_{secrets.token_hex(4)}"
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute(f"create database {name}")  # type: ignore[call-overload]
    url = postgres.url.rsplit("/", 1)[0] + f"/{name}"
    made = opened(url)
    yield url, made
    made.close()
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)")  # type: ignore[call-overload]


@pytest.fixture
def tables(database: tuple[str, Database], tmp_path: Path) -> Tables:
    """A place for a test's tables, and one for its files."""
    return Tables(database[0], tmp_path, database[1])
