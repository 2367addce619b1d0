"""What a listing is worth, once everything is known that it takes."""

from decimal import ROUND_HALF_UP, Decimal

from app.models import Cpu, Listing

# What memory and storage would cost by themselves, in dollars a gigabyte.
RAM = Decimal("1.50")
STORAGE = Decimal("0.04")
# The share of the price that is left for the rest, and the dollars for a point of its processor's benchmark.
DEALS = ((Decimal("0.7"), "great_deal"), (Decimal("0.9"), "good_deal"))
PERFORMANCE = ((Decimal("0.02"), "excellent"), (Decimal("0.05"), "good"))


def calculate(listing: Listing, cpu: Cpu | None) -> None:
    """Set the listing's metrics. It has a price."""
    price = listing.price_usd
    assert price is not None
    adjusted = max(Decimal(0), price - RAM * (listing.ram_gb or 0) - STORAGE * (listing.storage_gb or 0))
    listing.adjusted_price_usd = _rounded(adjusted, 2)
    listing.adjusted_deal_rating = _rated(listing.adjusted_price_usd / price, DEALS, "premium")
    if cpu is not None and cpu.cpu_mark:
        listing.price_per_cpu_mark = _rounded(listing.adjusted_price_usd / cpu.cpu_mark, 6)
        listing.cpu_price_performance_rating = _rated(listing.price_per_cpu_mark, PERFORMANCE, "poor")


def _rounded(value: Decimal, places: int) -> Decimal:
    """As PostgreSQL rounds: away from zero where it is half-way."""
    return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def _rated(value: Decimal, limits: tuple[tuple[Decimal, str], ...], otherwise: str) -> str:
    return next((rating for limit, rating in limits if value <= limit), otherwise)
