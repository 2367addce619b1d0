"""The migrations: up, down as far as it goes, and up again, with the rows that have to survive."""

from __future__ import annotations

import psycopg
import pytest

from examples.listings.sample import Sample
from tests.listings.reading import empty_database, migrated, rows, stepped

pytestmark = pytest.mark.xdist_group("listings_app")

FORMER = """insert into cpus (id, name, cpu_mark) values (1, 'Intel Core i5-10500', 13048);
insert into listings (title, marketplace, price_usd, condition, cpu_id, ram_gb)
    select 'former ' || n, 'ebay', 100 + n, 'used', 1, 16 from generate_series(1, 5) as n;
insert into import_sessions (filename) values ('inventory.xlsx');
"""
PARTIAL = """insert into listings (title, marketplace, condition, quality, missing_fields) values
    ('no price', 'other', 'used', 'partial', '["price_usd"]'), ('nothing', 'other', null, 'partial', '[]');
insert into listings (title, marketplace, price_usd, condition) values ('former way', 'other', 7, 'new');
"""


def run(url: str, script: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(script.encode())


def refused(url: str, statement: str) -> bool:
    with pytest.raises(psycopg.IntegrityError):
        run(url, statement)
    return True


def test_rows_survive_up_down_and_up_and_a_downgrade_takes_what_has_no_place(sample: Sample) -> None:
    with empty_database(sample) as url:
        migrated(sample, url, "upgrade 0021", FORMER, "upgrade head")
        former = "select title, price_usd, condition, cpu_id, ram_gb from listings order by id"
        before = rows(url, former)
        assert before == [(f"former {n}", 100 + n, "used", 1, 16) for n in range(1, 6)]
        assert rows(url, "select distinct quality, missing_fields, extraction_metadata from listings") == [
            ("full", [], {})
        ]
        assert rows(url, "select status, attempts, bulk_job_id, listing_id from import_sessions") == [
            ("queued", 0, None, None)
        ]
        run(url, PARTIAL)
        assert rows(url, "select quality, missing_fields from listings where title = 'former way'") == [("full", [])]
        migrated(sample, url, "downgrade 0021")
        assert [title for title, *_ in rows(url, former)] == [*(row[0] for row in before), "former way"]
        assert refused(url, "insert into listings (title, marketplace, condition) values ('x', 'other', 'new')")
        migrated(sample, url, "upgrade head", "check")


def test_what_refers_is_held_and_states_are_known(sample: Sample) -> None:
    with empty_database(sample) as url:
        migrated(sample, url, "upgrade head", FORMER)
        assert refused(url, "update import_sessions set listing_id = 4711")
        assert refused(url, "update import_sessions set bulk_job_id = gen_random_uuid()")
        assert refused(url, "update listings set cpu_id = 4711")
        assert refused(url, "update listings set quality = 'good'")
        run(url, "update import_sessions set listing_id = 1")
        assert refused(url, "delete from listings where id = 1")


def test_the_first_revision_refuses_to_go(sample: Sample) -> None:
    with empty_database(sample) as url:
        done = stepped(sample, url, "upgrade 0020", "downgrade base")
        assert done.returncode != 0 and "0019 is the first revision that is kept" in done.stderr
        assert rows(url, "select version_num from alembic_version") == [("0019",)]


def test_the_sample_is_at_the_head_and_as_its_models_say(sample: Sample) -> None:
    assert sample.rows("select version_num as revision from alembic_version") == [{"revision": "0023"}]
    migrated(sample, sample.owner_url, "check")
