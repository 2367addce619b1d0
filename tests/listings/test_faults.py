"""Every fault shows in the running sample as it says, and is healed without a trace; no check of dsaudit's looks."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

import psycopg
import pytest
import yaml

from examples.answer_key import Planted
from examples.control import SampleError
from examples.listings.faults import FAULTS, LIVE_FAULTS, TOUR
from examples.listings.sample import Sample
from tests.listings.reading import empty_database, fingerprint, measured, migrated, rows, stepped
from tests.samples import shown_and_healed, value

pytestmark = pytest.mark.xdist_group("listings_faults")

Shown = Callable[[Sample, Planted], None]
SHOWN: dict[str, Shown] = {}
FORMER = """insert into listings (title, marketplace, price_usd, condition, ram_gb, storage_gb)
    values ('former', 'ebay', 100, 'used', 16, 512);
insert into import_sessions (filename) values ('inventory.xlsx');
"""
PARTIAL = "insert into listings (title, marketplace, condition) values ('x', 'other', 'new')"


@pytest.fixture(scope="module")
def at_the_start(sample: Sample) -> Any:
    return fingerprint(sample)


def shows(shown: Shown) -> Shown:
    """The function of a fault's name looks whether the fault shows."""
    SHOWN[shown.__name__] = shown
    return shown


def found(sample: Sample, condition: str, table: str = "listings") -> list[str]:
    query = f"select id::text as key from {table} where {condition} order by id::text"
    return [row["key"] for row in sample.rows(query)]


@shows
def metric_computed_while_partial(sample: Sample, planted: Planted) -> None:
    wrong = found(sample, "quality = 'partial' and (adjusted_price_usd is not null or price_per_cpu_mark is not null)")
    assert wrong == planted.must[0].keys != []


@shows
def missing_fields_wrong(sample: Sample, planted: Planted) -> None:
    assert found(sample, "price_usd is null and not missing_fields ? 'price_usd'") == planted.must[0].keys != []


@shows
def provenance_not_set(sample: Sample, planted: Planted) -> None:
    wrong = found(sample, "price_usd is not null and not extraction_metadata ? 'price_usd'")
    assert wrong == planted.must[0].keys != []


@shows
def formula_differs(sample: Sample, planted: Planted) -> None:
    formula = "round(greatest(0, price_usd - 1.5 * coalesce(ram_gb, 0) - 0.04 * coalesce(storage_gb, 0)), 2)"
    assert found(sample, f"quality = 'full' and adjusted_price_usd <> {formula}") == planted.must[0].keys != []
    mark = "(select nullif(cpu_mark, 0) from cpus where cpus.id = cpu_id)"
    assert found(sample, f"price_per_cpu_mark <> round(adjusted_price_usd / {mark}, 6)") == []


@shows
def state_moves_back(sample: Sample, planted: Planted) -> None:
    back = "select listing_id::text as key from listing_changes where quality_before = 'full' order by 1"
    keys = [row["key"] for row in sample.rows(back)]
    assert keys == planted.must[0].keys != []
    assert set(keys) <= set(found(sample, "quality = 'partial' and adjusted_price_usd is null"))


@shows
def job_disagrees_with_rows(sample: Sample, planted: Planted) -> None:
    counted = "(select count(*) from import_sessions as s where s.bulk_job_id = bulk_jobs.id and s.status = 'complete')"
    assert found(sample, f"completed <> {counted}", "bulk_jobs") == planted.must[0].keys != []
    assert found(sample, "completed + failed <> total_urls", "bulk_jobs") == []


@shows
def required_value_lacking(sample: Sample, planted: Planted) -> None:
    assert found(sample, "quality = 'full' and price_usd is null") == planted.must[0].keys != []
    assert found(sample, "quality = 'full' and not missing_fields ? 'price_usd' and price_usd is null") == []


@shows
def state_unknown(sample: Sample, planted: Planted) -> None:
    assert found(sample, "quality not in ('full', 'partial')") == planted.must[0].keys != []
    with empty_database(sample) as url:
        draft = "insert into listings (title, marketplace, quality) values ('x', 'other', 'draft')"
        migrated(sample, url, "upgrade head", draft)


