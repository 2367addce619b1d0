"""What is read of a marketplace's page, and what is said of one that cannot be read."""

import json
import unittest
from decimal import Decimal
from unittest import mock

import httpx
from app.services import extraction


def page(**product: object) -> str:
    data = json.dumps({"name": " Dell OptiPlex ", **product})
    return f'<script>no data</script><script type="application/ld+json">{data}</script>'


def offer(price: object, currency: str = "USD") -> str:
    return page(offers={"price": price, "priceCurrency": currency, "itemCondition": "https://schema.org/UsedCondition"})


class Products(unittest.TestCase):
    def test_a_whole_page_is_read(self) -> None:
        found = extraction.product_of(page(processor="i5-10500", ram_gb=16, storage_gb=512), 1)
        expected = extraction.Product("Dell OptiPlex", None, None, "i5-10500", 16, 512)
        self.assertEqual(found, expected)

    def test_prices_are_read_in_dollars_alone(self) -> None:
        read = {"299.99": Decimal("299.99"), "$1,299": Decimal(1299), 0: None, "ask": None}
        for price, expected in read.items():
            with self.subTest(price=price):
                self.assertEqual(extraction.product_of(offer(price), 1).price_usd, expected)
        self.assertIsNone(extraction.product_of(offer("299.99", "EUR"), 1).price_usd)
        self.assertEqual(extraction.product_of(offer("1"), 1).condition, "used")

    def test_a_page_without_a_product_is_refused(self) -> None:
        for text in ("", page(name=" "), "<script type='application/ld+json'>{</script>"):
            with self.subTest(text=text), self.assertRaisesRegex(extraction.ExtractionError, "describes no product"):
                extraction.product_of(text, 1)

    def test_a_size_is_a_whole_number(self) -> None:
        self.assertIsNone(extraction.product_of(page(ram_gb="16", storage_gb=True), 1).ram_gb)


class Fetching(unittest.TestCase):
    def setUp(self) -> None:
        settings = {"LISTINGS_DATABASE_URL": "", "LISTINGS_API_TOKEN": ""}
        self.enterContext(mock.patch.dict("os.environ", settings))
        self.addCleanup(extraction.get_settings.cache_clear)

    def fetched(self, *answers: int | Exception) -> tuple[str, int]:
        waiting = iter(answers)

        def answer(request: httpx.Request) -> httpx.Response:
            one = next(waiting)
            if isinstance(one, Exception):
                raise one
            return httpx.Response(one, text="page")

        with httpx.Client(transport=httpx.MockTransport(answer)) as client:
            return extraction.fetched(client, "http://market/1")

    def test_a_page_that_fails_is_asked_for_again(self) -> None:
        self.assertEqual(self.fetched(200), ("page", 1))
        self.assertEqual(self.fetched(503, 200), ("page", 2))

    def test_what_cannot_be_had_is_told_with_its_attempts(self) -> None:
        told = {"answered 404": (404,), "answered 503": (503, 503), "not come in time": (httpx.ReadTimeout("late"),),
                "cannot be reached": (httpx.ConnectError("refused"),)}  # fmt: skip
        for words, answers in told.items():
            with self.subTest(words), self.assertRaisesRegex(extraction.ExtractionError, words) as caught:
                self.fetched(*answers)
            self.assertEqual(caught.exception.attempts, len(answers))
