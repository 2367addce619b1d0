"""Orders and what follows from them: payments, refunds, fulfillments, disputes."""

from typing import Any

from ..objects import orders, payments
from ..values import minor_units
from .change import Body, Change

_PAYABLE = ("pending", "authorized")
_PAID = ("paid", "partially_refunded")


def goods(change: Change) -> list[orders.Good]:
    product = change.some("products", status="active")
    assert product, "every shop keeps active products"
    return [
        orders.Good(variant["id"], product["id"], product["title"], variant["sku"], minor_units(variant["price"]))
        for variant in product["variants"]
    ]


def place_order(change: Change) -> Body:
    """A new order that waits for its payment."""
    maker, customer = change.maker, change.some("customers")
    plan = orders.Plan(
        at=change.now,
        number=1001 + maker.ids.used[f"{maker.shop.name} order"],
        customer=customer["id"] if customer and maker.chance(0.9) else None,
        lines=change.random.randint(1, 3),
        note=maker.seldom(maker.text("Ring twice")),
    )
    body = orders.order(maker, plan, goods(change))
    change.create("orders", body)
    return body


def place_paid_order(change: Change) -> Body:
    order = place_order(change)
    pay(change, order)
    return order


def pay(change: Change, order: Body) -> None:
    held = None
    if order["financial_status"] == "authorized":
        held = next(found.key for found in change.children("transactions", order["id"]))
    kind = "capture" if held else "sale"
    payment = payments.transaction(change.maker, order, change.now, kind, order["total_price"], held)
    change.create("transactions", payment)
    order["financial_status"] = "paid"
    change.update("orders", order, "orders/paid")


def take_payment(change: Change) -> None:
    found = change.find("orders", lambda body: body["financial_status"] in _PAYABLE, "open")
    if found:
        pay(change, found.body)
    else:
        place_paid_order(change)


def update_order(change: Change) -> None:
    """Change what an order says, or what is in it as long as nothing is paid for."""
    found = change.find("orders", status="open")
    if not found:
        place_order(change)
        return
    order = found.body
    if order["financial_status"] == "pending" and not order["discount_codes"]:
        line = change.random.choice(order["line_items"])
        line["quantity"] += 1
        orders.settle_totals(order)
    else:
        order["note"] = change.maker.text(f"Called about {order['name']}", 0.5)
        order["tags"] = change.random.choice(("", "urgent", "gift, urgent", "確認済み"))
    change.update("orders", order)


def close_order(change: Change) -> None:
    found = change.find("orders", lambda body: body["fulfillment_status"] == "fulfilled", "open")
    if not found:
        place_order(change)
        return
    found.body["closed_at"] = change.moment
    change.update("orders", found.body)


def cancel_order(change: Change) -> None:
    found = change.find("orders", lambda body: body["financial_status"] == "pending", "open")
    if not found:
        place_order(change)
        return
    found.body.update(financial_status="voided", cancelled_at=change.moment, cancel_reason="customer")
    change.update("orders", found.body, "orders/cancelled")


def delete_order(change: Change) -> None:
    def is_free_to_go(body: Body) -> bool:
        return body["financial_status"] in ("voided", "pending") and not order_is_needed(change, body["id"])

    found = change.find("orders", is_free_to_go, rested=2)
    if found:
        remove_order(change, found.body)
    else:
        update_order(change)


def order_is_needed(change: Change, order_id: int) -> bool:
    """Whether money that was settled, a dispute or a draft still names the order."""
    return bool(change.children("disputes", order_id)) or change.store.named_by_others(order_id)


def remove_order(change: Change, order: Body) -> None:
    """An order takes with it what belongs to it; subscribers only hear of the order."""
    for collection in ("refunds", "fulfillments", "transactions"):
        change.store.remove([found.key for found in change.children(collection, order["id"])], change.now)
    change.delete("orders", order["id"], order)