def imported(sample: Sample, kind: str = "no-price") -> dict[str, Any]:
    return sample.imported(sample.page(kind, "shown"))["per_row_status"][0]


def complete(sample: Sample, key: object, price: object) -> tuple[int, Any]:
    return sample.ask(f"listings/{key}/complete", {"price": price}, method="PATCH")


@shows
def completed_twice(sample: Sample, planted: Planted) -> None:
    key = imported(sample)["listing_id"]
    assert [complete(sample, key, price)[0] for price in (299.99, 399.99)] == [200, 200]
    assert sample.api(f"listings/{key}")["price_usd"] == 399.99


@shows
def negative_price_accepted(sample: Sample, planted: Planted) -> None:
    key = imported(sample)["listing_id"]
    assert complete(sample, key, -100)[0] == 200
    assert value(sample, "select price_usd from listings where id = %s", key) == Decimal(-100)


@shows
def unknown_id_is_500(sample: Sample, planted: Planted) -> None:
    status, answer = complete(sample, 99999, 1)
    assert status == 500 and answer["error"].keys() == {"code", "message"}


@shows
def stack_trace_in_error(sample: Sample, planted: Planted) -> None:
    status, answer = complete(sample, 99999, 1)
    assert status == 404 and "Traceback" in answer["error"]["message"] and ".py" in answer["error"]["message"]


@shows
def slow_flow(sample: Sample, planted: Planted) -> None:
    key, begun = imported(sample)["listing_id"], time.monotonic()
    assert complete(sample, key, 100)[0] == 200 and time.monotonic() - begun > 5


@shows
def answer_breaks_schema(sample: Sample, planted: Planted) -> None:
    document = json.loads((sample.code / "openapi.json").read_text(encoding="utf-8"))
    known = document["components"]["schemas"]["Listing"]["properties"]
    assert sample.api("listings/1").keys() - known.keys() == {"ranking"}


@shows
def counter_does_not_move(sample: Sample, planted: Planted) -> None:
    partial = 'import_results_total{marketplace="other",quality="partial",result="success"}'
    full = partial.replace("partial", "full")
    before = measured(sample)
    for kind in ("no-price", "full"):
        imported(sample, kind)
    after = measured(sample)
    assert [after[name] - before[name] for name in (partial, full)] == [0, 1]


@shows
def deletion_leaves_listings(sample: Sample, planted: Planted) -> None:
    told = sample.imported(sample.page("full", "shown"), marketplace="ebay")
    sample.api(f"ingest/bulk/{told['bulk_job_id']}", method="DELETE")
    assert found(sample, f"id = {told['per_row_status'][0]['listing_id']}") != []


@shows
def alert_never_fires(sample: Sample, planted: Planted) -> None:
    text = (sample.code / "monitoring" / "alert-rules.yml").read_text()
    assert 'result="failure"' in text and not any('result="failure"' in name for name in measured(sample))
    assert 'result="failure"' in (sample.code / "monitoring" / "alert-tests.yml").read_text()


