"""Locations, customers and their addresses."""

from typing import Any

from ..texts import CITIES, FIRST_NAMES, LAST_NAMES, ODD_TEXTS, STREETS
from .maker import Maker

Body = dict[str, Any]


def location(maker: Maker, at: int, name: str) -> Body:
    city, province, country, postcode = maker.random.choice(CITIES)
    return {
        "id": maker.id("location"),
        "name": name,
        "address1": f"{maker.random.choice(STREETS)} {maker.random.randint(1, 240)}",
        "address2": maker.seldom("2nd floor"),
        "city": city,
        "zip": postcode,
        "province": province,
        "country": country,
        "country_code": country,
        "phone": maker.seldom("+47 555 01 234"),
        "active": True,
        "legacy": False,
        "created_at": maker.at(at),
        "updated_at": maker.at(at),
    }


def postal_address(maker: Maker, first_name: str | None, last_name: str | None) -> Body:
    """An address as an order carries it: a copy of its own, without an id."""
    city, province, country, postcode = maker.random.choice(CITIES)
    return {
        "first_name": first_name,
        "last_name": last_name,
        "company": maker.seldom("Lantern & Sons"),
        "address1": maker.text(f"{maker.random.choice(STREETS)} {maker.random.randint(1, 240)}", 0.05),
        "address2": maker.seldom("c/o Winter"),
        "city": city,
        "province": province,
        "zip": postcode,
        "country": country,
        "country_code": country,
        "phone": maker.seldom("+81 3-5555-0123"),
    }


def customer_address(maker: Maker, customer_id: int, first_name: str, last_name: str, default: bool) -> Body:
    address = postal_address(maker, first_name, last_name)
    return {"id": maker.id("address"), "customer_id": customer_id, **address, "default": default}


def customer(maker: Maker, at: int, number: int, settled: int = 86_400) -> Body:
    """A customer who came at a time and was changed last within so many seconds after it."""
    first_name, last_name = maker.random.choice(FIRST_NAMES), maker.random.choice(LAST_NAMES)
    if number < len(ODD_TEXTS):
        last_name = ODD_TEXTS[number]
    customer_id = maker.id("customer")
    addresses = maker.random.choice((1, 1, 1, 2, 3)) if number != 3 else 0
    return {
        "id": customer_id,
        "email": None if number % 20 == 1 else f"buyer{number}@{maker.shop.name}.example",
        "first_name": first_name,
        "last_name": last_name,
        "phone": maker.seldom(f"+1 555 {number:07d}"),
        "note": maker.seldom(maker.text("Pays on time", 0.4)),
        "state": maker.random.choice(("enabled", "enabled", "disabled", "invited")),
        "tags": maker.random.choice(("", "wholesale", "newsletter, vip", "ニュース, vip")),
        "verified_email": number % 20 != 1,
        "tax_exempt": maker.chance(0.1),
        "currency": maker.shop.currency,
        "created_at": maker.at(at),
        "updated_at": maker.at(at + maker.random.randint(0, settled)),
        "addresses": [
            customer_address(maker, customer_id, first_name, last_name, place == 0) for place in range(addresses)
        ],
    }


def gift_card(maker: Maker, at: int, number: int, customer_id: int | None) -> Body:
    value = maker.random.choice((2500, 5000, 10000))
    spent = maker.at(at + 864_000) if number == 1 else None
    return {
        "id": maker.id("gift_card"),
        "initial_value": maker.money(value),
        "balance": maker.money(0 if number == 2 else value - maker.random.randint(0, value)),
        "currency": maker.shop.currency,
        "last_characters": maker.random.choice(("0e10", "007a", "a1b2", "ффяя")),
        "customer_id": customer_id,
        "order_id": None,
        "note": maker.seldom(maker.text("A present")),
        "expires_on": "2028-02-29" if number == 0 else None,
        "disabled_at": spent,
        "created_at": maker.at(at),
        "updated_at": spent or maker.at(at),
    }
