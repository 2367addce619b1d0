"""Orders and draft orders: their lines, and totals that always follow from the lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..values import minor_units, money
from .maker import Maker
from .people import postal_address

Body = dict[str, Any]


@dataclass(frozen=True)
class Good:
    """What a line item copies from a variant."""

    variant_id: int
    product_id: int
    title: str
    sku: str
    price: int  # minor units of the shop's currency


@dataclass
class Plan:
    """What is settled about an order before it is built."""

    at: int
    number: int
    customer: int | None
    lines: int = 1
    currency: str | None = None
    presentment: str | None = None
    note: str | None = None
    blank: bool = False
    test: bool = False
    free: bool = False
    ships: bool = True
    tags: str = ""


def line_item(maker: Maker, good: Good, currency: str, quantity: int, discount_share: float = 0.1) -> Body:
    discount = good.price * quantity // 10 if maker.chance(discount_share) else 0
    return {
        "id": maker.id("line_item"),
        "variant_id": good.variant_id,
        "product_id": good.product_id,
        "title": good.title,
        "sku": good.sku,
        "quantity": quantity,
        "price": money(good.price, currency),
        "total_discount": money(discount, currency),
        "tax_lines": [{"title": maker.shop.tax_name, "price": "", "rate": maker.shop.tax_basis_points / 10_000}],
    }


def shipping_line(maker: Maker, currency: str) -> Body:
    code, price = maker.random.choice((("standard", 590), ("express", 1490), ("pickup", 0)))
    return {"id": maker.id("shipping_line"), "title": f"{code} delivery", "price": money(price, currency), "code": code}


def settle_totals(order: Body) -> None:
    """Derive every total of an order (or draft) from its lines, discounts and tax rates."""
    currency = order["currency"]
    gross = discounts = tax = 0
    for item in order["line_items"]:
        amount, discount = minor_units(item["price"]) * item["quantity"], minor_units(item["total_discount"])
        gross, discounts = gross + amount, discounts + discount
        for line in item["tax_lines"]:
            share = (amount - discount) * round(line["rate"] * 10_000) // 10_000
            line["price"] = money(share, currency)
            tax += share
    for code in order["discount_codes"]:
        discounts += minor_units(code["amount"])
    shipping = sum(minor_units(line["price"]) for line in order["shipping_lines"])
    for line in order["tax_lines"]:
        line["price"] = money(tax, currency)
    order["subtotal_price"] = money(gross - discounts, currency)
    order["total_discounts"] = money(discounts, currency)
    order["total_tax"] = money(tax, currency)
    order["total_price"] = money(gross - discounts + shipping + tax, currency)


def _lines(maker: Maker, plan: Plan, goods: Sequence[Good], currency: str) -> list[Body]:
    discount_share = 0 if plan.free else 0.1
    return [
        line_item(maker, good, currency, maker.random.choice((1, 1, 1, 2, 3)), discount_share)
        for good in maker.random.choices(goods, k=plan.lines)
    ]


def _discount_codes(maker: Maker, plan: Plan, lines: list[Body], currency: str) -> list[Body]:
    gross = sum(minor_units(line["price"]) * line["quantity"] for line in lines)
    if plan.free:
        return [{"code": "GIFT 100%", "amount": money(gross, currency), "type": "percentage"}]
    if maker.chance(0.15):
        amount = min(500, gross // 4)
        return [{"code": maker.text("WELCOME5", 0.3), "amount": money(amount, currency), "type": "fixed_amount"}]
    return []


def order(maker: Maker, plan: Plan, goods: Sequence[Good]) -> Body:
    currency = plan.currency or maker.shop.currency
    lines = _lines(maker, plan, goods, currency)
    taxes = [{"title": maker.shop.tax_name, "price": "", "rate": maker.shop.tax_basis_points / 10_000}]
    if plan.free:
        taxes = []
        for line in lines:
            line["tax_lines"] = []
    body: Body = {
        "id": maker.id("order"),
        **_words(maker, plan),
        "currency": currency,
        "presentment_currency": plan.presentment or currency,
        "financial_status": "pending",
        "fulfillment_status": None,
        "test": plan.test,
        "customer": None if plan.customer is None else {"id": plan.customer},
        "billing_address": postal_address(maker, maker.text("Kit"), maker.text("Rivera")),
        "shipping_address": postal_address(maker, "Kit", maker.text("Rivera")) if plan.ships else None,
        "line_items": lines,
        "discount_codes": _discount_codes(maker, plan, lines, currency),
        "shipping_lines": [shipping_line(maker, currency)] if plan.ships and not plan.free else [],
        "tax_lines": taxes,
        "cancelled_at": None,
        "cancel_reason": None,
        "closed_at": None,
        **dict.fromkeys(("processed_at", "created_at", "updated_at"), maker.at(plan.at)),
    }
    settle_totals(body)
    return body


def _words(maker: Maker, plan: Plan) -> Body:
    email = None if plan.customer is None else f"order{plan.number}@{maker.shop.name}.example"
    return {
        "name": f"#{plan.number}",
        "order_number": plan.number,
        "email": "" if plan.blank else email,
        "phone": "" if plan.blank else None,
        "note": "" if plan.blank else plan.note,
        "tags": plan.tags,
    }


def draft_order(maker: Maker, at: int, number: int, customer: int | None, goods: Sequence[Good]) -> Body:
    currency = maker.shop.currency
    lines = [draft_line(maker, good) for good in maker.random.sample(list(goods), k=min(3, len(goods)))]
    body: Body = {
        "id": maker.id("draft_order"),
        "name": f"#D{number}",
        "status": "invoice_sent" if number % 3 == 2 else "open",
        "currency": currency,
        "customer": None if customer is None else {"id": customer},
        "email": maker.seldom("quote@example.org"),
        "note": maker.seldom(maker.text("Valid for two weeks")),
        "tags": "",
        "order_id": None,
        "line_items": lines,
        "discount_codes": [],
        "shipping_lines": [],
        "tax_lines": [{"title": maker.shop.tax_name, "price": "", "rate": maker.shop.tax_basis_points / 10_000}],
        "invoice_sent_at": maker.at(at) if number % 3 == 2 else None,
        "completed_at": None,
        "created_at": maker.at(at),
        "updated_at": maker.at(at),
    }
    settle_totals(body)
    return body


def draft_line(maker: Maker, good: Good) -> Body:
    line = line_item(maker, good, maker.shop.currency, maker.random.randint(1, 4))
    return {**line, "id": maker.id("draft_line_item")}
