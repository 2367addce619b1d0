"""The sample as a whole: it starts full and at rest, its parts agree, its faults are real, and nothing of it stays."""

from collections.abc import Callable, Iterator

import httpx
import psycopg
import pytest
from psycopg import sql

from examples import storefront
from examples.answer_key import Planted
from examples.control import SampleError
from examples.storefront.faults import FAULTS
from examples.storefront.sample import TENANTS, Sample

pytestmark = pytest.mark.xdist_group("sample")  # one sample for all of them

API = "admin/api/2026-07"
# Path of the count, and the refined table that has to hold as many living rows.
COLLECTIONS = {
    "orders/count.json?status=any": "shopify_order",
    "customers/count.json": "shopify_customer",
    "products/count.json": "shopify_product",
    "inventory_items/count.json": "shopify_inventory_item",
    "inventory_levels/count.json": "shopify_inventory_level",
    "locations/count.json": "shopify_location",
    "refunds/count.json": "shopify_refund",
    "transactions/count.json": "shopify_transaction",
    "fulfillments/count.json": "shopify_fulfillment",
    "draft_orders/count.json": "shopify_draft_order",
    "shopify_payments/payouts/count.json": "shopify_payout",
    "shopify_payments/balance/transactions/count.json": "shopify_balance_transaction",
    "shopify_payments/disputes/count.json": "shopify_dispute",
    "gift_cards/count.json": "shopify_gift_card",
}
TOPIC_GROUPS = {
    "orders",
    "customers",
    "products",
    "inventory_items",
    "inventory_levels",
    "locations",
    "refunds",
    "order_transactions",
    "fulfillments",
    "draft_orders",
    "disputes",
}


@pytest.fixture(scope="module")
def sample() -> Iterator[Sample]:
    with storefront.running() as running:
        yield running


@pytest.fixture(scope="module")
def clone(sample: Sample) -> Iterator[Sample]:
    with sample.clone() as clone:
        yield clone


def rows(sample: Sample, query: str, *values: object) -> list[tuple]:
    with sample.owner() as connection:
        return connection.execute(query, values).fetchall()


def number(sample: Sample, query: str, *values: object) -> int:
    return rows(sample, query, *values)[0][0]


def at_source(sample: Sample, path: str) -> dict:
    with shop_client(sample) as client:
        return client.get(path).json()


def shop_client(sample: Sample) -> httpx.Client:
    # Plain HTTP on loopback: neither proxies nor certificates are wanted.
    token = {"X-Shopify-Access-Token": sample.environment["STOREFRONT_TOKEN"]}
    base = sample.environment["STOREFRONT_API"]
    return httpx.Client(base_url=base, headers=token, verify=False, trust_env=False)


def counts(sample: Sample) -> dict[tuple[str, str], tuple[int, int]]:
    """Per tenant and table: how many the source has, how many living rows were refined."""
    found = {}
    with shop_client(sample) as client, sample.owner() as connection:
        for tenant, (integration, shop) in TENANTS.items():
            for path, table in COLLECTIONS.items():
                living = sql.SQL("select count(*) from {} where integration_id = %s and deleted_at is null")
                refined = connection.execute(living.format(sql.Identifier(table)), [integration]).fetchone()[0]
                found[tenant, table] = (client.get(f"{shop}/{API}/{path}").json()["count"], refined)
    return found


def assert_the_two_sides_agree(sample: Sample) -> None:
    found = counts(sample)
    assert {name: pair for name, pair in found.items() if pair[0] != pair[1]} == {}
    assert found["acme", "shopify_order"][0] >= 50
    assert found["acme", "shopify_gift_card"][0] == 4
    assert found["borealis", "shopify_gift_card"][0] == 0


def in_flight(sample: Sample) -> int:
    return sample.source_control("status")["pending_deliveries"] + sample.backend_control("status")["pending"]


def test_it_starts_full_and_at_rest(sample: Sample) -> None:
    assert in_flight(sample) == 0
    assert_the_two_sides_agree(sample)
    assert rows(sample, "select count(*) from shopify_raw_ingest where processing_status in ('pending', 'error')") == [
        (0,)
    ]


