"""Edits a clone's own copy of the code and its tables, as a careless hand would."""

import re
from typing import TYPE_CHECKING

from examples.control import SampleError
from examples.editing import replaced

if TYPE_CHECKING:
    from ..sample import Sample

# What an audit cannot tell, or finds missing, where no webhook has come yet.
WITHOUT_WEBHOOKS = ["every_way_delivers", "webhooks_arrive", "latency_within_limit", "deliveries_stored_twice"]
WITHOUT_WEBHOOKS += ["deliveries_succeed", "no_delivery_from_the_future", "changes_come_by_webhook"]
WITHOUT_WEBHOOKS += ["webhooks_come_without_a_gap", "taken_deliveries_are_logged"]

SYNC_SERVICE = "app/services/shopify/sync_service.py"


def sync_function_rewritten(sample: "Sample", name: str, body: str) -> None:
    """Give a sync function another body, behind its docstring."""
    path = sample.code / SYNC_SERVICE
    pattern = rf'(    async def {name}\(.*?\n        """[^"]*"""\n)(.*?        return run\.stats\(\)\n)'
    found = re.search(pattern, path.read_text(encoding="utf-8"), re.DOTALL)
    if found is None:
        raise SampleError(f"{path.name} has no function {name} to edit: the sample and its fault differ")
    replaced(path, found[0], found[1] + body)


def forget_everything(sample: "Sample") -> None:
    """Empty every table of what was received, as before the first sync."""
    with sample.owner() as connection:
        tables = connection.execute(
            """select quote_ident(table_name) from information_schema.columns
               where table_schema = 'public' and column_name = 'integration_id' order by 1"""
        ).fetchall()
        connection.execute(f"truncate {', '.join(table for (table,) in tables)}")
