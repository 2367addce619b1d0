"""The app: imports whole and partial, completions, enrichment and refusals, as the feature's plan has them."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from examples.listings.sample import Sample
from tests.listings.reading import METRICS, contents, measured
from tests.samples import value

pytestmark = pytest.mark.xdist_group("listings_app")

NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(autouse=True, scope="module")
def _healed(sample: Sample) -> Any:
    yield
    sample.heal()


def rows_of(status: dict[str, Any]) -> list[dict[str, Any]]:
    return status["per_row_status"]


def imported(sample: Sample, kind: str, mark: str = "one") -> dict[str, Any]:
    """The listing that a page becomes."""
    (row,) = rows_of(sample.imported(sample.page(kind, mark)))
    return sample.api(f"listings/{row['listing_id']}")


def completed(sample: Sample, key: object, **body: object) -> tuple[int, Any]:
    return sample.ask(f"listings/{key}/complete", body, method="PATCH")


def assert_refused(found: tuple[int, Any], status: int, code: str) -> None:
    assert found[0] == status and found[1].keys() == {"error"}, found
    assert found[1]["error"].keys() == {"code", "message"} and found[1]["error"]["code"] == code
    message = found[1]["error"]["message"]
    assert message and not any(word in message.lower() for word in ("traceback", "select ", ".py", "sqlalchemy"))


def assert_valid(sample: Sample, answer: Any, name: str) -> None:
    """Hold an answer against the app's own document."""
    document = json.loads((sample.code / "openapi.json").read_text(encoding="utf-8"))
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(answer)


def test_a_page_without_a_price_becomes_a_partial_listing_that_is_completed(sample: Sample) -> None:
    begun = time.monotonic()
    status, accepted = sample.ask("ingest/bulk", {"urls": [sample.page("no-price", 1)], "marketplace": "other"})
    assert (status, accepted["status"], accepted["total_urls"]) == (202, "queued", 1)
    assert_valid(sample, accepted, "BulkAccepted")
    job = accepted["bulk_job_id"]
    while (told := sample.api(f"ingest/bulk/{job}/status"))["finished_at"] is None:
        time.sleep(0.02)
    assert_valid(sample, told, "BulkStatus")
    counts = [told[name] for name in ("status", "total_urls", "completed", "partial", "failed")]
    assert counts == ["partial", 1, 1, 1, 0]
    (row,) = rows_of(told)
    assert (row["status"], row["quality"], row["error"]) == ("complete", "partial", None)
    listing = sample.api(f"listings/{row['listing_id']}")
    assert_valid(sample, listing, "Listing")
    assert (listing["quality"], listing["price_usd"], listing["missing_fields"]) == ("partial", None, ["price_usd"])
    assert listing["title"] and all(listing[name] is None for name in METRICS)
    assert "price_usd" not in listing["extraction_metadata"] and listing["extraction_metadata"]["title"] == "extracted"
    status, full = completed(sample, listing["id"], price=299.99)
    assert_valid(sample, full, "Listing")
    assert (status, full["quality"], full["price_usd"], full["missing_fields"]) == (200, "full", 299.99, [])
    assert full["adjusted_price_usd"] == round(299.99 - 1.5 * full["ram_gb"] - 0.04 * full["storage_gb"], 2)
    assert full["adjusted_deal_rating"] in ("great_deal", "good_deal", "premium")
    assert full["extraction_metadata"] == {**listing["extraction_metadata"], "price_usd": "manual"}
    assert time.monotonic() - begun < 30  # its pace is an audit's to judge
    stored = sample.rows("select *, xmin from listings where id = %s", listing["id"])[0]
    assert (stored["quality"], float(stored["price_usd"])) == ("full", 299.99)
    query = "select quality_before || quality_after from listing_changes where listing_id = %s"
    assert value(sample, query, listing["id"]) == "partialfull"


def test_several_partial_imports_of_one_job_are_completed(sample: Sample) -> None:
    kinds = ("no-price", "euros", "full")
    told = sample.imported(*(sample.page(kind, "several") for kind in kinds), marketplace="ebay")
    assert (told["status"], told["total_urls"], told["completed"], told["partial"]) == ("partial", 3, 3, 2)
    assert [row["url"].split("/")[3] for row in rows_of(told)] == list(kinds)
    partial = [row["listing_id"] for row in rows_of(told) if row["quality"] == "partial"]
    assert [completed(sample, key, price=299.99)[0] for key in partial] == [200, 200]
    query = """select count(*) from listings join import_sessions on listing_id = listings.id
        where bulk_job_id = %s and price_usd is not null and listings.marketplace = 'ebay'"""
    assert value(sample, query, told["bulk_job_id"]) == 3
    # What the job says is what came with it, and stays.
    again = sample.api(f"ingest/bulk/{told['bulk_job_id']}/status")
    assert (again["status"], again["partial"]) == ("partial", 2)


