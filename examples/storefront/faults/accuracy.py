"""Faults of phase 5: what is in the tables is not what the source has, as whole records."""

from random import Random
from typing import TYPE_CHECKING, Any

from examples.answer_key import Expected, Planted
from examples.editing import altered

from .choosing import all_living, living, rows, some_tenant
from .editing import WITHOUT_WEBHOOKS, forget_everything
from .losing import lost, lost_orders
from .switching import a_second_passes, backend, source

if TYPE_CHECKING:
    from ..sample import Sample

TENANTS = ("acme", "borealis")


def orders_update_dropped(sample: "Sample", random: Random) -> Planted:
    """The delivery that tells of an order's update is never sent."""
    tenant, shop = some_tenant(random)
    order = random.choice(living(sample, tenant, "order"))
    with source(sample, drop_deliveries={"topic": "orders/updated", "nth": 1}):
        sample.record(shop, "orders", "update", int(order), note="Deliver to the neighbour", tags="changed")
    scope, fields = {"tenant": tenant, "resource": "order"}, ["note", "tags", "source_updated_at"]
    silent = Expected("webhooks_arrive", scope={"tenant": tenant}, keys=["order"], cause="UNDELIVERED")
    old = Expected("raw_differs_from_source", scope=scope, keys=[order], cause="UNDELIVERED")
    different = Expected("field_differences", scope=scope, keys=[order], fields=fields, cause="UNDELIVERED")
    return Planted("orders_update_dropped", mode=48, how="caused", must=[old, different, silent])


def answered_before_stored(sample: "Sample", random: Random) -> Planted:
    """A delivery is answered with 200 and lost before it is stored."""
    tenant, shop = some_tenant(random)
    item = random.choice(living(sample, tenant, "inventory_item"))
    with backend(sample, answer_before_storing=["inventory_items/update"]):
        sample.record(shop, "inventory_items", "update", int(item), sku=f"LOST-{random.randrange(10**6)}")
    scope = {"tenant": tenant, "resource": "inventory_item"}
    fields = ["sku", "source_updated_at"]
    old = Expected("raw_differs_from_source", scope=scope, keys=[item], cause="NEVER_RECEIVED")
    different = Expected("field_differences", scope=scope, keys=[item], fields=fields, cause="NEVER_RECEIVED")
    return Planted("answered_before_stored", mode=44, how="caused", must=[old, different])


def reversion_swallowed(sample: "Sample", random: Random) -> Planted:
    """A dispute changes and changes back, and the second change is taken for a repetition of the first state."""
    tenant, shop = some_tenant(random)
    dispute = random.choice(living(sample, tenant, "dispute"))
    with backend(sample, dedupe_any_version=True):
        before = sample.record(shop, "disputes", "update", int(dispute), reason="product_not_received")["record"]
        sample.settle()
        sample.record(shop, "disputes", "update", int(dispute), reason="a reason of its own")
        sample.settle()
        sample.record(shop, "disputes", "update", int(dispute), **before)
    scope = {"tenant": tenant, "resource": "dispute"}
    old = Expected("raw_differs_from_source", scope=scope, keys=[dispute], cause="FALSE_DEDUP")
    different = Expected("field_differences", scope=scope, keys=[dispute], fields=["reason"], cause="FALSE_DEDUP")
    return Planted("reversion_swallowed", mode=58, how="caused", must=[old, different])


def same_second_update_lost(sample: "Sample", random: Random) -> Planted:
    """A location changes twice within a second, and the second change is dropped as not newer than the first."""
    tenant, shop = some_tenant(random)
    location = random.choice(living(sample, tenant, "location"))
    with backend(sample, same_second_dropped=True):
        first = sample.record(shop, "locations", "update", int(location), phone="+47 555 99 991")["record"]
        sample.settle()
        for _ in range(3):  # sent later for certain, whatever the clocks leave open
            a_second_passes()
        at_once = {"phone": "+47 555 99 992", "updated_at": first["updated_at"]}
        sample.record(shop, "locations", "update", int(location), **at_once)
    scope = {"tenant": tenant, "resource": "location"}
    old = Expected("raw_differs_from_source", scope=scope, keys=[location], cause="MISSED_UPDATE")
    different = Expected("field_differences", scope=scope, keys=[location], fields=["phone"], cause="MISSED_UPDATE")
    return Planted("same_second_update_lost", mode=40, how="caused", must=[old, different])


