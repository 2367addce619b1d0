"""Customers and the drafts that are negotiated with them."""

from ..objects import orders, people
from .change import Body, Change
from .sales import goods, place_order


def create_customer(change: Change) -> None:
    number = change.maker.ids.used[f"{change.maker.shop.name} customer"]
    change.create("customers", people.customer(change.maker, change.now, number, settled=0))


def update_customer(change: Change) -> None:
    found = change.find("customers")
    if not found:
        create_customer(change)
        return
    body = found.body
    body["tags"] = change.random.choice(("", "vip", "vip, wholesale", "常連"))
    if len(body["addresses"]) > 1 and change.maker.chance(0.3):
        body["addresses"].pop()
    else:
        address = people.customer_address(change.maker, body["id"], body["first_name"], body["last_name"], False)
        body["addresses"].append({**address, "default": not body["addresses"]})
    change.update("customers", body)


def switch_customer(change: Change) -> None:
    found = change.find("customers", lambda body: body["state"] in ("enabled", "disabled"))
    if not found:
        create_customer(change)
        return
    is_enabled = found.body["state"] == "enabled"
    found.body["state"] = "disabled" if is_enabled else "enabled"
    change.update("customers", found.body, "customers/disable" if is_enabled else "customers/enable")


def delete_customer(change: Change) -> None:
    def is_free_to_go(body: Body) -> bool:
        return body["email"] is not None and not change.store.referring(body["id"])

    found = change.find("customers", is_free_to_go, rested=2)
    if found:
        change.delete("customers", *found)
    else:
        update_customer(change)


def create_draft(change: Change) -> None:
    number = change.maker.ids.used[f"{change.maker.shop.name} draft_order"] + 1
    customer = change.some("customers")
    key = customer["id"] if customer else None
    change.create("draft_orders", orders.draft_order(change.maker, change.now, number, key, goods(change)))


def update_draft(change: Change) -> None:
    found = change.find("draft_orders", lambda body: body["status"] != "completed")
    if not found:
        create_draft(change)
        return
    body = found.body
    if len(body["line_items"]) > 1 and change.maker.chance(0.3):
        body["line_items"].pop()
    else:
        change.random.choice(body["line_items"])["quantity"] += 1
    orders.settle_totals(body)
    change.update("draft_orders", body)


def complete_draft(change: Change) -> None:
    found = change.find("draft_orders", lambda body: body["status"] != "completed")
    if not found:
        create_draft(change)
        return
    order = place_order(change)
    found.body.update(status="completed", completed_at=change.moment, order_id=order["id"])
    change.update("draft_orders", found.body)


def delete_draft(change: Change) -> None:
    found = change.find("draft_orders", lambda body: body["status"] != "completed", rested=2)
    if found and change.store.count(change.shop, "draft_orders") > 1:
        change.delete("draft_orders", *found)
    else:
        update_draft(change)
