"""How the provider writes money, instants and ids."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from .catalogue import Shop

DECIMALS = {"USD": 2, "JPY": 0, "KWD": 3}

_KINDS = (
    "order",
    "line_item",
    "shipping_line",
    "customer",
    "address",
    "product",
    "variant",
    "option",
    "image",
    "inventory_item",
    "inventory_level",
    "location",
    "refund",
    "refund_line_item",
    "transaction",
    "fulfillment",
    "draft_order",
    "draft_line_item",
    "payout",
    "balance_transaction",
    "dispute",
    "gift_card",
    "webhook",
)
_KIND_NUMBERS = {kind: number for number, kind in enumerate(_KINDS, start=1)}
_ROOM = 100_000_000_000
_LOW = 4_000_000_000_000
# Neighbours just above 2**53 are one number to whoever reads them as floating point; 2**63 - 1 is the end of bigint.
_HIGH = (2**53, 2**63 - 100 * _ROOM)


def money(minor: int, currency: str) -> str:
    """The decimal string of an amount in minor units: 1234 is 12.34 USD, 1234 JPY and 1.234 KWD."""
    places = DECIMALS[currency]
    if not places:
        return str(minor)
    sign = "-" if minor < 0 else ""
    digits = str(abs(minor)).rjust(places + 1, "0")
    return f"{sign}{digits[:-places]}.{digits[-places:]}"


def minor_units(amount: str) -> int:
    """The amount in minor units; a string of money() always has the places of its currency."""
    return int(amount.replace(".", ""))


def instant(seconds: int, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(seconds, zone).isoformat()


def seconds_of(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


class Ids:
    """Hands out ids that are unique over all shops and kinds; every seventh is above 2**53."""

    def __init__(self, used: Mapping[str, int] | None = None) -> None:
        self.used = Counter(used or {})

    def next(self, shop: Shop, kind: str) -> int:
        name = f"{shop.name} {kind}"
        count = self.used[name]
        self.used[name] = count + 1
        base = (_KIND_NUMBERS[kind] * len(_HIGH) + shop.number) * _ROOM
        if count % 7 == 6:
            return _HIGH[shop.number] + base + count // 7
        return _LOW + base + 1009 * count