def test_it_gives_the_variables_of_its_parameter_file(sample: Sample) -> None:
    assert sample.parameters.name == "sample.yml" and sample.parameters.is_absolute()
    assert set(sample.environment) == {
        "STOREFRONT_AUDIT_URL",
        "STOREFRONT_API",
        "STOREFRONT_SYNC",
        "STOREFRONT_LOGS",
        "STOREFRONT_TOKEN",
        "STOREFRONT_WRITE_TOKEN",
        "STOREFRONT_WEBHOOK_SECRET",
    }
    secrets = [sample.owner_url, sample.control_token, *sample.environment.values()]
    assert [secret for secret in secrets if secret in repr(sample)] == [sample.source_url]


def test_every_topic_is_registered_for_both_shops(sample: Sample) -> None:
    for _, shop in TENANTS.values():
        webhooks = at_source(sample, f"{shop}/{API}/webhooks.json?limit=250")["webhooks"]
        assert len({webhook["topic"] for webhook in webhooks}) == 34
        assert all(webhook["address"].startswith(f"{sample.backend_url}/") for webhook in webhooks)


def test_each_resource_with_webhooks_has_enough_deliveries_for_a_percentile(sample: Sample) -> None:
    query = (
        "select split_part(topic, '/', 1), count(*) from shopify_webhook_delivery where outcome = 'accepted' group by 1"
    )
    accepted = dict(rows(sample, query))
    assert accepted.keys() == TOPIC_GROUPS
    assert {group: n for group, n in accepted.items() if n < 20} == {}


