"""What a listing is worth: the figures that the deals of the week are chosen by."""

import unittest
from decimal import Decimal

from app.models import Cpu, Listing
from app.services import deal_metrics

I5 = Cpu(id=1, name="Intel Core i5-10500", cpu_mark=13048)


def valued(price: str, cpu: Cpu | None = I5, ram_gb: int | None = 16, storage_gb: int | None = 512) -> Listing:
    listing = Listing(title="Dell", price_usd=Decimal(price), ram_gb=ram_gb, storage_gb=storage_gb)
    deal_metrics.calculate(listing, cpu)
    return listing


class DealMetrics(unittest.TestCase):
    def test_memory_and_storage_are_taken_off_the_price(self) -> None:
        self.assertEqual(valued("399.99").adjusted_price_usd, Decimal("355.51"))
        self.assertEqual(valued("399.99", ram_gb=None, storage_gb=None).adjusted_price_usd, Decimal("399.99"))

    def test_no_listing_is_worth_less_than_nothing(self) -> None:
        self.assertEqual(valued("10", ram_gb=64).adjusted_price_usd, 0)

    def test_a_point_of_the_benchmark_has_its_price(self) -> None:
        self.assertEqual(valued("399.99").price_per_cpu_mark, Decimal("0.027246"))
        self.assertIsNone(valued("399.99", cpu=None).price_per_cpu_mark)
        self.assertIsNone(valued("399.99", cpu=Cpu(id=2, name="N100")).price_per_cpu_mark)

    def test_what_is_half_way_is_rounded_up(self) -> None:
        self.assertEqual(valued("100.005", ram_gb=None, storage_gb=None).adjusted_price_usd, Decimal("100.01"))

    def test_deals_are_rated_by_their_share_and_their_benchmark(self) -> None:
        rated = {price: valued(price).adjusted_deal_rating for price in ("100", "200", "1000")}
        self.assertEqual(rated, {"100": "great_deal", "200": "good_deal", "1000": "premium"})
        performance = {price: valued(price).cpu_price_performance_rating for price in ("100", "400", "1000")}
        self.assertEqual(performance, {"100": "excellent", "400": "good", "1000": "poor"})
