"""Products, their variants' stock, and the places where it lies."""

from ..objects import people, products
from .change import Body, Change, Found


def _has_rested(change: Change, variant: Body) -> bool:
    """Whether the stock of a variant was left alone lately, so that its end can't be confused with its last change."""
    key, lately = variant["inventory_item_id"], change.now - 1
    return not (
        change.store.count(change.shop, "inventory_items", "id = ? and updated >= ?", [key, lately])
        or change.store.count(change.shop, "inventory_levels", "parent = ? and updated >= ?", [key, lately])
    )


def _may_go(change: Change, product: Body) -> bool:
    return all(_has_rested(change, variant) for variant in product["variants"])


def _add_stock(change: Change, variant: Body) -> None:
    item = products.inventory_item(change.maker, variant, change.now)
    change.create("inventory_items", item)
    place = change.some("locations")
    if place:
        _connect(change, item["id"], place["id"])


def _connect(change: Change, inventory_item_id: int, location_id: int) -> None:
    level = products.inventory_level(change.maker, inventory_item_id, location_id, change.now)
    change.create("inventory_levels", level, key=change.maker.id("inventory_level"))


def _remove_stock(change: Change, inventory_item_id: int) -> None:
    for level in change.children("inventory_levels", inventory_item_id):
        change.delete("inventory_levels", *level)
    change.delete("inventory_items", inventory_item_id, {"id": inventory_item_id})


def create_product(change: Change) -> None:
    number = change.maker.ids.used[f"{change.maker.shop.name} product"]
    published = change.maker.chance(0.5)
    body = products.product(change.maker, change.now, number * 2 + 1, published, sizes=2)
    change.create("products", body)
    for variant in body["variants"]:
        _add_stock(change, variant)


def update_product(change: Change) -> None:
    found = change.find("products")
    if not found:
        create_product(change)
        return
    body = found.body
    variant = change.random.choice(body["variants"])
    variant["compare_at_price"] = variant["price"]
    variant["price"] = change.maker.money(change.random.randint(300, 20_000))
    variant["updated_at"] = change.moment
    body["tags"] = change.random.choice(("", "sale", "sale, spring", "限定, <new>"))
    if change.maker.chance(0.3):
        body["title"] = change.maker.text(f"{body['title'][:40]} (new)", 0.4)
    change.update("products", body)


def delete_product(change: Change) -> None:
    """Only drafts go, as they were never sold, and one always stays."""
    found = change.find("products", lambda body: _may_go(change, body), "draft", rested=2)
    if not found or change.store.count(change.shop, "products", "status = 'draft'") < 2:
        update_product(change)
        return
    remove_product(change, found.body)


def remove_product(change: Change, body: Body) -> None:
    for variant in body["variants"]:
        _remove_stock(change, variant["inventory_item_id"])
    change.delete("products", body["id"], body)


def add_variant(change: Change) -> None:
    found = change.find("products", lambda body: len(body["variants"]) < 8)
    if not found:
        create_product(change)
        return
    body = found.body
    position = body["variants"][-1]["position"] + 1
    variant = products.variant(change.maker, body, change.now, position, f"No. {position}")
    body["variants"].append(variant)
    body["options"][0]["values"].append(variant["option1"])
    change.update("products", body)
    _add_stock(change, variant)


def remove_variant(change: Change) -> None:
    found = change.find("products", lambda body: len(body["variants"]) > 1 and _may_go(change, body), "draft", rested=2)
    if not found:
        update_item(change)
        return
    body = found.body
    variant = body["variants"].pop()
    body["options"][0]["values"].remove(variant["option1"])
    for image in body["images"]:
        image["variant_ids"] = [key for key in image["variant_ids"] if key != variant["id"]]
    change.update("products", body)
    _remove_stock(change, variant["inventory_item_id"])


def update_item(change: Change) -> None:
    found = change.find("inventory_items")
    if not found:
        add_variant(change)
        return
    found.body["cost"] = change.maker.money(change.random.randint(100, 9_000))
    found.body["country_code_of_origin"] = change.random.choice(("NO", "JP", "", None))
    change.update("inventory_items", found.body)


def update_level(change: Change) -> None:
    found = change.find("inventory_levels")
    if not found:
        add_variant(change)
        return
    found.body["available"] = (found.body["available"] or 0) + change.random.choice((-2, -1, 5, 40))
    change.update("inventory_levels", found.body, key=found.key)


def connect_level(change: Change) -> None:
    level, place = change.some("inventory_levels"), change.some("locations")
    if not level or not place or _was_connected(change, level["inventory_item_id"], place["id"]):
        update_level(change)
        return
    _connect(change, level["inventory_item_id"], place["id"])


def _was_connected(change: Change, inventory_item_id: int, location_id: int) -> bool:
    return change.store.ever(
        change.shop, "inventory_levels", "parent = ? and other = ?", inventory_item_id, location_id
    )


def disconnect_level(change: Change) -> None:
    def is_one_of_several(body: Body) -> bool:
        return len(change.children("inventory_levels", body["inventory_item_id"])) > 1

    found: Found | None = change.find("inventory_levels", is_one_of_several, rested=2)
    if found:
        change.delete("inventory_levels", *found)
    else:
        update_level(change)


def create_location(change: Change) -> None:
    number = change.maker.ids.used[f"{change.maker.shop.name} location"]
    change.create("locations", people.location(change.maker, change.now, change.maker.text(f"Market stall {number}")))


def update_location(change: Change) -> None:
    found = change.find("locations")
    if not found:
        create_location(change)
        return
    found.body["phone"] = f"+47 555 {change.random.randrange(10**5):05d}"
    found.body["address2"] = change.maker.seldom("backyard")
    change.update("locations", found.body)


def delete_location(change: Change) -> None:
    """The two places that goods are sent from stay, and every place that has stock."""
    first = [row.id for row in change.store.select(change.shop, "locations", tail="order by id limit 2")]
    found = change.find(
        "locations", lambda body: body["id"] not in first and not change.store.named_by_others(body["id"]), rested=2
    )
    if found:
        change.delete("locations", *found)
    else:
        update_location(change)
