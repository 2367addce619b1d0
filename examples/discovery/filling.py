"""Fills the sample's database: two clients, three engagements, odd but clean."""

from pathlib import Path

import psycopg

from examples import databases

from .tenants import ENGAGEMENTS

SCRIPT = Path(__file__).with_name("filling.sql")
# Of ten flows in a row, whose each is.
PLACES = [ENGAGEMENTS[place] for place in (0, 2, 1, 0, 2, 0, 1, 0, 2, 0)]


def migrated_and_filled(url: str, migrations: Path, size: int, seed: int) -> None:
    """Make the tables, fill them with `size` assets, and then make what keeps them right: so it takes no time."""
    first, *others = sorted(migrations.iterdir())
    databases.execute(url, first.read_text(encoding="utf-8"))
    fill(url, size, seed)
    for migration in others:
        databases.execute(url, f"set maintenance_work_mem = '256MB';\n{migration.read_text(encoding='utf-8')}")
    databases.execute(url, "vacuum (analyze)")


def fill(url: str, size: int, seed: int) -> None:
    values = {
        "size": size,
        "seed": seed,
        "clients": [one.client_account_id for one in PLACES],
        "engagements": [one.engagement_id for one in PLACES],
    }
    with psycopg.connect(url, cursor_factory=psycopg.ClientCursor) as connection:
        connection.execute("set work_mem = '128MB'")
        connection.execute(SCRIPT.read_text(encoding="utf-8"), values)
