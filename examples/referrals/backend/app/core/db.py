"""Connections to the database, one for each piece of work."""

import psycopg

from app.core.config import get_settings


def connect(autocommit: bool = False) -> psycopg.Connection:
    return psycopg.connect(get_settings().database_url, autocommit=autocommit, connect_timeout=5)
