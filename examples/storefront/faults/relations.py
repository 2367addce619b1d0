"""Faults of phase 5: what belongs together does not hold together."""

from random import Random
from typing import TYPE_CHECKING

from examples.answer_key import Expected, Planted
from examples.editing import altered

from .choosing import living, rows, some_tenant
from .switching import a_second_passes, backend, source

if TYPE_CHECKING:
    from ..sample import Sample

MOST = 8  # children of one object, where a hard limit is planted


def children_truncated(sample: "Sample", random: Random) -> Planted:
    """Of an embedded list only the first ten items are read."""
    tenant, shop = some_tenant(random)
    created = sample.record(shop, "customers", "create")
    customer = int(created["id"])
    address = {**created["record"]["addresses"][0], "default": False}
    addresses = [{**address, "id": address["id"] + 500_000_000 + place} for place in range(12)]
    with backend(sample, truncate_children=10):
        sample.record(shop, "customers", "update", customer, addresses=addresses)
    scope = {"tenant": tenant, "resource": "customer_address"}
    cut = [str(one["id"]) for one in addresses[10:]]
    must = [
        Expected("source_missing_in_raw", scope=scope, keys=cut, cause="TRUNCATED_CHILDREN"),
        Expected("source_missing_in_refined", scope=scope, keys=cut, cause="TRUNCATED_CHILDREN"),
        Expected("children_match_payload", scope=scope, keys=[str(customer)], cause="TRUNCATED_CHILDREN"),
    ]
    return Planted("children_truncated", mode=24, how="caused", must=must)


def children_beyond_a_limit(sample: "Sample", random: Random) -> Planted:
    """Of a product's many images those beyond a limit are dropped when they are written, and nothing is said of it."""
    tenant, shop = some_tenant(random)
    product = int(sample.record(shop, "products", "create")["id"])
    sample.settle()
    image = {"product_id": product, "src": "https://cdn.example/1.png", "alt": None, "width": 4, "height": 3}
    images = [
        {**image, "id": 9_200_000_000_000 + product % 1_000_000_000 * 100 + place, "position": place, "variant_ids": []}
        for place in range(1, MOST + random.randint(2, 6))
    ]
    with backend(sample, most_children=MOST):
        sample.record(shop, "products", "update", product, images=images)
    scope = {"tenant": tenant, "resource": "product_image"}
    dropped = [str(one["id"]) for one in images[MOST:]]
    must = [
        Expected("raw_missing_in_refined", scope=scope, keys=dropped),
        Expected("source_missing_in_refined", scope=scope, keys=dropped, cause="REFINE_WRONG"),
        Expected("children_match_payload", scope=scope, keys=[str(product)]),
    ]
    return Planted("children_beyond_a_limit", mode=27, how="caused", must=must)


def child_added_silently(sample: "Sample", random: Random) -> Planted:
    """A customer gets a second address, which moves no time of change, and nothing tells of it."""
    tenant, shop = some_tenant(random)
    customer = sample.record(shop, "customers", "create")
    sample.settle()
    known = customer["record"]["addresses"]
    added = {**known[0], "id": known[0]["id"] + 500_000_000, "default": False}
    with source(sample, drop_deliveries=["customers/update"]):
        moment = customer["record"]["updated_at"]
        sample.record(shop, "customers", "update", int(customer["id"]), addresses=[*known, added], updated_at=moment)
    scope = {"tenant": tenant, "resource": "customer_address"}
    # From here it cannot be told from a list that was cut off when it was sent.
    must = [
        Expected(check, scope=scope, keys=[str(added["id"])], cause="UNEXPLAINED")
        for check in ("source_missing_in_raw", "source_missing_in_refined")
    ]
    may = ["raw_differs_from_source", "webhooks_arrive"]
    return Planted("child_added_silently", mode=12, how="caused", must=must, may=may)