def test_a_partial_listing_made_by_hand_is_enriched_and_has_metrics_once_it_is_complete(sample: Sample) -> None:
    body = {"title": "Dell with i5-10500", "cpu_id": 123, "condition": "refurb", "marketplace": "amazon"}
    status, listing = sample.ask("listings", {**body, "quality": "partial", "missing_fields": ["price"]})
    assert (status, listing["quality"], listing["cpu"]["cpu_mark"]) == (201, "partial", 13048)
    assert listing["cpu"]["single_thread_rating"] == 2846 and listing["adjusted_price_usd"] is None
    assert listing["extraction_metadata"] == dict.fromkeys(("title", "condition", "cpu_id"), "manual")
    status, full = completed(sample, listing["id"], price=399.99)
    assert (status, full["adjusted_price_usd"], full["price_per_cpu_mark"]) == (200, 399.99, 0.030655)
    assert (full["adjusted_deal_rating"], full["cpu_price_performance_rating"]) == ("premium", "good")
    # Without the id the title tells the processor.
    found = sample.api("listings", {name: text for name, text in body.items() if name != "cpu_id"})
    assert (found["cpu_id"], found["extraction_metadata"]["cpu_id"]) == (123, "enriched")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("full", {"quality": "full", "missing_fields": []}),
        ("no-offer", {"quality": "partial", "missing_fields": ["price_usd", "condition"]}),
        ("no-condition", {"quality": "full", "missing_fields": ["condition"], "condition": None}),
        ("no-processor", {"quality": "full", "cpu_id": None, "price_per_cpu_mark": None}),
        ("euros", {"quality": "partial", "price_usd": None}),
        ("zero", {"quality": "partial", "price_usd": None}),
        ("text-price", {"quality": "partial", "price_usd": None}),
        ("thousands", {"quality": "full", "price_usd": 1249.5}),
        ("number", {"quality": "full", "price_usd": 299.9}),
        ("unicode", {"title": "Büro-PC “青空” 🖥️ Größe ½ – ελληνικά خادم"}),
        ("title-processor", {"cpu_id": 123}),
        ("markup", {"title": "</script><script>alert('1')</script> O'Brien & Sons"}),
        ("slow", {"quality": "full"}),
    ],
)
def test_a_page_becomes_what_can_be_read_of_it(kind: str, expected: dict[str, Any], sample: Sample) -> None:
    listing = imported(sample, kind)
    assert {name: listing[name] for name in expected} == expected
    assert_valid(sample, listing, "Listing")
    traced = ("title", "price_usd", "condition", "cpu_id", "ram_gb", "storage_gb")
    assert listing["extraction_metadata"].keys() == {name for name in traced if listing[name] is not None}


def test_a_page_that_cannot_be_had_or_read_fails_with_a_reason_and_makes_no_listing(sample: Sample) -> None:
    before = value(sample, "select count(*) from listings")
    kinds = ("failing", "gone", "malformed", "empty", "no-product")
    nowhere = "http://127.0.0.1:9/nowhere"
    told = sample.imported(*(sample.page(kind, "broken") for kind in kinds), nowhere)
    assert (told["status"], told["completed"], told["failed"]) == ("failed", 0, 6)
    unread = "the page describes no product"
    reasons = ["the page answered 503", "the page answered 404", unread, unread, unread, "the page cannot be reached"]
    assert [row["error"] for row in rows_of(told)] == reasons
    assert [row["attempts"] for row in rows_of(told)] == [2, 1, 1, 1, 1, 1]
    assert value(sample, "select count(*) from listings") == before


@pytest.mark.parametrize("key", ["99999", "9223372036854775807"])
def test_a_listing_that_is_not_there_is_not_found(key: str, sample: Sample) -> None:
    assert_refused(completed(sample, key, price=299.99), 404, "not_found")
    assert_refused(sample.ask(f"listings/{key}"), 404, "not_found")
    assert_refused(sample.ask(f"listings/{key}", method="DELETE"), 404, "not_found")


@pytest.mark.parametrize("price", [-100, 0, "much", None, True, 1.005, 1e12, [1]])
def test_a_price_that_is_none_is_refused_and_changes_nothing(price: Any, sample: Sample) -> None:
    (key,) = {row["id"] for row in sample.rows("select min(id) as id from listings where quality = 'partial'")}
    before = contents(sample)
    assert_refused(completed(sample, key, price=price), 422, "invalid")
    assert contents(sample) == before