def first_page_only(sample: "Sample", random: Random) -> Planted:
    """The sync stops after the first page of a list, and nothing else tells of what is on the second."""
    tenant, shop = some_tenant(random)
    # A list is in the order of ids, so that these fill its first page.
    for _ in range(10):
        sample.record(shop, "locations", "create")
    sample.settle()
    with source(sample, drop_deliveries=["locations/create"]):
        made = [sample.record(shop, "locations", "create")["id"] for _ in range(3)]
    a_second_passes()
    with backend(sample, page_size=10, page_limit=1):
        sample.sync(shop, resources=["locations"])
    must = lost({"tenant": tenant, "resource": "location"}, made, "PAGE_BOUNDARY")
    return Planted("first_page_only", mode=23, how="caused", must=must, may=["webhooks_arrive"])


def only_sixty_days(sample: "Sample", random: Random) -> Planted:
    """All is read anew while the app may not see orders of more than sixty days; later it may again."""
    before = {tenant: all_living(sample, tenant) for tenant in TENANTS}
    forget_everything(sample)
    with source(sample, revoked_scopes=["read_all_orders"]):
        sample.sync()
    must = []
    for tenant, there in before.items():
        must += lost_orders(tenant, there, all_living(sample, tenant), "SCOPE_HIDDEN")
    # What belongs to a missing order waits for it, and a shop that has just been read has had no webhooks yet.
    may = ["raw_missing_in_refined", "children_match_payload", *WITHOUT_WEBHOOKS]
    return Planted("only_sixty_days", mode=61, how="caused", must=must, may=may)


def refinement_skipped(sample: "Sample", random: Random) -> Planted:
    """A new dispute is received, and the worker passes it over; the switch stays on, as the row is taken up later."""
    tenant, shop = some_tenant(random)
    sample.backend_control("faults", {"skip_refinement": ["dispute"]})
    dispute = sample.record(shop, "disputes", "create")["id"]
    sample.settle()
    scope = {"tenant": tenant, "resource": "dispute"}
    must = [
        Expected("raw_missing_in_refined", scope=scope, keys=[dispute], cause="REFINE_PENDING"),
        Expected("source_missing_in_refined", scope=scope, keys=[dispute], cause="REFINE_PENDING"),
    ]
    return Planted("refinement_skipped", mode=44, how="caused", must=must)


def delete_missed(sample: "Sample", random: Random) -> Planted:
    """A customer is deleted at the source; the delivery that says so is answered and forgotten."""
    tenant, shop = some_tenant(random)
    made = sample.record(shop, "customers", "create")
    sample.settle()
    with backend(sample, ignore_deletes=True):
        sample.record(shop, "customers", "delete", int(made["id"]))
    must = _extra(tenant, _with_addresses(made), "MISSED_DELETE")
    return Planted("delete_missed", mode=2, how="caused", must=must)


def delete_never_told(sample: "Sample", random: Random) -> Planted:
    """A customer is deleted at the source, no delivery says so, and a sync sees only what still exists."""
    tenant, shop = some_tenant(random)
    made = sample.record(shop, "customers", "create")
    sample.settle()
    with source(sample, drop_deliveries=["customers/delete"]):
        sample.record(shop, "customers", "delete", int(made["id"]))
    sample.sync(shop, resources=["customers"])
    must = _extra(tenant, _with_addresses(made), "MISSED_DELETE")
    return Planted("delete_never_told", mode=1, how="caused", must=must)


def delete_never_reconciled(sample: "Sample", random: Random) -> Planted:
    """Draft orders are deleted at the source, no delivery says so, and nothing compares the two lists after that."""
    tenant, shop = some_tenant(random)
    made = [sample.record(shop, "draft_orders", "create")["record"] for _ in range(random.randint(2, 4))]
    sample.settle()
    with source(sample, drop_deliveries=["draft_orders/delete"]):
        for draft in made:
            sample.record(shop, "draft_orders", "delete", draft["id"])
    found = {
        "draft_order": [str(draft["id"]) for draft in made],
        "draft_line_item": [str(line["id"]) for draft in made for line in draft["line_items"]],
    }
    return Planted("delete_never_reconciled", mode=3, how="caused", must=_extra(tenant, found, "MISSED_DELETE"))


def payment_removed_at_source(sample: "Sample", random: Random) -> Planted:
    """The provider removes a payment, of which no topic tells, and a sync sees only what still exists."""
    tenant, shop = some_tenant(random)
    payment = sample.record(shop, "transactions", "create")["id"]
    sample.settle()
    sample.record(shop, "transactions", "delete", int(payment))
    sample.sync(shop, resources=["transactions"])
    must = _extra(tenant, {"transaction": [payment]}, "MISSED_DELETE")
    return Planted("payment_removed_at_source", mode=5, how="caused", must=must)


