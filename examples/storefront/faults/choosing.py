"""What planters choose their rows from."""

from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..sample import Sample


def some_tenant(random: Random) -> tuple[str, str]:
    from ..sample import TENANTS

    tenant = random.choice(list(TENANTS))
    return tenant, TENANTS[tenant][1]


def living(sample: "Sample", tenant: str, resource: str) -> list[str]:
    """The ids of a tenant's refined objects, in a fixed order."""
    query = f"""select shopify_{resource}_id::text from shopify_{resource} as refined
        join integration on integration.id = refined.integration_id
        where integration.name = %s and refined.deleted_at is null order by shopify_{resource}_id"""
    return [key for (key,) in rows(sample, query, [tenant])]


def raw_rows(sample: "Sample") -> int:
    return int(rows(sample, "select count(*) from shopify_raw_ingest", [])[0][0])


def rows(sample: "Sample", query: str, values: list[str]) -> list[tuple[Any, ...]]:
    with sample.owner() as connection:
        return connection.execute(query, values).fetchall()
