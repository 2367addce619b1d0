"""Faults of phase 5: records are there, and fields of them are wrong."""

from random import Random
from typing import TYPE_CHECKING, Any

from examples.answer_key import Expected, Planted
from examples.editing import altered

from .choosing import living, rows, some_tenant
from .switching import backend

if TYPE_CHECKING:
    from ..sample import Sample

SHOP_WITH_YEN = ("borealis", "borealis.myshopify.example")
AMOUNTS = ("subtotal_price", "total_discounts", "total_tax", "total_price")


def zero_decimals_divided(sample: "Sample", random: Random) -> Planted:
    """Amounts in yen are divided by a hundred, as if they were cents."""
    tenant, shop = SHOP_WITH_YEN
    order = random.choice(living(sample, tenant, "order"))
    with backend(sample, money_divided=True):
        sample.record(shop, "orders", "update", int(order), currency="JPY", total_discounts="0.00")
        sample.settle()
        made = sample.record(shop, "orders", "update", int(order), note="Ring twice")["record"]
    fields = [name for name in AMOUNTS if float(made[name])]
    return _different("zero_decimals_divided", tenant, "order", order, fields, "UNIT_OR_SCALE", mode=52)


def rounded_through_float(sample: "Sample", random: Random) -> Planted:
    """An amount of more digits than a float keeps passes through one."""
    tenant, shop = some_tenant(random)
    dispute = random.choice(living(sample, tenant, "dispute"))
    with backend(sample, float_amounts=True):
        sample.record(shop, "disputes", "update", int(dispute), amount="1234567890123456.7891")
    return _different("rounded_through_float", tenant, "dispute", dispute, ["amount"], "PRECISION", mode=53)


def large_number_dropped(sample: "Sample", random: Random) -> Planted:
    """A number that four bytes cannot hold is stored as null."""
    tenant, shop = some_tenant(random)
    product = random.choice(living(sample, tenant, "product"))
    known = sample.record(shop, "products", "update", int(product), vendor="Other")["record"]["images"]
    sample.settle()
    images = [{**image, "width": 2**31 + 7} for image in known or [_image(int(product))]]
    with backend(sample, large_numbers_dropped=True):
        sample.record(shop, "products", "update", int(product), images=images)
    keys = [str(image["id"]) for image in images]
    scope = {"tenant": tenant, "resource": "product_image"}
    null = Expected("field_differences", scope=scope, keys=keys, fields=["width"], cause="PRECISION")
    return Planted("large_number_dropped", mode=54, how="caused", must=[null])


def timezone_dropped(sample: "Sample", random: Random) -> Planted:
    """The clock face of an instant is taken for UTC."""
    tenant, shop = some_tenant(random)
    item = random.choice(living(sample, tenant, "inventory_item"))
    with backend(sample, timezone_dropped=True):
        sample.record(shop, "inventory_items", "update", int(item), sku=f"LATE-{random.randrange(10**6)}")
    fields = ["source_created_at", "source_updated_at"]
    return _different("timezone_dropped", tenant, "inventory_item", item, fields, "TIMEZONE")


def trailing_space_lost(sample: "Sample", random: Random) -> Planted:
    """A text loses the blank at its end."""
    tenant, shop = some_tenant(random)
    location = random.choice(living(sample, tenant, "location"))
    with backend(sample, texts_stripped=True):
        sample.record(shop, "locations", "update", int(location), name="Market hall, north ")
    return _different("trailing_space_lost", tenant, "location", location, ["name"], "ENCODING")


def accent_composed(sample: "Sample", random: Random) -> Planted:
    """A name is stored with another form of its accent than the source's."""
    tenant, shop = some_tenant(random)
    customer = random.choice(living(sample, tenant, "customer"))
    with backend(sample, texts_composed=True):
        sample.record(shop, "customers", "update", int(customer), first_name="Zoe\u0308", last_name="Plain")
    return _different("accent_composed", tenant, "customer", customer, ["first_name"], "ENCODING")


def column_not_filled_in(sample: "Sample", random: Random) -> Planted:
    """A migration adds a column that was not kept before; rows from before have nothing in it, newer ones have."""
    tenant, shop = some_tenant(random)
    column = random.choice(["harmonized_system_code", "country_code_of_origin"])
    query = f"""select shopify_inventory_item_id::text, integration.name from shopify_inventory_item
        join integration on integration.id = integration_id where deleted_at is null and {column} is not null"""
    before = rows(sample, query, [])
    altered(
        sample,
        f"alter table shopify_inventory_item drop column {column}",
        f"alter table shopify_inventory_item add column {column} text",
    )
    newer = random.choice([key for key, name in before if name == tenant])
    sample.record(shop, "inventory_items", "update", int(newer), sku=f"NEW-{random.randrange(10**6)}")
    sample.settle()
    must = [
        Expected(
            "field_differences",
            scope={"tenant": name, "resource": "inventory_item"},
            keys=[key for key, of in before if of == name and key != newer],
            fields=[column],
            cause="REFINE_WRONG",
        )
        for name in ("acme", "borealis")
    ]
    return Planted("column_not_filled_in", mode=56, how="caused", must=must)


def text_with_nul(sample: "Sample", random: Random) -> Planted:
    """The name of a new location holds a character that no text of PostgreSQL can."""
    tenant, shop = some_tenant(random)
    made = sample.record(shop, "locations", "create", name="Harbour\u0000hall")["id"]
    sample.settle()
    scope = {"tenant": tenant, "resource": "location"}
    must = [
        Expected("raw_missing_in_refined", scope=scope, keys=[made]),
        Expected("source_missing_in_refined", scope=scope, keys=[made], cause="REFINE_ERROR"),
    ]
    may = ["raw_differs_from_source", "failed_refinements", "stored_hashes_match_payload"]
    return Planted("text_with_nul", mode=35, how="caused", must=must, may=may)


def _image(product: int) -> dict[str, Any]:
    return {"id": 9_100_000_000_000 + product % 1000, "product_id": product, "src": "https://cdn.example/1.png",
            "alt": None, "position": 1, "width": 2**31 + 7, "height": 5, "variant_ids": []}  # fmt: skip


def _different(
    fault: str, tenant: str, resource: str, key: str, fields: list[str], cause: str, mode: int = 0
) -> Planted:
    scope = {"tenant": tenant, "resource": resource}
    must = Expected("field_differences", scope=scope, keys=[key], fields=fields, cause=cause)
    return Planted(fault, mode=mode, how="caused", must=[must])
