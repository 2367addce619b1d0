"""Faults of phase 4: a fact is stored twice, or not at all because it looks like another."""

from random import Random
from typing import TYPE_CHECKING

from examples.answer_key import Expected, Planted
from examples.editing import altered

from .choosing import living, rows, some_tenant
from .switching import backend, source

if TYPE_CHECKING:
    from ..sample import Sample


def unchanged_version_stored(sample: "Sample", random: Random) -> Planted:
    """A sync stores what it reads without a look at the newest version that it has."""
    tenant, shop = some_tenant(random)
    locations = living(sample, tenant, "location")
    with backend(sample, store_duplicates=True):
        sample.sync(shop, resources=["locations"])
    repeated = Expected(
        "consecutive_duplicate_hashes", scope={"tenant": tenant, "resource": "location"}, keys=locations
    )
    return Planted("unchanged_version_stored", mode=21, how="caused", must=[repeated])


def delivery_stored_twice(sample: "Sample", random: Random) -> Planted:
    """A delivery arrives twice while the integration does not look whether it has it already."""
    tenant, shop = some_tenant(random)
    item = random.choice(living(sample, tenant, "inventory_item"))
    with backend(sample, store_duplicates=True), source(sample, duplicate_all=["inventory_items/update"]):
        sample.record(shop, "inventory_items", "update", int(item), sku=f"AGAIN-{random.randrange(10**6)}")
    scope = {"tenant": tenant, "resource": "inventory_item"}
    twice = Expected("deliveries_stored_twice", scope=scope, keys=[item])
    in_a_row = Expected("consecutive_duplicate_hashes", scope=scope, keys=[item])
    return Planted("delivery_stored_twice", mode=42, how="caused", must=[twice, in_a_row])


def hash_missing(sample: "Sample", random: Random) -> Planted:
    """A raw row has no content hash, as one that was stored before the column was made."""
    tenant, _ = some_tenant(random)
    row, customer = random.choice(_raw_rows(sample, tenant, "customer"))
    altered(sample, "alter table shopify_raw_ingest alter column dedupe_hash_canonical drop not null")
    altered(sample, f"update shopify_raw_ingest set dedupe_hash_canonical = null where id = {row}")
    without = Expected("null_hashes", scope={"tenant": tenant, "resource": "customer"}, keys=[customer])
    return Planted("hash_missing", mode=0, how="edited", must=[without])


def hash_recipe_changed(sample: "Sample", random: Random) -> Planted:
    """The integration hashes another form of the payload than the declared one."""
    tenant, shop = some_tenant(random)
    location = random.choice(living(sample, tenant, "location"))
    with backend(sample, hash_recipe="spaced"):
        sample.record(shop, "locations", "update", int(location), phone="+47 555 00 000")
    scope = {"tenant": tenant, "resource": "location"}
    other = Expected("stored_hashes_match_payload", scope=scope, keys=[location])
    return Planted("hash_recipe_changed", mode=0, how="caused", must=[other])


def hash_without_id(sample: "Sample", random: Random) -> Planted:
    """The hash leaves out the object's id while two objects become alike."""
    tenant, shop = some_tenant(random)
    one, other = random.sample(living(sample, tenant, "inventory_item"), 2)
    with backend(sample, hash_recipe="without_id"):
        made = sample.record(shop, "inventory_items", "update", int(one), sku="TWIN")["record"]
        alike = {name: value for name, value in made.items() if name != "id"}
        sample.record(shop, "inventory_items", "update", int(other), **alike)
    shared = Expected("shared_hashes", scope={"tenant": tenant, "resource": "inventory_item"})
    return Planted("hash_without_id", mode=58, how="caused", must=[shared], may=["stored_hashes_match_payload"])


def older_delivery_wins(sample: "Sample", random: Random) -> Planted:
    """Of two deliveries of one customer the older comes last, and is taken for the newer."""
    tenant, shop = some_tenant(random)
    customer = random.choice(living(sample, tenant, "customer"))
    with backend(sample, stale_overwrite=True), source(sample, reorder=["customers/update"]):
        sample.record(shop, "customers", "update", int(customer), note="The first note")
        sample.record(shop, "customers", "update", int(customer), note="The second note")
    scope = {"tenant": tenant, "resource": "customer"}
    stale = Expected("refined_built_from_newest", scope=scope, keys=[customer], cause="STALE_OVERWRITE")
    fields = ["note", "source_updated_at"]
    different = Expected("field_differences", scope=scope, keys=[customer], fields=fields, cause="STALE_OVERWRITE")
    return Planted("older_delivery_wins", mode=39, how="caused", must=[stale, different])


def object_refined_twice(sample: "Sample", random: Random) -> Planted:
    """A dispute has two rows, and nothing in the table keeps it from having more."""
    tenant, _ = some_tenant(random)
    dispute = random.choice(living(sample, tenant, "dispute"))
    _without_unique_key(sample, "dispute")
    altered(
        sample,
        "insert into shopify_dispute select (jsonb_populate_record(one, jsonb_build_object('id', gen_random_uuid()))).*"
        f" from shopify_dispute as one where shopify_dispute_id = {dispute}",
    )
    twice = Expected("one_refined_row_per_source_id", scope={"tenant": tenant, "resource": "dispute"}, keys=[dispute])
    loose = Expected("source_keys_are_unique", scope={"resource": "dispute"}, keys=["shopify_dispute"])
    return Planted("object_refined_twice", mode=58, how="edited", must=[loose, twice])


def unique_key_dropped(sample: "Sample", random: Random) -> Planted:
    """A refined table loses its unique constraint; look-ups by its key go on as before."""
    name = random.choice(["dispute", "gift_card", "transaction", "refund"])
    _without_unique_key(sample, name)
    loose = Expected("source_keys_are_unique", scope={"resource": name}, keys=[f"shopify_{name}"])
    return Planted("unique_key_dropped", mode=42, how="caused", must=[loose])


def _without_unique_key(sample: "Sample", name: str) -> None:
    table = f"shopify_{name}"
    altered(sample, f"alter table {table} drop constraint uq_{table}_source")
    altered(sample, f"create index on {table} (integration_id, {table}_id)")


def _raw_rows(sample: "Sample", tenant: str, resource: str) -> list[tuple[int, str]]:
    query = """select raw.id, raw.shopify_object_id from shopify_raw_ingest as raw
        join integration on integration.id = raw.integration_id
        where integration.name = %s and raw.object_type = %s and not raw.is_deletion order by raw.id"""
    return [(int(row), str(key)) for row, key in rows(sample, query, [tenant, resource])]
