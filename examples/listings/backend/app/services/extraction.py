"""Reads a marketplace's page: the product that it describes, as far as it does."""

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import httpx

from app.core.config import get_settings

ATTEMPTS = 2
CONDITIONS = {"NewCondition": "new", "RefurbishedCondition": "refurb", "UsedCondition": "used"}
AMOUNT = re.compile(r"\$?\s*(\d{1,3}(?:,\d{3})+|\d{1,8})(\.\d{1,2})?")


class ExtractionError(Exception):
    """The page cannot be had or read after some attempts; the message is for who asked for the import."""

    def __init__(self, message: str, attempts: int) -> None:
        super().__init__(message)
        self.attempts = attempts


@dataclass(frozen=True)
class Product:
    title: str
    price_usd: Decimal | None
    condition: str | None
    processor: str | None
    ram_gb: int | None
    storage_gb: int | None


def fetched(client: httpx.Client, url: str) -> tuple[str, int]:
    """The page, and how many attempts it took."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            page = client.get(url, timeout=get_settings().fetch_seconds)
        except httpx.TimeoutException:
            raise ExtractionError("the page did not come in time", attempt) from None
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError):
            raise ExtractionError("the page cannot be reached", attempt) from None
        if page.status_code == 200:
            return page.text, attempt
        if page.status_code < 500:
            break
    raise ExtractionError(f"the page answered {page.status_code}", attempt)


class _Scripts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag == "script" and ("type", "application/ld+json") in attrs

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.texts.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._inside = False


def product_of(page: str, attempts: int) -> Product:
    """What the page's structured data say of the product."""
    reader = _Scripts()
    reader.feed(page)
    try:
        data = json.loads("".join(reader.texts), parse_float=Decimal)
    except ValueError:
        data = None
    if not isinstance(data, dict) or not isinstance(data.get("name"), str) or not data["name"].strip():
        raise ExtractionError("the page describes no product", attempts)
    offer = data.get("offers") if isinstance(data.get("offers"), dict) else {}
    return Product(
        title=data["name"].strip(),
        price_usd=_dollars(offer),
        condition=CONDITIONS.get(str(offer.get("itemCondition", "")).rpartition("/")[2]),
        processor=data["processor"] if isinstance(data.get("processor"), str) else None,
        ram_gb=_size(data.get("ram_gb")),
        storage_gb=_size(data.get("storage_gb")),
    )


def _dollars(offer: dict[str, Any]) -> Decimal | None:
    """The price, if it is one, in dollars; another currency is not converted, and 0 is what nobody has set."""
    match = AMOUNT.fullmatch(str(offer.get("price", "")).strip())
    if match is None or offer.get("priceCurrency") != "USD":
        return None
    return Decimal(match[1].replace(",", "") + (match[2] or "")) or None


def _size(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31 else None