@pytest.mark.parametrize(
    "statement",
    [
        "delete from shopify_order",
        "insert into integration (name) values ('mine')",
        "update shopify_raw_ingest set processing_status = 'processed'",
        "truncate shopify_raw_ingest",
        "create table mine (id int)",
        "create temporary table mine (id int)",
        "drop table alembic_version",
    ],
)
def test_the_auditor_cannot_write(sample: Sample, statement: str) -> None:
    with psycopg.connect(sample.environment["STOREFRONT_AUDIT_URL"], autocommit=True) as connection:
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.execute(statement)
        # The setting only guards against mistakes; what is not granted is refused without it too.
        connection.execute("set default_transaction_read_only = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)


def test_the_auditor_can_read_every_table(sample: Sample) -> None:
    with psycopg.connect(sample.environment["STOREFRONT_AUDIT_URL"]) as connection:
        tables = [name for (name,) in connection.execute("select tablename from pg_tables where schemaname = 'public'")]
        assert len(tables) >= 27 + 5
        for table in tables:
            connection.execute(sql.SQL("select count(*) from {}").format(sql.Identifier(table)))
        limits = "select rolconnlimit, rolsuper, rolcreatedb, rolbypassrls from pg_roles where rolname = current_user"
        assert connection.execute(limits).fetchone() == (20, False, False, False)
        assert connection.execute("show statement_timeout").fetchone() == ("1min",)


def test_live_changes_arrive_and_settle(clone: Sample) -> None:
    before = number(clone, "select count(*) from shopify_webhook_delivery where outcome = 'accepted'")
    clone.change(44)
    clone.settle()
    assert in_flight(clone) == 0
    assert number(clone, "select count(*) from shopify_webhook_delivery where outcome = 'accepted'") >= before + 44
    assert_the_two_sides_agree(clone)


def test_what_does_not_come_to_rest_is_said_so(sample: Sample) -> None:
    with sample.clone() as clone:
        clone.backend_control("faults", {"slow_refinement": 30})
        clone.change(1)
        with pytest.raises(SampleError, match=r"after 0.5 s .* in flight"):
            clone.settle(timeout=0.5)


def test_a_clone_lives_by_itself(sample: Sample) -> None:
    before = counts(sample), number(sample, "select count(*) from shopify_webhook_delivery")
    with sample.clone() as clone:
        assert counts(clone) == before[0]
        stored = rows(
            clone, "select distinct jsonb_path_query(metadata_info, '$.**.address') #>> '{}' from integration"
        )
        assert [address for (address,) in stored if not address.startswith(clone.backend_url)] == []
        clone.change(10)
        clone.settle()
        assert number(clone, "select count(*) from shopify_webhook_delivery") > before[1]
        url = clone.environment["STOREFRONT_AUDIT_URL"]
    assert (counts(sample), number(sample, "select count(*) from shopify_webhook_delivery")) == before
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(url)
    with pytest.raises(SampleError, match="does not answer"):
        clone.backend_control("status")


def dropped_update(clone: Sample, planted: Planted) -> None:
    (missed,) = (expected for expected in planted.must if expected.check == "field_differences")
    integration, shop = TENANTS[missed.scope["tenant"]]
    (key,) = missed.keys
    there = at_source(clone, f"{shop}/{API}/orders/{key}.json")["order"]
    query = "select note, tags from shopify_order where integration_id = %s and shopify_order_id = %s"
    assert rows(clone, query, integration, key)[0] != (there["note"], there["tags"])
    (lost,) = [d for d in clone.source_control("deliveries")["deliveries"] if d["outcome"] == "undelivered"]
    assert (lost["topic"], lost["object_id"]) == ("orders/updated", key)


def stored_duplicate(clone: Sample, planted: Planted) -> None:
    query = """select distinct shopify_object_id from (
        select shopify_object_id, dedupe_hash_canonical = lag(dedupe_hash_canonical) over (
            partition by integration_id, object_type, shopify_object_id order by id) as repeated
        from shopify_raw_ingest) as versions where repeated"""
    assert rows(clone, query) == [(planted.must[0].keys[0],)]


def failed_refinements(clone: Sample, planted: Planted) -> None:
    query = "select distinct shopify_object_id from shopify_raw_ingest where processing_status = 'error' order by 1"
    failed = [key for (key,) in rows(clone, query)]
    assert sorted(failed) == planted.must[0].keys
    assert len(failed) / number(clone, "select count(*) from shopify_raw_ingest") > 0.01


@pytest.mark.parametrize(
    ("fault", "seen"),
    [
        ("orders_update_dropped", dropped_update),
        ("delivery_stored_twice", stored_duplicate),
        ("refinement_fails", failed_refinements),
    ],
)
def test_a_planted_fault_is_there_and_its_answer_key_too(
    sample: Sample, fault: str, seen: Callable[[Sample, Planted], None]
) -> None:
    with sample.clone() as clone:
        planted = clone.plant(fault, seed=2)
        assert Planted.from_json((clone.answers / f"{fault}-2.json").read_text()) == planted
        seen(clone, planted)


def test_a_seed_chooses_the_same_rows_again(sample: Sample) -> None:
    with sample.clone() as clone:
        first, again, other = (clone.plant("orders_update_dropped", seed).must for seed in (1, 1, 2))
    assert first == again != other


def test_healing_clears_every_switch_and_mends_what_can_be(sample: Sample) -> None:
    with sample.clone() as clone:
        clone.plant("refinement_fails")
        planted = clone.plant("orders_update_dropped")
        assert clone.switches()[1]
        clone.heal()
        assert clone.switches() == ({}, {})
        assert number(clone, "select count(*) from shopify_raw_ingest where processing_status = 'error'") == 0
        query = "select note from shopify_order where shopify_order_id = %s"
        assert rows(clone, query, planted.must[0].keys[0]) == [("Deliver to the neighbour",)]


def test_an_unknown_fault_is_one_line_with_the_known_ones(sample: Sample) -> None:
    with pytest.raises(SampleError, match="orders_update_dropped") as raised:
        sample.plant("no_such_fault")
    assert "\n" not in str(raised.value)


def test_every_fault_says_what_it_does() -> None:
    assert FAULTS and all((fault.__doc__ or "").strip() for fault in FAULTS.values())