def test_a_listing_is_completed_once_even_by_two_at_once(sample: Sample) -> None:
    key = sample.api("listings", {"title": "Test", "condition": "used", "marketplace": "other"})["id"]
    with ThreadPoolExecutor() as threads:
        found = list(threads.map(lambda price: completed(sample, key, price=price), [299.99, 399.99, 499.99]))
    assert sorted(status for status, _ in found) == [200, 400, 400]
    (price,) = [answer["price_usd"] for status, answer in found if status == 200]
    assert_refused(completed(sample, key, price=1), 400, "bad_request")
    assert sample.api(f"listings/{key}")["price_usd"] == price
    assert value(sample, "select count(*) from listing_changes where listing_id = %s", key) == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("ingest/bulk", {"urls": [], "marketplace": "other"}),
        ("ingest/bulk", {"urls": ["ftp://x"], "marketplace": "other"}),
        ("ingest/bulk", {"urls": ["http://x/1", "http://x/1"], "marketplace": "other"}),
        ("ingest/bulk", {"urls": ["http://x/1"], "marketplace": "bazaar"}),
        ("ingest/bulk", {"urls": ["http://x/1"] * 101, "marketplace": "other"}),
        ("ingest/bulk", []),
        ("listings", {"marketplace": "other"}),
        ("listings", {"title": "a\x00b", "marketplace": "other"}),
        ("listings", {"title": "x", "marketplace": "other", "cpu_id": 4711}),
        ("listings", {"title": "x", "marketplace": "other", "ram_gb": -1}),
    ],
)
def test_what_cannot_be_taken_is_told_and_leaves_nothing(path: str, body: Any, sample: Sample) -> None:
    before = contents(sample)
    assert_refused(sample.ask(path, body), 422, "invalid")
    assert contents(sample) == before


@pytest.mark.parametrize("path", ["listings/x", "listings/0", "listings/²", "ingest/bulk/7/status"])
def test_an_id_that_is_none_is_told(path: str, sample: Sample) -> None:
    assert_refused(sample.ask(path.replace("²", "%C2%B2")), 422, "invalid")


def test_without_the_token_nothing_is_served(sample: Sample) -> None:
    for path in ("listings", "listings/1", f"ingest/bulk/{NOBODY}/status"):
        for token in ("", "another"):
            assert_refused(sample.ask(path, token=token), 401, "unauthorized")
    assert_refused(sample.ask("nothing"), 404, "not_found")
    assert_refused(sample.ask(f"ingest/bulk/{NOBODY}/status"), 404, "not_found")


def test_a_list_has_every_listing_once_and_can_be_narrowed(sample: Sample) -> None:
    answer = sample.api("listings", page=2, page_size=60)
    assert_valid(sample, answer, "Listings")
    total = value(sample, "select count(*) from listings")
    seen = [row["id"] for page in range(1, 9) for row in sample.api("listings", page=page, page_size=60)["listings"]]
    assert answer["total"] == total == len(seen) == len(set(seen))
    partial = sample.api("listings", quality="partial", page_size=500)
    waiting = value(sample, "select count(*) from listings where quality = 'partial'")
    assert {row["quality"] for row in partial["listings"]} == {"partial"} and partial["total"] == waiting
    assert_refused(sample.ask("listings", quality="good"), 422, "invalid")


def test_a_job_takes_its_listings_along_and_they_do_not_go_without_it(sample: Sample) -> None:
    before = contents(sample)
    told = sample.imported(sample.page("full", "gone-again"), sample.page("gone", "never-there"))
    key = rows_of(told)[0]["listing_id"]
    assert_refused(sample.ask(f"listings/{key}", method="DELETE"), 409, "conflict")
    assert_valid(sample, sample.api(f"ingest/bulk/{told['bulk_job_id']}", method="DELETE"), "DeletedJob")
    assert sample.ask(f"listings/{key}")[0] == 404
    made = sample.api("listings", {"title": "By hand", "marketplace": "other"})["id"]
    assert_valid(sample, sample.api(f"listings/{made}", method="DELETE"), "DeletedListing")
    assert contents(sample) == before


def test_many_jobs_at_once_count_every_address_once(sample: Sample) -> None:
    kinds = ("full", "no-price", "gone", "no-condition")
    with ThreadPoolExecutor(6) as threads:
        told = list(
            threads.map(lambda job: sample.imported(*(sample.page(kind, job) for kind in kinds)), map(str, range(6)))
        )
    assert {(one["status"], one["completed"], one["partial"], one["failed"]) for one in told} == {("partial", 3, 1, 1)}
    assert measured(sample)["imports_in_progress"] == 0
