"""Sessions with the database, each one transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from sqlalchemy import Engine, create_engine, make_url
from sqlalchemy.orm import Session

from app.core.config import get_settings


@cache
def engine() -> Engine:
    settings = get_settings()
    url = make_url(settings.database_url).set(drivername="postgresql+psycopg")
    # A connection that the server has closed meanwhile is replaced when it is wanted.
    return create_engine(url, pool_pre_ping=True, pool_size=settings.workers, connect_args={"connect_timeout": 5})


@contextmanager
def transaction() -> Iterator[Session]:
    with Session(engine(), expire_on_commit=False) as session, session.begin():
        yield session
