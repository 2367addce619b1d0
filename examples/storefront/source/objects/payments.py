"""What happens to an order after it is placed: payments, refunds, fulfillments; and the money's way to the bank."""

from typing import Any

from ..values import minor_units, money
from .maker import Maker

Body = dict[str, Any]

CARRIERS = ("Parcel North", "日本急送", "Courier & Co.")


def transaction(maker: Maker, order: Body, at: int, kind: str, amount: str, parent: int | None = None) -> Body:
    return {
        "id": maker.id("transaction"),
        "order_id": order["id"],
        "parent_id": parent,
        "kind": kind,
        "gateway": maker.random.choice(("shopify_payments", "shopify_payments", "manual")),
        "amount": amount,
        "currency": order["currency"],
        "status": "success",
        "message": maker.seldom(maker.text("Approved")),
        "test": order["test"],
        "processed_at": maker.at(at),
        "created_at": maker.at(at),
    }


def refund(maker: Maker, order: Body, pieces: list[tuple[Body, int]], at: int) -> Body:
    """The refund of some pieces of some lines."""
    return {
        "id": maker.id("refund"),
        "order_id": order["id"],
        "note": maker.seldom(maker.text("Arrived broken", 0.3)),
        "restock": maker.chance(0.5),
        "user_id": None,
        "created_at": maker.at(at),
        "processed_at": maker.at(at),
        "refund_line_items": [
            {
                "id": maker.id("refund_line_item"),
                "line_item_id": line["id"],
                "quantity": quantity,
                "restock_type": "return",
                "subtotal": money(_refunded_price(line, quantity), order["currency"]),
            }
            for line, quantity in pieces
        ],
    }


def _refunded_price(line: Body, quantity: int) -> int:
    """What was paid for some pieces of a line, before tax."""
    price, discount = minor_units(line["price"]), minor_units(line["total_discount"])
    return price * quantity - discount * quantity // int(line["quantity"])


def refunded_amount(order: Body, refund: Body, given_back: int = 0) -> str:
    """The money a refund gives back: for all that was ordered the order's total, otherwise the lines' price.

    Codes lower the total but not the lines, so it is never more than what is left of the total.
    """
    left = minor_units(order["total_price"]) - given_back
    pieces = sum(line["quantity"] for line in order["line_items"])
    if sum(item["quantity"] for item in refund["refund_line_items"]) == pieces:
        return money(left, order["currency"])
    subtotal = sum(minor_units(item["subtotal"]) for item in refund["refund_line_items"])
    return money(min(left, subtotal), order["currency"])


def fulfillment(maker: Maker, order: Body, lines: list[Body], location_id: int, at: int, sequence: int = 1) -> Body:
    return {
        "id": maker.id("fulfillment"),
        "order_id": order["id"],
        "name": f"{order['name']}.{sequence}",
        "status": "success",
        "service": "manual",
        "location_id": location_id,
        "shipment_status": maker.random.choice((None, "in_transit", "delivered")),
        "tracking_company": maker.random.choice(CARRIERS),
        "tracking_number": maker.seldom(f"{maker.random.randrange(10**15):018d}"),
        "created_at": maker.at(at),
        "updated_at": maker.at(at),
        "line_items": [{"id": line["id"], "quantity": line["quantity"]} for line in lines],
    }


def dispute(maker: Maker, order: Body, payment: Body, at: int) -> Body:
    return {
        "id": maker.id("dispute"),
        "order_id": order["id"],
        "type": maker.random.choice(("chargeback", "inquiry")),
        "amount": payment["amount"],
        "currency": payment["currency"],
        "reason": maker.random.choice(("fraudulent", "product_not_received", "duplicate")),
        "network_reason_code": "0042",
        "status": "needs_response",
        "evidence_due_by": maker.at(at + 7 * 86_400),
        "evidence_sent_on": None,
        "finalized_on": None,
        "initiated_at": maker.at(at),
    }


def balance_transaction(maker: Maker, payout: Body, kind: str, amount: int, at: int, source: Body | None) -> Body:
    """One movement on the balance; refunds, adjustments and disputes are negative."""
    fee = amount * 29 // 1000 + 30 if kind == "charge" else 0
    currency = maker.shop.currency
    return {
        "id": maker.id("balance_transaction"),
        "type": kind,
        "test": False,
        "payout_id": payout["id"],
        "payout_status": payout["status"],
        "currency": currency,
        "amount": money(amount, currency),
        "fee": money(fee, currency),
        "net": money(amount - fee, currency),
        "source_id": source["id"] if source else None,
        "source_type": "charge" if kind == "charge" else kind,
        "source_order_id": source["order_id"] if source else None,
        "source_order_transaction_id": source["id"] if source else None,
        "processed_at": maker.at(at),
    }


def payout(maker: Maker, date: str, status: str) -> Body:
    return {
        "id": maker.id("payout"),
        "status": status,
        "date": date,
        "currency": maker.shop.currency,
        "amount": maker.money(0),
    }