@shows
def metrics_module_raises(sample: Sample, planted: Planted) -> None:
    command = [sys.executable, "-c", "import app.observability.metrics"]
    done = subprocess.run(command, cwd=sample.code, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "TypeError" in done.stderr


@shows
def bucket_for_every_moment(sample: Sample, planted: Planted) -> None:
    source = (sample.code / "app" / "observability" / "metrics.py").read_text()
    assert planted.must[0].keys == ["partial_completion_duration_seconds"] and "604796, 604800)" in source


@shows
def gauge_never_set(sample: Sample, planted: Planted) -> None:
    assert measured(sample)["partial_imports_pending"] == 0 != len(found(sample, "quality = 'partial'"))


@shows
def metric_not_exposed(sample: Sample, planted: Planted) -> None:
    (name,) = planted.must[0].keys
    assert name.endswith("_bucket") and not any(one.startswith(name) for one in measured(sample))
    assert "partial_import_completions_total" in measured(sample)


def expressions(sample: Sample) -> dict[str, str]:
    panels = json.loads((sample.code / "monitoring" / "partial-imports.json").read_text())["panels"]
    return {panel["title"]: panel["targets"][0]["expr"] for panel in panels}


@shows
def panel_says_otherwise(sample: Sample, planted: Planted) -> None:
    assert "quantile" in expressions(sample)[planted.must[0].scope["panel"]]


@shows
def alert_tests_fail(sample: Sample, planted: Planted) -> None:
    assert "> 0.25" in (sample.code / "monitoring" / "alert-rules.yml").read_text()
    assert "20% of the imports" in (sample.code / "monitoring" / "alert-tests.yml").read_text()


@shows
def dashboard_names_unknown_metric(sample: Sample, planted: Planted) -> None:
    name = planted.must[0].scope["metric"]
    panels = json.loads((sample.code / "monitoring" / "partial-imports.json").read_text())["panels"]
    assert [name in target["expr"] for panel in panels for target in panel["targets"]].count(True) == 1
    assert not any(one.startswith(name) for one in measured(sample))


@shows
def alerts_as_printed_in_004(sample: Sample, planted: Planted) -> None:
    groups = yaml.safe_load((sample.code / "monitoring" / "alert-rules.yml").read_text())["groups"]
    expressions = {rule["alert"]: rule["expr"] for rule in groups[0]["rules"]}
    assert "sum" not in expressions["HighImportFailureRate"] and "rate(" not in expressions["SlowImportProcessing"]
    assert set(planted.must[0].keys) <= expressions.keys()


def upgraded_with_rows(sample: Sample, query: str) -> list[tuple[Any, ...]]:
    """What a query finds of rows of 0021 when all revisions have been applied to them."""
    with empty_database(sample) as url:
        migrated(sample, url, "upgrade 0021", FORMER, "upgrade head")
        return rows(url, query)


@shows
def migration_loses_a_column(sample: Sample, planted: Planted) -> None:
    (column,) = planted.must[0].fields
    kept = "select ram_gb, storage_gb from listings"
    assert upgraded_with_rows(sample, kept) == [(None, 512) if column == "ram_gb" else (16, None)]


@shows
def default_missing(sample: Sample, planted: Planted) -> None:
    assert upgraded_with_rows(sample, "select quality, extraction_metadata from listings") == [("full", None)]
    assert value(sample, "select count(*) from pg_attrdef where adrelid = 'listings'::regclass") == 4


@shows
def index_missing(sample: Sample, planted: Planted) -> None:
    name = planted.must[0].scope["index"]
    indexes = "select count(*) from pg_indexes where indexname = 'ix_import_sessions_bulk_job_id'"
    assert name in indexes and value(sample, indexes) == 0 and upgraded_with_rows(sample, indexes) == [(0,)]


@shows
def migration_rewrites_the_table(sample: Sample, planted: Planted) -> None:
    with empty_database(sample) as url:
        begun = time.monotonic()
        migrated(sample, url, "upgrade 0022")
        assert time.monotonic() - begun > 1.1
        # A table that was written anew lies in another file than the one that it was made in.
        assert rows(url, "select pg_relation_filenode('listings') <> 'listings'::regclass::oid") == [(True,)]


@shows
def former_rows_refused(sample: Sample, planted: Planted) -> None:
    with empty_database(sample) as url:
        migrated(sample, url, "upgrade head", "check")
        with psycopg.connect(url) as connection, pytest.raises(psycopg.errors.NotNullViolation):
            connection.execute(FORMER.encode())
    assert imported(sample)["status"] == "complete"  # the new release gives what has to be given


@shows
def revision_does_not_apply(sample: Sample, planted: Planted) -> None:
    with empty_database(sample) as url:
        done = stepped(sample, url, "upgrade head")
        assert done.returncode != 0 and "UndefinedTable" in done.stderr
        assert sample.rows("select version_num as revision from alembic_version") == [{"revision": "0023"}]


@shows
def insert_is_slow(sample: Sample, planted: Planted) -> None:
    key = value(sample, "select min(id) from listings")
    with sample.owner() as connection:
        begun = time.monotonic()
        insert = (
            "insert into listing_changes (listing_id, quality_before, quality_after) values (%s, 'partial', 'full')"
        )
        connection.execute(insert, [key])
        assert time.monotonic() - begun > 0.03
        connection.rollback()


@shows
def constraint_does_not_refuse(sample: Sample, planted: Planted) -> None:
    with empty_database(sample) as url:
        migrated(sample, url, "upgrade head", "insert into import_sessions (filename, quality) values ('x', 'odd')")
        assert rows(url, "select count(*) from import_sessions") == [(0,)]
        migrated(sample, url, "downgrade 0022")


def downgraded(sample: Sample, query: str) -> list[tuple[Any, ...]]:
    """What a query finds of a listing that is whole and of one that is not, when 0022 has been taken back."""
    with empty_database(sample) as url:
        migrated(sample, url, "upgrade head", FORMER, PARTIAL, "downgrade 0021")
        return rows(url, query)


@shows
def downgrade_leaves_nulls(sample: Sample, planted: Planted) -> None:
    assert downgraded(sample, "select title, price_usd from listings order by id") == [("former", 100), ("x", None)]


@shows
def downgrade_deletes_more(sample: Sample, planted: Planted) -> None:
    assert downgraded(sample, "select title from listings") == []  # what was used is gone too


@shows
def two_heads(sample: Sample, planted: Planted) -> None:
    assert stepped(sample, sample.owner_url, "heads").stdout.count("(head)") == 2


@shows
def migration_pending(sample: Sample, planted: Planted) -> None:
    with empty_database(sample) as url:
        migrated(sample, url, "upgrade head", "check")
        assert rows(url, "select version_num from alembic_version") == [("0024",)]
    assert sample.rows("select version_num as revision from alembic_version") == [{"revision": "0023"}]


@shows
def model_drift(sample: Sample, planted: Planted) -> None:
    (column,) = planted.must[0].fields
    done = stepped(sample, sample.owner_url, "check")
    assert done.returncode != 0 and f"'{column}'" in done.stdout + done.stderr


@shows
def database_changed_by_hand(sample: Sample, planted: Planted) -> None:
    (column,) = planted.must[0].fields
    there = "select count(*) from information_schema.columns where table_name = 'listings' and column_name = %s"
    assert value(sample, there, column) == 1
    assert f"'{column}'" in stepped(sample, sample.owner_url, "check").stdout


def results_of(sample: Sample) -> tuple[list[str], str]:
    """The tests that failed as the app's own results have it, and the share of lines that they covered."""
    suites, coverage = (ElementTree.parse(sample.results / name).getroot() for name in ("junit.xml", "coverage.xml"))
    failed = [str(case.get("name")) for case in suites.iter("testcase") if len(case)]
    return failed, str(coverage.get("line-rate"))


@shows
def own_test_fails(sample: Sample, planted: Planted) -> None:
    assert results_of(sample) == (planted.must[0].keys, "1.0000")


@shows
def own_tests_left_out(sample: Sample, planted: Planted) -> None:
    failed, share = results_of(sample)
    assert failed == [] and 0.2 < float(share) < 0.8


@shows
def changed_after_the_tests(sample: Sample, planted: Planted) -> None:
    ran = min(path.stat().st_mtime for path in sample.results.iterdir())
    assert (sample.code / "app" / "services" / "deal_metrics.py").stat().st_mtime > ran
    assert results_of(sample) == ([], "1.0000")


@pytest.mark.parametrize("fault", [*FAULTS, *LIVE_FAULTS])
def test_a_fault_shows_and_is_healed(fault: str, sample: Sample, at_the_start: Any) -> None:
    shown_and_healed(sample, SHOWN, fault)
    assert fingerprint(sample) == at_the_start


def test_those_of_the_tour_can_be_planted_side_by_side(sample: Sample, at_the_start: Any) -> None:
    shown_and_healed(sample, SHOWN, *TOUR, seed=2)
    assert fingerprint(sample) == at_the_start


def test_an_unknown_fault_names_those_that_there_are(sample: Sample) -> None:
    with pytest.raises(SampleError, match="'twice' is not a fault of the listings; it has: alert_never_fires"):
        sample.plant("twice")


def test_every_fault_says_what_it_is() -> None:
    assert len(FAULTS) == 33 and FAULTS.keys() | LIVE_FAULTS.keys() == SHOWN.keys() and FAULTS.keys() > set(TOUR)
    assert all(fault.__doc__ for fault in (FAULTS | LIVE_FAULTS).values()) and not FAULTS.keys() & LIVE_FAULTS.keys()
