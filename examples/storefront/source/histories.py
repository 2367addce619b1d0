"""What became of an order before the sample starts: its payments, refunds, fulfillments and final state."""

from typing import Any, NamedTuple

from .objects import payments
from .objects.maker import Maker

Body = dict[str, Any]

HOUR = 3600
_STATES = ("paid",) * 14 + ("pending", "pending", "authorized", "cancelled", "closed", "partially_refunded", "refunded")


class Made(NamedTuple):
    collection: str
    body: Body


def state_of(maker: Maker) -> str:
    return maker.random.choice(_STATES)


def history(maker: Maker, order: Body, state: str, at: int, places: list[int]) -> list[Made]:
    """Bring the order into its state; the objects that this makes, in the order they came to be."""
    made: list[Made] = []
    if state == "cancelled":
        order.update(financial_status="voided", cancelled_at=maker.at(at + HOUR), cancel_reason="customer")
        order["updated_at"] = order["cancelled_at"]
    elif state == "free":
        order["financial_status"] = "paid"
    elif state != "pending":
        made += _payment(maker, order, state, at)
    if order["financial_status"] in ("paid", "partially_refunded", "refunded"):
        made += _fulfillment(maker, order, at + 2 * HOUR, places)
    if state == "closed":
        order["closed_at"] = order["updated_at"] = maker.at(at + 72 * HOUR)
    return made


def _payment(maker: Maker, order: Body, state: str, at: int) -> list[Made]:
    total = order["total_price"]
    if state == "authorized":
        order["financial_status"] = "authorized"
        return [Made("transactions", payments.transaction(maker, order, at, "authorization", total))]
    order["financial_status"] = "paid"
    if maker.chance(0.7):
        paid = [payments.transaction(maker, order, at, "sale", total)]
    else:
        held = payments.transaction(maker, order, at, "authorization", total)
        paid = [held, payments.transaction(maker, order, at + HOUR, "capture", total, held["id"])]
        order["updated_at"] = maker.at(at + HOUR)
    made = [Made("transactions", body) for body in paid]
    if state in ("refunded", "partially_refunded"):
        made += _refund(maker, order, paid[-1]["id"], state, at + 48 * HOUR)
    return made


def _refund(maker: Maker, order: Body, payment: int, state: str, at: int) -> list[Made]:
    lines = order["line_items"]
    pieces = [(line, line["quantity"]) for line in lines]
    if state == "partially_refunded":
        pieces = pieces[:1] if len(lines) > 1 else [(lines[0], 1)]
    body = payments.refund(maker, order, pieces, at)
    amount = payments.refunded_amount(order, body)
    order["financial_status"] = "refunded" if amount == order["total_price"] else "partially_refunded"
    order["updated_at"] = maker.at(at)
    back = payments.transaction(maker, order, at, "refund", amount, payment)
    return [Made("refunds", body), Made("transactions", back)]


def _fulfillment(maker: Maker, order: Body, at: int, places: list[int]) -> list[Made]:
    draw, lines = maker.random.random(), order["line_items"]
    if draw < 0.12:
        return []
    part = lines[: len(lines) // 2] if draw < 0.22 and len(lines) > 1 else lines
    order["fulfillment_status"] = "fulfilled" if part is lines else "partial"
    moment = maker.at(at)
    if order["financial_status"] == "paid":
        order["updated_at"] = moment
    return [Made("fulfillments", payments.fulfillment(maker, order, part, maker.random.choice(places), at))]
