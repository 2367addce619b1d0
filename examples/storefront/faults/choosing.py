"""What planters choose their rows from."""

from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..sample import Sample

# The columns of the ids that are made of two.
COMPOSITE = {
    "order_discount": ["shopify_order_id", "position"],
    "order_tax_line": ["shopify_order_id", "position"],
    "order_address": ["shopify_order_id", "kind"],
    "line_item_tax": ["shopify_line_item_id", "position"],
    "inventory_level": ["shopify_inventory_item_id", "shopify_location_id"],
    "fulfillment_line_item": ["shopify_fulfillment_id", "shopify_line_item_id"],
}


WITHOUT = {"gift_card": "borealis"}  # who has none of it


def some_tenant(random: Random, having: str = "") -> tuple[str, str]:
    """A tenant that has records of a resource, and its shop."""
    from ..sample import TENANTS

    tenant = random.choice([one for one in TENANTS if one != WITHOUT.get(having)])
    return tenant, TENANTS[tenant][1]


def living(sample: "Sample", tenant: str, resource: str) -> list[str]:
    """The ids of a tenant's refined objects, in a fixed order."""
    query = f"""select shopify_{resource}_id::text from shopify_{resource} as refined
        join integration on integration.id = refined.integration_id
        where integration.name = %s and refined.deleted_at is null order by shopify_{resource}_id"""
    return [key for (key,) in rows(sample, query, [tenant])]


def all_living(sample: "Sample", tenant: str) -> dict[str, set[str]]:
    """The ids of all of a tenant's refined objects, by resource, as the raw table writes them."""
    query = """select table_name from information_schema.tables where table_name like 'shopify\\_%%'
        and exists (select from information_schema.columns as one where one.table_name = tables.table_name
                    and column_name = 'raw_ingest_id') order by 1"""
    found = {}
    for (table,) in rows(sample, query, []):
        resource = table.removeprefix("shopify_")
        key = " || ':' || ".join(COMPOSITE.get(resource, [f"{table}_id::text"]))
        ids = f"""select {key} from {table} as refined join integration on integration.id = refined.integration_id
            where integration.name = %s and refined.deleted_at is null"""
        found[resource] = {str(one) for (one,) in rows(sample, ids, [tenant])}
    return found


def raw_rows(sample: "Sample") -> int:
    return int(rows(sample, "select count(*) from shopify_raw_ingest", [])[0][0])


def rows(sample: "Sample", query: str, values: list[str]) -> list[tuple[Any, ...]]:
    with sample.owner() as connection:
        return connection.execute(query, values).fetchall()


def last_run(sample: "Sample", tenant: str, resource: str, column: str) -> str:
    """A time of a resource's last sync, as an audit writes it."""
    query = f"""select {column} from shopify_sync_run join integration on integration.id = integration_id
        where integration.name = %s and object_type = %s order by started_at desc limit 1"""
    found: datetime = rows(sample, query, [tenant, resource])[0][0]
    return str(found.astimezone(UTC))
