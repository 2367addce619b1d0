"""Faults of phase 5: further ways on which a record or its update gets lost, or a row comes to be too many."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from examples.answer_key import Expected, Planted
from examples.control import SampleError
from examples.editing import altered, replaced

from .choosing import all_living, last_run, living, rows, some_tenant
from .editing import WITHOUT_WEBHOOKS, forget_everything
from .losing import lost, lost_orders, lost_parts, parts_of_order
from .subscribing import provider, unsubscribed
from .switching import a_second_passes, backend, source

if TYPE_CHECKING:
    from ..sample import Sample

TENANTS = ("acme", "borealis")
ORDERS = "admin/api/2026-07/orders"
REGISTRATION = ["wanted_topics_are_registered", "recorded_topics_are_registered"]


def topic_not_subscribed(sample: "Sample", random: Random) -> Planted:
    """Somebody removes a subscription at the provider, and a location changes after that."""
    tenant, shop = some_tenant(random)
    location = random.choice(living(sample, tenant, "location"))
    unsubscribed(sample, shop, "locations/update")
    sample.record(shop, "locations", "update", int(location), phone="+47 555 33 333")
    sample.settle()
    must = _old(tenant, "location", location, ["phone", "source_updated_at"], "TOPIC_NOT_SUBSCRIBED")
    may = [*REGISTRATION, "webhooks_arrive"]
    return Planted("topic_not_subscribed", mode=46, how="caused", must=must, may=may)


def open_orders_only(sample: "Sample", random: Random) -> Planted:
    """All is read anew, and the orders are asked for as if the list held all of them."""
    before = {tenant: all_living(sample, tenant) for tenant in TENANTS}
    forget_everything(sample)
    with backend(sample, default_filter=True):
        sample.sync()
    must = []
    for tenant, there in before.items():
        must += lost_orders(tenant, there, all_living(sample, tenant), "API_DEFAULT_FILTER")
    may = ["raw_missing_in_refined", "children_match_payload", *WITHOUT_WEBHOOKS]
    return Planted("open_orders_only", mode=6, how="caused", must=must, may=may)


def page_skipped(sample: "Sample", random: Random) -> Planted:
    """The provider leaves the second page out while the sync reads, and nothing else tells of what is on it."""
    tenant, shop = some_tenant(random)
    before = living(sample, tenant, "location")
    with source(sample, drop_deliveries=["locations/create"]):
        made = [sample.record(shop, "locations", "create")["id"] for _ in before]
    told = sample.record(shop, "locations", "create")["id"]
    sample.settle()
    a_second_passes()
    # The first page ends where the new ones begin: a list is in the order of ids, and a few are very large.
    size = sum(int(key) < min(map(int, made)) for key in before)
    second = sorted(map(int, [*before, *made, told]))[size : 2 * size]
    with backend(sample, page_size=size), source(sample, missing_page=["locations"]):
        sample.sync(shop, resources=["locations"])
    must = lost(
        {"tenant": tenant, "resource": "location"}, [key for key in made if int(key) in second], "PAGE_BOUNDARY"
    )
    return Planted("page_skipped", mode=18, how="caused", must=must, may=["webhooks_arrive"])


def cursor_passed_by(sample: "Sample", random: Random) -> Planted:
    """A location is stamped with an earlier time than it can be read, when the sync has been beyond that time."""
    tenant, shop = some_tenant(random)
    *_, last = living(sample, tenant, "location")
    sample.sync(shop, resources=["locations"])
    query = """select max(run.watermark) from shopify_sync_run as run join integration as one
        on one.id = run.integration_id where one.name = %s and run.object_type = 'location'"""
    watermark = rows(sample, query, [tenant])[0][0]
    early = (watermark - timedelta(hours=1)).replace(microsecond=0).isoformat()
    with source(sample, drop_deliveries=["locations/create"]):
        made = sample.record(shop, "locations", "create", updated_at=early)["id"]
    sample.record(shop, "locations", "update", int(last), phone="+47 555 44 444")
    sample.settle()
    a_second_passes()
    with backend(sample, updated_since=(watermark + timedelta(seconds=1)).isoformat()):
        sample.sync(shop, resources=["locations"])
    must = lost({"tenant": tenant, "resource": "location"}, [made], "CURSOR_SKIPPED")
    return Planted("cursor_passed_by", mode=17, how="caused", must=must, may=["webhooks_arrive"])


def sync_breaks_off(sample: "Sample", random: Random) -> Planted:
    """A location is not announced, and the sync that would bring it is refused by the provider."""
    tenant, shop = some_tenant(random)
    with source(sample, drop_deliveries=["locations/create"]):
        made = sample.record(shop, "locations", "create")["id"]
    a_second_passes()
    with source(sample, revoked_tokens=[shop]), suppress(SampleError):
        sample.sync(shop, resources=["locations"])
    scope = {"tenant": tenant, "resource": "location"}
    failed = Expected("last_sync_completed", scope=scope, keys=[last_run(sample, tenant, "location", "started_at")])
    must = [failed, *lost(scope, [made], "FETCH_ERROR")]
    may = ["webhooks_arrive", "syncs_fetched_records"]
    return Planted("sync_breaks_off", mode=28, how="caused", must=must, may=may)


def creation_undelivered(sample: "Sample", random: Random) -> Planted:
    """A new draft order is never announced."""
    tenant, shop = some_tenant(random)
    with source(sample, drop_deliveries=["draft_orders/create"]):
        made = sample.record(shop, "draft_orders", "create")["record"]
    must = _lost_draft(tenant, made, "UNDELIVERED")
    return Planted("creation_undelivered", mode=48, how="caused", must=must, may=["webhooks_arrive"])


def creation_refused(sample: "Sample", random: Random) -> Planted:
    """The provider signs the delivery that tells of a new draft order with another secret."""
    tenant, shop = some_tenant(random)
    with source(sample, bad_signature=["draft_orders/create"]):
        made = sample.record(shop, "draft_orders", "create")["record"]
    must = _lost_draft(tenant, made, "REJECTED_SIGNATURE")
    may = ["webhooks_arrive", "deliveries_succeed", "deliveries_were_taken"]
    return Planted("creation_refused", mode=45, how="caused", must=must, may=may)


def creation_answered_and_lost(sample: "Sample", random: Random) -> Planted:
    """The delivery that tells of a new draft order is answered with 200, and lost before it is stored."""
    tenant, shop = some_tenant(random)
    with backend(sample, answer_before_storing=["draft_orders/create"]):
        made = sample.record(shop, "draft_orders", "create")["record"]
    must = _lost_draft(tenant, made, "NEVER_RECEIVED")
    return Planted("creation_answered_and_lost", mode=44, how="caused", must=must, may=["webhooks_arrive"])


def update_before_its_creation(sample: "Sample", random: Random) -> Planted:
    """The update of a draft order comes first and is dropped, as there is nothing yet to update; its creation never."""
    tenant, shop = some_tenant(random)
    with source(sample, drop_deliveries=["draft_orders/create"]), backend(sample, updates_need_a_row=True):
        made = sample.record(shop, "draft_orders", "create")
        changed = sample.record(shop, "draft_orders", "update", int(made["id"]), note="Call before noon")["record"]
    must = _lost_draft(tenant, changed, "NEVER_RECEIVED")
    return Planted("update_before_its_creation", mode=41, how="caused", must=must, may=["webhooks_arrive"])


def new_object_not_refined(sample: "Sample", random: Random) -> Planted:
    """A new dispute is received, and its refinement breaks; the switch stays on, as it is tried again otherwise."""
    tenant, shop = some_tenant(random)
    sample.backend_control("faults", {"refine_error": True})
    made = sample.record(shop, "disputes", "create")["id"]
    sample.settle()
    scope = {"tenant": tenant, "resource": "dispute"}
    must = [
        Expected("raw_missing_in_refined", scope=scope, keys=[made]),
        Expected("source_missing_in_refined", scope=scope, keys=[made], cause="REFINE_ERROR"),
    ]
    may = ["failed_refinements", "field_differences", "refined_built_from_newest"]
    return Planted("new_object_not_refined", mode=34, how="caused", must=must, may=may)


def row_deleted_here(sample: "Sample", random: Random) -> Planted:
    """A gift card is marked as deleted by hand; the source still has it."""
    tenant, _ = some_tenant(random, "gift_card")
    card = random.choice(living(sample, tenant, "gift_card"))
    altered(sample, f"update shopify_gift_card set deleted_at = now() where shopify_gift_card_id = {card}")
    scope = {"tenant": tenant, "resource": "gift_card"}
    lost = Expected("source_missing_in_refined", scope=scope, keys=[card], cause="LOCALLY_DELETED")
    return Planted("row_deleted_here", mode=9, how="edited", must=[lost], may=["raw_missing_in_refined"])


def child_before_its_parent(sample: "Sample", random: Random) -> Planted:
    """A payment comes, and the order that it belongs to never does."""
    tenant, shop = some_tenant(random)
    topics = [f"orders/{what}" for what in ("create", "updated", "paid", "cancelled", "fulfilled")]
    with source(sample, drop_deliveries=topics):
        payment = sample.record(shop, "transactions", "create")
    order = str(payment["record"]["order_id"])
    query = """select shopify_object_id from shopify_raw_ingest
        where object_type = 'transaction' and parent_object_id = %s order by id"""
    payments = [key for (key,) in rows(sample, query, [order])]
    parts = parts_of_order(provider(sample, shop, f"{ORDERS}/{order}.json")["order"])
    child = Expected(
        "source_missing_in_refined",
        scope={"tenant": tenant, "resource": "transaction"},
        keys=payments,
        cause="PARENT_MISSING",
    )
    must = [*lost_parts(tenant, parts, "UNDELIVERED"), child]
    may = ["raw_missing_in_refined", "webhooks_arrive", "refinement_backlog", "raw_differs_from_source"]
    return Planted("child_before_its_parent", mode=28, how="caused", must=must, may=may)


def merged_at_source(sample: "Sample", random: Random) -> Planted:
    """The shop merges one customer into another, and nothing tells of the one that went."""
    tenant, shop = some_tenant(random)
    gone, kept = (sample.record(shop, "customers", "create") for _ in range(2))
    sample.settle()
    with source(sample, drop_deliveries=["customers/delete"]):
        sample.record(shop, "customers", "delete", int(gone["id"]))
    sample.record(shop, "customers", "update", int(kept["id"]), merged_ids=[int(gone["id"])])
    sample.settle()
    scope = "    scope: read_customers\n"
    replaced(sample.parameters, scope, f"{scope}    known: {{created: created_at, merged: merged_ids}}\n")
    scopes = {one: {"tenant": tenant, "resource": one} for one in ("customer", "customer_address")}
    addresses = [str(one["id"]) for one in gone["record"]["addresses"]]
    extra = Expected(
        "refined_missing_at_source",
        status="fail" if addresses else "pass",
        scope=scopes["customer"],
        keys=[gone["id"]],
        cause="MERGED_AT_SOURCE",
    )
    left = replace(extra, scope=scopes["customer_address"], keys=addresses, cause="MISSED_DELETE")
    return Planted("merged_at_source", mode=0, how="caused", must=[extra, *([left] if addresses else [])])


def second_identity(sample: "Sample", random: Random) -> Planted:
    """A gift card has a second row under another id, built from the same version of the same object."""
    tenant, _ = some_tenant(random, "gift_card")
    card = random.choice(living(sample, tenant, "gift_card"))
    second = str(9_700_000_000_000 + random.randrange(10**6))
    _copied(sample, card, f"'shopify_gift_card_id', {second}")
    scope = {"tenant": tenant, "resource": "gift_card"}
    extra = Expected("refined_missing_at_source", scope=scope, keys=[second], cause="DUPLICATE_IDENTITY")
    return Planted("second_identity", mode=42, how="edited", must=[extra])


def ghost_row(sample: "Sample", random: Random) -> Planted:
    """A gift card that the shop never had is written into the table by somebody else."""
    tenant, _ = some_tenant(random, "gift_card")
    card = random.choice(living(sample, tenant, "gift_card"))
    ghost = str(9_800_000_000_000 + random.randrange(10**6))
    # Its own time is one that the raw table reaches back to.
    since = "(select min(created_at) + interval '1 second' from shopify_raw_ingest where object_type = 'gift_card')"
    _copied(sample, card, f"'shopify_gift_card_id', {ghost}, 'raw_ingest_id', 0, 'source_updated_at', {since}")
    scope = {"tenant": tenant, "resource": "gift_card"}
    extra = Expected("refined_missing_at_source", scope=scope, keys=[ghost], cause="GHOST")
    return Planted("ghost_row", mode=1, how="edited", must=[extra])


def refined_row_edited(sample: "Sample", random: Random) -> Planted:
    """Somebody writes a note about a customer into the table; what was received is right."""
    tenant, _ = some_tenant(random)
    customer = random.choice(living(sample, tenant, "customer"))
    altered(sample, f"update shopify_customer set note = 'by hand' where shopify_customer_id = {customer}")
    scope = {"tenant": tenant, "resource": "customer"}
    wrong = Expected("field_differences", scope=scope, keys=[customer], fields=["note"], cause="REFINE_WRONG")
    return Planted("refined_row_edited", mode=0, how="edited", must=[wrong])


def _lost_draft(tenant: str, draft: dict[str, Any], cause: str) -> list[Expected]:
    """A draft order is lost with its lines."""
    parts = {"draft_order": {str(draft["id"])}, "draft_line_item": {str(one["id"]) for one in draft["line_items"]}}
    return lost_parts(tenant, parts, cause)


def _old(tenant: str, resource: str, key: str, fields: list[str], cause: str) -> list[Expected]:
    scope = {"tenant": tenant, "resource": resource}
    return [
        Expected("raw_differs_from_source", scope=scope, keys=[key], cause=cause),
        Expected("field_differences", scope=scope, keys=[key], fields=fields, cause=cause),
    ]


def _copied(sample: "Sample", card: str, changes: str) -> None:
    """Insert a copy of a gift card's row with other values."""
    altered(
        sample,
        "insert into shopify_gift_card select (jsonb_populate_record(one, jsonb_build_object("
        f"'id', gen_random_uuid(), {changes}))).* from shopify_gift_card as one where shopify_gift_card_id = {card}",
    )
