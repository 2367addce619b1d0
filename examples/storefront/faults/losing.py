"""What an audit has to find of a record that got lost with all that stands in it, and of what waits for it."""

from typing import Any

from examples.answer_key import Expected

LOST = ["source_missing_in_raw", "source_missing_in_refined"]
IN_AN_ORDER = ["line_item", "shipping_line", "order_discount", "order_tax_line", "order_address", "line_item_tax"]
Ids = dict[str, set[str]]  # by resource


def lost(scope: dict[str, str], keys: list[str], cause: str) -> list[Expected]:
    return [Expected(check, scope=scope, keys=keys, cause=cause) for check in LOST]


def lost_parts(tenant: str, parts: Ids, cause: str) -> list[Expected]:
    scopes = {resource: {"tenant": tenant, "resource": resource} for resource in parts}
    return [one for resource, keys in parts.items() if keys for one in lost(scopes[resource], sorted(keys), cause)]


def lost_orders(tenant: str, before: Ids, after: Ids, cause: str) -> list[Expected]:
    """Of the refined rows before and after: orders are lost with their parts, and what belongs to them waits."""
    gone = {resource: keys - after[resource] for resource, keys in before.items()}
    own = {resource: keys for resource, keys in gone.items() if resource in ("order", *IN_AN_ORDER)}
    waiting = [
        Expected(LOST[1], scope={"tenant": tenant, "resource": one}, keys=sorted(keys), cause="PARENT_MISSING")
        for one, keys in gone.items()
        if keys and one not in own
    ]
    return [*lost_parts(tenant, own, cause), *waiting]


def parts_of_order(order: dict[str, Any]) -> Ids:
    """An order and what stands in it, by their ids."""
    key, lines = order["id"], order["line_items"]
    return {
        "order": {str(key)},
        "line_item": {str(line["id"]) for line in lines},
        "shipping_line": {str(line["id"]) for line in order["shipping_lines"]},
        "order_discount": _numbered(key, order["discount_codes"]),
        "order_tax_line": _numbered(key, order["tax_lines"]),
        "order_address": {f"{key}:{kind}" for kind in ("billing", "shipping") if order[f"{kind}_address"]},
        "line_item_tax": {one for line in lines for one in _numbered(line["id"], line["tax_lines"])},
    }


def _numbered(parent: int, listed: list[Any]) -> set[str]:
    return {f"{parent}:{place}" for place in range(1, len(listed) + 1)}
