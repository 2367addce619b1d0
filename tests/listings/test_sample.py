"""The sample's data are odd but clean, and the same for the same seed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import psycopg
import pytest
import yaml

from dsaudit import server
from examples import databases
from examples.control import SampleError
from examples.listings.__main__ import report
from examples.listings.filling import fill
from examples.listings.marketplace import pages
from examples.listings.processes import BACKEND
from examples.listings.sample import Sample
from examples.migrations import Migrations
from tests.listings.reading import TABLES, contents, files, measured
from tests.samples import value

pytestmark = pytest.mark.xdist_group("listings_app")


def test_it_has_as_many_listings_as_asked_for_whole_partial_and_completed(sample: Sample) -> None:
    assert {table: found["rows"] for table, found in contents(sample).items()} == {
        "cpus": 10,
        "listings": 200,
        "bulk_jobs": 26,
        "import_sessions": 210,
        "listing_changes": 20,
    }
    query = "select quality, count(*) as number from listings group by quality order by quality"
    assert [tuple(row.values()) for row in sample.rows(query)] == [("full", 160), ("partial", 40)]
    query = "select distinct status from bulk_jobs order by status"
    assert [row["status"] for row in sample.rows(query)] == ["complete", "failed", "partial"]


@pytest.mark.parametrize(
    "wrong",
    [
        "quality = 'partial' and num_nonnulls(price_usd, adjusted_price_usd, price_per_cpu_mark) > 0",
        "quality = 'full' and (price_usd is null or adjusted_price_usd is null or adjusted_deal_rating is null)",
        "missing_fields <> to_jsonb(array_remove(array[case when price_usd is null then 'price_usd' end,"
        " case when condition is null then 'condition' end], null))",
        "(extraction_metadata ? 'price_usd') <> (price_usd is not null)",
        "(extraction_metadata ->> 'price_usd' = 'manual')"
        " <> exists (select from listing_changes where listing_id = listings.id)",
        "price_per_cpu_mark"
        " <> round(adjusted_price_usd / (select nullif(cpu_mark, 0) from cpus where cpus.id = cpu_id), 6)",
        "updated_at < created_at",
    ],
)
def test_no_listing_says_what_is_not_so(wrong: str, sample: Sample) -> None:
    assert value(sample, f"select count(*) from listings where {wrong}") == 0


def test_every_job_counts_its_addresses(sample: Sample) -> None:
    counted = """select count(*) from bulk_jobs as j where (total_urls, completed, partial, failed) <> (
        select count(*), count(listing_id), count(*) filter (where quality = 'partial'),
            count(*) filter (where status = 'failed') from import_sessions as s where s.bulk_job_id = j.id)"""
    assert value(sample, counted) == 0
    of_listing = "select count(*) from import_sessions where listing_id = l.id"
    assert value(sample, f"select count(*) from listings as l where 1 <> ({of_listing})") == 0


@pytest.mark.parametrize(
    "odd",
    ["price_usd = 0.01", "price_usd = 99999999.99", "adjusted_price_usd = 0", "title = 'null'", "condition is null",
     "cpu_id in (select id from cpus where cpu_mark = 0)", "cpu_id in (select id from cpus where cpu_mark is null)",
     "cpu_id is null", "ram_gb is null", "extract(microseconds from created_at) = 59999999"],
)  # fmt: skip
def test_it_is_odd(odd: str, sample: Sample) -> None:
    assert value(sample, f"select count(*) from listings where {odd}") > 0


def test_the_app_computes_what_the_data_have(sample: Sample) -> None:
    """A partial listing that is completed has the metrics that the filling would have given it."""
    key = value(sample, "select min(id) from listings where quality = 'full' and price_per_cpu_mark > 0")
    told = sample.api(f"listings/{key}")
    names = ("marketplace", "condition", "cpu_id", "ram_gb", "storage_gb")
    made = sample.api("listings", {"title": "x", **{name: told[name] for name in names}, "price": told["price_usd"]})
    metrics = ("adjusted_price_usd", "price_per_cpu_mark", "adjusted_deal_rating", "cpu_price_performance_rating")
    assert {name: made[name] for name in metrics} == {name: told[name] for name in metrics}
    sample.api(f"listings/{made['id']}", method="DELETE")


def test_a_seed_gives_the_same_data_again_and_another_gives_others_of_any_size(tmp_path: Any) -> None:
    with server.running() as postgres:
        migrations = Migrations(BACKEND, tmp_path)
        found = []
        for number, seed in enumerate((7, 7, 8)):
            databases.execute(postgres.url, f"create database filled_{number}")
            url = databases.address(postgres.url, database=f"filled_{number}")
            migrations.run(url)
            fill(url, 40, seed)
            with psycopg.connect(url) as connection:
                query = "select md5(string_agg(one::text, ' ' order by one.id)) from {} as one"
                found.append([connection.execute(query.format(table)).fetchone() for table in TABLES[1:4]])
        databases.execute(postgres.url, "create database tiny")
        url = databases.address(postgres.url, database="tiny")
        migrations.run(url)
        fill(url, 1, 7)
        with psycopg.connect(url) as connection:
            counts = [connection.execute(f"select count(*) from {table}").fetchone() for table in TABLES]
        migrations.stop()
    assert found[0] == found[1] != found[2] and counts == [(10,), (1,), (2,), (3,), (0,)]


def test_a_page_is_the_same_whenever_it_is_asked_for() -> None:
    assert pages.page("/full/1", 7) == pages.page("/full/1", 7) != pages.page("/full/2", 7)
    assert pages.page("/full/1", 8) != pages.page("/full/1", 7) and pages.page("/unknown/1", 7)[0] == 404


def test_changes_arrive_and_healing_takes_them_back(sample: Sample) -> None:
    before = contents(sample), files(sample)
    made = sample.change(4)
    sample.settle()
    assert len(made) == 4 and value(sample, "select count(*) from listings") == 204
    assert value(sample, "select count(*) from listings where quality = 'partial'") == 41
    (sample.code / "added.py").write_text("x = 1")
    sample.heal()
    assert (contents(sample), files(sample)) == before
    assert measured(sample)["partial_imports_pending"] == 40


def test_a_part_that_is_gone_is_told(sample: Sample) -> None:
    assert report(sample)["health"] == {"database": "ok"}
    with pytest.raises(SampleError, match=r"127\.0\.0\.1:9/healthz does not answer"):
        report(replace(sample, marketplace_url="http://127.0.0.1:9"))


def test_the_parameter_file_names_the_tables(sample: Sample) -> None:
    said = yaml.safe_load(sample.parameters.read_text(encoding="utf-8"))
    assert {one["table"] for one in said["resources"].values()} == set(TABLES)
    assert (sample.copy / said["monitoring"]["rules"]).is_file()
