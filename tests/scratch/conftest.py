"""One audited server with a hard schema, one filled copy of it, and clones of that copy to damage."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from dsaudit import server
from dsaudit.scratch import Scratch, copied, fill

HARD = Path(__file__).with_name("hard.sql")
SCHEMAS = ["public", "Other Schema"]
ROWS = 60

Clone = Callable[..., Scratch]


@pytest.fixture(scope="package")
def audited() -> Iterator[str]:
    """A superuser's URL of a database with the hard schema, on the newest server at hand."""
    with server.running(of=server.installations()[-1]) as one, psycopg.connect(one.url, autocommit=True) as connection:
        connection.execute("create database hard template template0 encoding 'UTF8'")
        url = urlsplit(one.url)._replace(path="/hard").geturl()
        with psycopg.connect(url, autocommit=True) as hard:
            hard.execute(HARD.read_bytes())
        yield url


@pytest.fixture(scope="package")
def filled(audited: str) -> Iterator[Scratch]:
    with copied(audited, SCHEMAS) as scratch:
        fill(scratch, ROWS)
        yield scratch


@pytest.fixture
def clone(filled: Scratch) -> Iterator[Clone]:
    """Make a clone of the filled copy, with statements run in it afterwards."""
    with ExitStack() as stack:

        def make(*statements: str) -> Scratch:
            return stack.enter_context(cloned(filled, statements))

        yield make


@contextmanager
def cloned(scratch: Scratch, statements: tuple[str, ...]) -> Iterator[Scratch]:
    name, origin = f"clone_{secrets.token_hex(4)}", urlsplit(scratch.url).path[1:]
    url, worker = (urlsplit(one)._replace(path=f"/{name}").geturl() for one in (scratch.url, scratch.worker_url))
    with psycopg.connect(urlsplit(url)._replace(path="/postgres").geturl(), autocommit=True) as server_wide:
        server_wide.execute(f'create database "{name}" template "{origin}"')
        try:
            with psycopg.connect(url, autocommit=True) as connection:
                for statement in statements:
                    connection.execute(statement.encode())
            yield replace(
                scratch, url=url, worker_url=worker, plans={**scratch.plans}, counts={**scratch.counts}, shortfalls={}
            )
        finally:
            server_wide.execute(f'drop database "{name}" with (force)')