def children_fail(sample: "Sample", random: Random) -> Planted:
    """A customer's new addresses are refused when they are refined; the switch stays on, as they are tried again."""
    tenant, shop = some_tenant(random)
    customer = sample.record(shop, "customers", "create")
    sample.settle()
    known = customer["record"]["addresses"]
    added = [{**known[0], "id": known[0]["id"] + 600_000_000 + place, "default": False} for place in range(2)]
    keys = [str(one["id"]) for one in added]
    sample.backend_control("faults", {"refine_error": keys})
    sample.record(shop, "customers", "update", int(customer["id"]), addresses=[*known, *added])
    sample.settle()
    scope = {"tenant": tenant, "resource": "customer_address"}
    must = [
        Expected("raw_missing_in_refined", scope=scope, keys=keys),
        Expected("source_missing_in_refined", scope=scope, keys=keys, cause="REFINE_ERROR"),
        Expected("children_match_payload", scope=scope, keys=[customer["id"]]),
    ]
    return Planted("children_fail", mode=31, how="caused", must=must, may=["failed_refinements"])


def delete_without_children(sample: "Sample", random: Random) -> Planted:
    """A deleted customer's addresses stay behind."""
    tenant, shop = some_tenant(random)
    made = sample.record(shop, "customers", "create")
    sample.settle()
    with backend(sample, childless_deletes=True):
        sample.record(shop, "customers", "delete", int(made["id"]))
    keys = [str(address["id"]) for address in made["record"]["addresses"]]
    relation = {"tenant": tenant, "relation": "customer_address.customer_id → customer.id"}
    extra = {"tenant": tenant, "resource": "customer_address"}
    must = [
        Expected("children_of_deleted_parents", scope=relation, keys=keys),
        Expected("refined_missing_at_source", scope=extra, keys=keys, cause="MISSED_DELETE"),
    ]
    return Planted("delete_without_children", mode=63, how="caused", must=must)


def payout_without_transactions(sample: "Sample", random: Random) -> Planted:
    """A payout is read without the transactions that it is made of."""
    tenant, shop = some_tenant(random)
    payout = sample.record(shop, "payouts", "create")["id"]
    movement = sample.record(shop, "balance_transactions", "create", payout_id=int(payout))["id"]
    a_second_passes()
    with backend(sample, payouts_alone=True):
        sample.sync(shop, resources=["payouts"])
    relation = {"tenant": tenant, "relation": "balance_transaction.payout_id → payout.id"}
    scope = {"tenant": tenant, "resource": "balance_transaction"}
    must = [
        Expected("source_missing_in_raw", scope=scope, keys=[movement], cause="FETCH_ERROR"),
        Expected("source_missing_in_refined", scope=scope, keys=[movement], cause="FETCH_ERROR"),
        Expected("parents_have_their_children", scope=relation, keys=[payout]),
    ]
    return Planted("payout_without_transactions", mode=32, how="caused", must=must, may=["syncs_fetched_records"])


def parent_unknown(sample: "Sample", random: Random) -> Planted:
    """A line of a draft order refers to a draft order that is not there; the foreign key is gone."""
    tenant, _ = some_tenant(random)
    line = random.choice(living(sample, tenant, "draft_line_item"))
    _without_foreign_keys(sample, "shopify_draft_line_item")
    altered(
        sample,
        "update shopify_draft_line_item set draft_order_id = gen_random_uuid()"
        f" where shopify_draft_line_item_id = {line}",
    )
    relation = {"tenant": tenant, "relation": "draft_line_item.draft_order_id → draft_order.id"}
    lost = Expected("orphans", scope=relation, keys=[line], cause="PARENT_MISSING")
    return Planted("parent_unknown", mode=28, how="edited", must=[lost], may=["children_match_payload"])


def parent_of_another_tenant(sample: "Sample", random: Random) -> Planted:
    """A gift card refers to a customer of the other shop."""
    card = random.choice(living(sample, "acme", "gift_card"))
    stranger = random.choice(living(sample, "borealis", "customer"))
    altered(
        sample,
        "update shopify_gift_card set customer_id = (select id from shopify_customer"
        f" where shopify_customer_id = {stranger}) where shopify_gift_card_id = {card}",
    )
    relation = {"tenant": "acme", "relation": "gift_card.customer_id → customer.id"}
    crossing = Expected("references_stay_within_the_tenant", scope=relation, keys=[card], cause="WRONG_TENANT")
    return Planted("parent_of_another_tenant", mode=0, how="edited", must=[crossing])


def _without_foreign_keys(sample: "Sample", table: str) -> None:
    query = "select conname from pg_constraint where conrelid = %s::regclass and contype = 'f'"
    for (name,) in rows(sample, query, [table]):
        altered(sample, f"alter table {table} drop constraint {name}")
