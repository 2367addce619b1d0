"""The odd orders that every shop has among its first ones, whatever the seed."""

from datetime import datetime
from typing import Any

from ..catalogue import Shop
from ..texts import LONG_NOTE, ODD_TEXTS


def _clock(shop: Shop, text: str, fold: int = 0) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=shop.zone, fold=fold).timestamp())


def odd_plans(shop: Shop) -> list[dict[str, Any]]:
    """What makes each odd order odd, as changes to an ordinary plan; `state` is what becomes of it."""
    return [
        {"at": _clock(shop, "2024-02-29T23:59:59"), "lines": 40},
        {"at": _clock(shop, "2025-11-02T01:30:00"), "currency": "JPY", "state": "paid"},
        {"at": _clock(shop, "2025-11-02T01:30:00", fold=1), "currency": "KWD", "state": "paid"},
        {"at": _clock(shop, "2026-03-08T01:59:59"), "note": LONG_NOTE},
        {"at": _clock(shop, "2026-03-08T03:00:00"), "customer": None},
        {"free": True, "state": "free"},
        {"test": True, "state": "paid"},
        {"state": "cancelled"},
        {"state": "closed"},
        {"state": "refunded", "lines": 2},
        {"state": "partially_refunded", "lines": 3, "currency": "KWD"},
        {"blank": True, "state": "pending"},
        {"presentment": "KWD", "note": ODD_TEXTS[3]},
        {"ships": False, "note": ODD_TEXTS[4], "tags": ", ".join(("naïve", "<b>", "=1+1", "ώ"))},
        {"state": "authorized", "presentment": "JPY", "note": ODD_TEXTS[9]},
    ]
