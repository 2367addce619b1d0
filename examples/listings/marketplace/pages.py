"""The pages: what a path shows follows from the path and the seed alone, so it is the same whenever it is asked for.

The first word of a path says what the page is like; what follows is whatever tells one page from another.
"""

import json
from collections.abc import Callable
from html import escape
from random import Random
from typing import Any

SLOW_SECONDS = 1.0
BRANDS = ("Dell OptiPlex 7080", "HP EliteDesk 800 G6", "Lenovo ThinkCentre M70q", "Beelink Mini S12", "Intel NUC 10")
PROCESSORS = (
    "Intel(R) Core(TM) i5-10500 CPU @ 3.10GHz", "Intel Core i7-10700", "Intel Core i3-10100T", "AMD Ryzen 5 5600G",
    "Intel Xeon E-2224", "Intel N100",
)  # fmt: skip
CONDITIONS = ("NewCondition", "RefurbishedCondition", "UsedCondition")
Product = dict[str, Any]


def product(path: str, seed: int) -> Product:
    """A product with all that a page can have."""
    random = Random(f"{seed} {path}")
    processor = random.choice(PROCESSORS)
    offer = {
        "@type": "Offer",
        "price": f"{random.randrange(9_900, 150_000) / 100:.2f}",
        "priceCurrency": "USD",
        "itemCondition": f"https://schema.org/{random.choice(CONDITIONS)}",
    }
    return {
        "@context": "https://schema.org",
        "@type": "Product",
        "name": f"{random.choice(BRANDS)} {random.choice((8, 16, 32))} GB",
        "processor": processor,
        "ram_gb": random.choice((8, 16, 32)),
        "storage_gb": random.choice((256, 512, 1024)),
        "offers": offer,
    }


def _offering(**changes: Any) -> Callable[[Product], None]:
    """Change the offer; a value of None takes the key away."""

    def change(product: Product) -> None:
        product["offers"] = {name: value for name, value in (product["offers"] | changes).items() if value is not None}

    return change


def _naming(name: str) -> Callable[[Product], None]:
    def change(product: Product) -> None:
        product["name"] = name

    return change


def _without(*names: str) -> Callable[[Product], None]:
    def change(product: Product) -> None:
        for name in names:
            product.pop(name)

    return change


SHOWN: dict[str, Callable[[Product], None]] = {
    "full": _without(),
    "slow": _without(),
    "no-price": _offering(price=None, priceCurrency=None),
    "no-condition": _offering(itemCondition=None),
    "no-offer": _without("offers"),
    "no-processor": _without("processor"),
    "euros": _offering(price="349.00", priceCurrency="EUR"),
    "zero": _offering(price="0.00"),
    "text-price": _offering(price="Call for price"),
    "thousands": _offering(price="$1,249.50"),
    "number": _offering(price=299.9),
    "unicode": _naming("Büro-PC “青空” 🖥️ Größe ½ – ελληνικά خادم"),
    "title-processor": lambda product: (_without("processor")(product), _naming("Dell with i5-10500")(product))[0],
    "markup": _naming("</script><script>alert('1')</script> O'Brien & Sons"),
}
BROKEN = {
    "malformed": '<!doctype html><title>Offer</title><script type=\'application/ld+json\'>{"name": "cut o',
    "empty": "",
    "no-product": "<!doctype html><title>Offer</title><p>This item is no longer listed.</p>",
}
STATUSES = {"failing": 503, "gone": 404, "forbidden": 403}


def page(path: str, seed: int) -> tuple[int, str]:
    """Status and text of what is at a path."""
    kind = path.strip("/").partition("/")[0]
    if kind in BROKEN:
        return 200, BROKEN[kind]
    if kind not in SHOWN:
        return STATUSES.get(kind, 404), "<!doctype html><title>Sorry</title>"
    shown = product(path, seed)
    SHOWN[kind](shown)
    # As JSON stands in a page: no text in it ends the script.
    data = json.dumps(shown, ensure_ascii=False).replace("<", "\\u003c")
    title, kind = escape(shown["name"]), "application/ld+json"
    return (
        200,
        f"<!doctype html><title>{title}</title><script type='{kind}'>{data}</script><h1>{title}</h1>",
    )