def _refundable(change: Change, order: Body) -> list[tuple[Body, int]]:
    """The lines of an order and how many pieces of each have not been given back."""
    back: dict[int, int] = {}
    for found in change.children("refunds", order["id"]):
        for item in found.body["refund_line_items"]:
            back[item["line_item_id"]] = back.get(item["line_item_id"], 0) + item["quantity"]
    left = [(line, line["quantity"] - back.get(line["id"], 0)) for line in order["line_items"]]
    return [(line, quantity) for line, quantity in left if quantity]


def refund(change: Change) -> None:
    def is_refundable(body: Body) -> bool:
        return body["financial_status"] in _PAID and bool(minor_units(body["total_price"])) and not body["cancelled_at"]

    found = change.find("orders", lambda body: is_refundable(body) and bool(_refundable(change, body)))
    order = found.body if found else place_paid_order(change)
    line, _ = change.random.choice(_refundable(change, order))
    body = payments.refund(change.maker, order, [(line, 1)], change.now)
    paid = [item.body for item in change.children("transactions", order["id"])]
    payment = next(item["id"] for item in paid if item["kind"] in ("sale", "capture"))
    given_back = sum(minor_units(item["amount"]) for item in paid if item["kind"] == "refund")
    amount = payments.refunded_amount(order, body, given_back)
    change.create("refunds", body)
    change.create("transactions", payments.transaction(change.maker, order, change.now, "refund", amount, payment))
    is_all = given_back + minor_units(amount) == minor_units(order["total_price"])
    order["financial_status"] = "refunded" if is_all else "partially_refunded"
    change.update("orders", order)


def fulfill(change: Change) -> None:
    def is_due(body: Body) -> bool:
        return body["financial_status"] in _PAID and body["fulfillment_status"] in (None, "partial")

    found = change.find("orders", is_due, "open")
    order = found.body if found else place_paid_order(change)
    earlier = change.children("fulfillments", order["id"])
    sent = {line["id"] for item in earlier for line in item.body["line_items"]}
    lines = [line for line in order["line_items"] if line["id"] not in sent]
    part = lines[:1] if change.maker.chance(0.4) else lines
    places = change.store.select(change.shop, "locations", tail="order by id limit 2")
    place = change.random.choice(places).id
    change.create("fulfillments", payments.fulfillment(change.maker, order, part, place, change.now, len(earlier) + 1))
    order["fulfillment_status"] = "fulfilled" if len(part) == len(lines) else "partial"
    topic = "orders/fulfilled" if len(part) == len(lines) else "orders/partially_fulfilled"
    change.update("orders", order, topic)


def track(change: Change) -> None:
    found = change.find("fulfillments")
    if not found:
        fulfill(change)
        return
    steps = {None: "confirmed", "confirmed": "in_transit", "in_transit": "delivered", "delivered": "picked_up"}
    found.body["shipment_status"] = steps.get(found.body["shipment_status"])
    found.body["tracking_number"] = f"{change.random.randrange(10**15):018d}"
    change.update("fulfillments", found.body)


def open_dispute(change: Change) -> None:
    def is_disputable(body: Body) -> bool:
        return body["kind"] in ("sale", "capture") and not change.children("disputes", body["order_id"])

    payment = change.some("transactions", is_disputable)
    order = {"id": payment["order_id"]} if payment else place_paid_order(change)
    payment = payment or change.children("transactions", order["id"])[0].body
    change.create("disputes", payments.dispute(change.maker, order, payment, change.now))


def advance_dispute(change: Change) -> None:
    # A dispute carries no time of change: apart by two seconds, its versions can't be confused on the way.
    found = change.find("disputes", lambda body: body["finalized_on"] is None, rested=2)
    if not found:
        open_dispute(change)
        return
    steps: dict[str, Any] = {"status": "under_review", "evidence_sent_on": change.moment}
    if found.body["evidence_sent_on"]:
        steps = {"status": change.random.choice(("won", "lost")), "finalized_on": change.moment}
    found.body.update(steps)
    change.update("disputes", found.body)
