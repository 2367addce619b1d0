"""Fills the sample's database: listings, odd but clean, and the imports that brought them."""

from pathlib import Path

import psycopg

from examples import databases

SCRIPT = Path(__file__).with_name("filling.sql")


def fill(url: str, size: int, seed: int) -> None:
    with psycopg.connect(url, cursor_factory=psycopg.ClientCursor) as connection:
        connection.execute(SCRIPT.read_text(encoding="utf-8"), {"size": size, "seed": seed})
    databases.execute(url, "vacuum (analyze)")
