"""How far the database's clock is ahead of ours."""

from __future__ import annotations

import time

import sqlalchemy as sa

from dsaudit.clock import Clock, Offset
from dsaudit.database.errors import DatabaseError
from dsaudit.database.reader import Database
from dsaudit.parameters.database import Database as Settings

LOOKS = 8  # the quickest answer decides, and the first ones are slow
TOLD = "select extract(epoch from pg_catalog.clock_timestamp())::double precision"


def database_offset(settings: Settings) -> Offset | None:
    """Return how far the database's clock is ahead of ours, None where it cannot be asked.

    Reading a source needs no database. Whatever needs one has its own words for one that does not answer.
    """
    clock = Clock()
    try:
        database = Database.open(settings, name="dsaudit/clock")
        try:
            with database.transaction() as one:
                for _ in range(LOOKS):
                    before = time.time()
                    told = one.run(TOLD).scalar_one()
                    clock.note(told, before, time.time())
        finally:
            database.close()
    except (DatabaseError, sa.exc.DBAPIError):
        return None
    return clock.offset
