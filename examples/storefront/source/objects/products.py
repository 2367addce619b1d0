"""Products with variants, options and images, and the stock that belongs to the variants."""

from typing import Any

from ..texts import COLOURS, GOODS, MAKERS, ODD_TEXTS
from .maker import Maker

Body = dict[str, Any]

_SIZES = ("S", "M", "L", "XL", "2XL")


def variant(maker: Maker, product: Body, at: int, position: int, option: str) -> Body:
    price = maker.random.randint(300, 20_000)
    return {
        "id": maker.id("variant"),
        "product_id": product["id"],
        "title": option,
        "price": maker.money(price),
        "compare_at_price": maker.money(price + 500) if maker.chance(0.2) else None,
        "sku": "" if maker.chance(0.05) else f"{maker.shop.name[:2].upper()}-{product['id'] % 100_000:05d}-{position}",
        "barcode": maker.seldom(f"{maker.random.randrange(10**13):013d}"),
        "position": position,
        "option1": option,
        "option2": None,
        "option3": None,
        "inventory_item_id": maker.id("inventory_item"),
        "grams": maker.random.choice((0, 250, 1200)),
        "taxable": True,
        "requires_shipping": True,
        "created_at": maker.at(at),
        "updated_at": maker.at(at),
    }


def image(maker: Maker, product: Body, at: int, position: int) -> Body:
    variants = product["variants"]
    return {
        "id": maker.id("image"),
        "product_id": product["id"],
        "src": f"https://cdn.{maker.shop.name}.example/{product['handle']}/{position}.jpg?v={at}",
        "alt": maker.seldom(maker.text(product["title"])),
        "position": position,
        "width": maker.random.choice((800, 1200, 2048)),
        "height": maker.random.choice((600, 1200, 2048)),
        "variant_ids": [variants[0]["id"]] if position == 2 else [],
        "created_at": maker.at(at),
        "updated_at": maker.at(at),
    }


def _status(number: int, published: bool) -> str:
    if published:
        return "active"
    return "archived" if number % 2 == 0 else "draft"


def product(maker: Maker, at: int, number: int, published: bool = True, sizes: int | None = None) -> Body:
    """A product; the unpublished ones are archived or drafts and are never sold."""
    title = (
        ODD_TEXTS[number] if number < len(ODD_TEXTS) else f"{maker.random.choice(COLOURS)} {maker.random.choice(GOODS)}"
    )
    body: Body = {
        "id": maker.id("product"),
        "title": title,
        "body_html": maker.seldom(f"<p>{maker.text('Made by hand.')}</p>"),
        "vendor": maker.random.choice(MAKERS),
        "product_type": maker.random.choice(("", "Home", "Wear", "Küche")),
        "handle": f"item-{number + 1}",
        "status": _status(number, published),
        "tags": maker.random.choice(("", "new", "sale, spring", "ギフト, sale")),
        "published_at": maker.at(at) if published else None,
        "created_at": maker.at(at),
        "updated_at": maker.at(at),
    }
    values = _SIZES[: sizes or maker.random.choice((1, 2, 2, 3, 3, 4))]
    body["variants"] = [variant(maker, body, at, place, size) for place, size in enumerate(values, start=1)]
    body["options"] = [
        {"id": maker.id("option"), "product_id": body["id"], "name": "Size", "position": 1, "values": list(values)}
    ]
    images = 0 if number % 8 == 2 else maker.random.choice((1, 2, 3))
    body["images"] = [image(maker, body, at, place) for place in range(1, images + 1)]
    return body


def inventory_item(maker: Maker, of: Body, at: int) -> Body:
    return {
        "id": of["inventory_item_id"],
        "sku": of["sku"],
        "cost": maker.money(maker.random.randint(100, 9_000)) if maker.chance(0.8) else None,
        "tracked": maker.chance(0.9),
        "requires_shipping": of["requires_shipping"],
        "country_code_of_origin": maker.seldom("NO"),
        "harmonized_system_code": maker.seldom("691110"),
        "created_at": maker.at(at),
        "updated_at": maker.at(at),
    }


def inventory_level(maker: Maker, inventory_item_id: int, location_id: int, at: int) -> Body:
    """Stock may be below zero (oversold) or null (not counted at that place)."""
    available = None if maker.chance(0.05) else maker.random.randint(-3, 120)
    return {
        "inventory_item_id": inventory_item_id,
        "location_id": location_id,
        "available": available,
        "updated_at": maker.at(at),
    }