def wrong_tenant(sample: "Sample", random: Random) -> Planted:
    """A customer of one shop is filed under the other."""
    tenant, shop = some_tenant(random)
    other = "borealis" if tenant == "acme" else "acme"
    with backend(sample, wrong_tenant=True):
        made = sample.record(shop, "customers", "create")
    must = [*lost({"tenant": tenant, "resource": "customer"}, [made["id"]], "WRONG_TENANT")]
    must += lost({"tenant": tenant, "resource": "customer_address"}, _addresses(made), "WRONG_TENANT")
    must += _extra(other, _with_addresses(made), "FOREIGN_TENANT")
    return Planted("wrong_tenant", mode=0, how="caused", must=must)


def partial_key(sample: "Sample", random: Random) -> Planted:
    """Discounts are told apart by their order alone, so that of two one remains."""
    tenant, shop = some_tenant(random)
    order = random.choice(living(sample, tenant, "order"))
    codes = [{"code": code, "amount": "1.00", "type": "fixed_amount"} for code in ("FIRST", "SECOND")]
    with backend(sample, partial_key=True):
        sample.record(shop, "orders", "update", int(order), discount_codes=codes)
    scope = {"tenant": tenant, "resource": "order_discount"}
    must = [
        *lost(scope, [f"{order}:2"], "FALSE_DEDUP"),
        Expected("children_match_payload", scope=scope, keys=[order]),
        Expected("field_differences", scope=scope, keys=[f"{order}:1"], fields=["code"], cause="FALSE_DEDUP"),
    ]
    return Planted("partial_key", mode=58, how="caused", must=must)


def id_used_twice(sample: "Sample", random: Random) -> Planted:
    """The source shows one line of a draft order under a second draft order too."""
    tenant, shop = some_tenant(random)
    one = sample.record(shop, "draft_orders", "create")["record"]
    other = sample.record(shop, "draft_orders", "create")["record"]
    line = one["line_items"][0]
    lines = [*other["line_items"], {**line, "title": "The same id, another line"}]
    sample.record(shop, "draft_orders", "update", other["id"], line_items=lines)
    sample.settle()
    scope = {"tenant": tenant, "resource": "draft_line_item"}
    twice = Expected("duplicate_source_ids", scope=scope, keys=[str(line["id"])])
    # Which of the two an id means nobody knows, so nothing is told of that list.
    compared = ["source_missing_in_raw", "source_missing_in_refined", "refined_missing_at_source", "field_differences"]
    may = ["children_match_payload", "every_resource_is_covered", *compared]
    return Planted("id_used_twice", mode=58, how="caused", must=[twice], may=may)


def raw_id_empty(sample: "Sample", random: Random) -> Planted:
    """An old version of a location has lost its id."""
    tenant, shop = some_tenant(random)
    location = random.choice(living(sample, tenant, "location"))
    sample.record(shop, "locations", "update", int(location), phone="+47 555 99 999")
    sample.settle()
    found = rows(
        sample,
        """update shopify_raw_ingest set shopify_object_id = '' where id = (select min(id) from shopify_raw_ingest
           where object_type = 'location' and shopify_object_id = %s) returning id""",
        [location],
    )
    scope = {"tenant": tenant, "resource": "location"}
    empty = Expected("null_source_ids", scope=scope, keys=[str(found[0][0])])
    return Planted("raw_id_empty", mode=58, how="edited", must=[empty], may=["raw_missing_in_refined"])


def key_null(sample: "Sample", random: Random) -> Planted:
    """The row of a deleted customer has lost the source's id."""
    _, shop = some_tenant(random)
    customer = sample.record(shop, "customers", "create")["id"]
    sample.record(shop, "customers", "delete", int(customer))
    sample.settle()
    altered(sample, "alter table shopify_customer alter column shopify_customer_id drop not null")
    altered(
        sample,
        f"update shopify_customer set shopify_customer_id = null where shopify_customer_id = {customer}",
    )
    return Planted("key_null", mode=58, how="edited", must=[Expected("null_keys", keys=["shopify_customer"])])


def _addresses(made: dict[str, Any]) -> list[str]:
    return [str(address["id"]) for address in made["record"]["addresses"]]


def _with_addresses(made: dict[str, Any]) -> dict[str, list[str]]:
    return {"customer": [made["id"]], "customer_address": _addresses(made)}


def _extra(tenant: str, found: dict[str, list[str]], cause: str) -> list[Expected]:
    """What is there, by resource, that the source does not have."""
    return [
        Expected("refined_missing_at_source", scope={"tenant": tenant, "resource": name}, keys=keys, cause=cause)
        for name, keys in found.items()
    ]
