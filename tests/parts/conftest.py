"""A shop of its own for each test."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from dsaudit import server
from tests.parts.shop import SCHEMA, Shop
from tests.source.providers import serving


@pytest.fixture
def shop(postgres: server.Server, tmp_path: Path) -> Iterator[Shop]:
    """An integration without a record."""
    name = f"shop_{secrets.token_hex(4)}"
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute(f"create database {name}")  # type: ignore[call-overload]
    url = postgres.url.rsplit("/", 1)[0] + f"/{name}"
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute(SCHEMA)
        made = Shop(url, owner, tmp_path)
        with serving(made.answer, made.tokens) as made.address:
            yield made
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)")  # type: ignore[call-overload]
