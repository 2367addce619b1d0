"""Times that PostgreSQL has and Python has not, infinity and years beyond 1 to 9999, come as no known time: None."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.abc import AdaptContext, Buffer
from psycopg.adapt import Loader


class _KnownOrNone(Loader):
    """Reads a time as psycopg does, where Python has it."""

    def __init__(self, oid: int, context: AdaptContext | None = None) -> None:
        super().__init__(oid, context)
        loader = psycopg.adapters.get_loader(oid, self.format)
        assert loader is not None
        self._loader = loader(oid, context)

    def load(self, data: Buffer) -> Any:
        try:
            return self._loader.load(data)
        except psycopg.DataError:
            return None


def read_far_times_as_none(connection: psycopg.Connection[Any], record: object = None) -> None:
    """Let a connection end no query for a time that Python has not; `record` is what SQLAlchemy keeps of it."""
    for name in ("timestamptz", "timestamp", "date"):
        connection.adapters.register_loader(name, _KnownOrNone)
