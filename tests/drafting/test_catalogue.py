"""The catalogue's files are whole: what a draft takes from them is accepted in a parameter file, and has its source."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

import pytest

from dsaudit.drafting import provider, words
from dsaudit.parameters.resource import Resource
from dsaudit.parameters.source import Source

KEYS = sorted(path.stem for path in provider.FOLDER.glob("*.yml"))


def test_three_providers_are_known() -> None:
    assert KEYS == ["quickbooks", "shopify", "stripe"]


@pytest.mark.parametrize("key", KEYS)
def test_a_providers_facts_are_accepted_in_a_parameter_file(key: str) -> None:
    facts = provider.load(key)
    Source.model_validate({"kind": "rest", "base_url": facts.facts["base_url"], **facts.source})
    names = {"read", "count", "scope", "webhooks", "no_webhooks", "never", "known"}
    for name, one in facts.resources.items():
        Resource.model_validate({"table": name, **{key: value for key, value in one.items() if key in names}})
        assert set(one) <= {*names, "of", "id", "created"}, name
        assert bool(one.get("webhooks")) != bool(one.get("no_webhooks")), f"{name}: its topics, or why it has none"


@pytest.mark.parametrize("key", KEYS)
def test_each_kind_of_fact_names_its_source_and_what_is_from_memory_is_there(key: str) -> None:
    facts = provider.load(key)
    used = {name for one in facts.resources.values() for name in one} & {"read", "count", "scope", "webhooks", "known"}
    sources = facts.facts["sources"]
    assert used - {"count"} <= set(sources) and "source" in sources
    assert all(re.fullmatch(r"https://\S+", link) for link in sources.values())
    paths = [f"{name}.{key}" for name, one in facts.resources.items() for key in one]
    paths += [f"source.{key}" for key in facts.source]
    paths += [f"{name}.known.{key}" for name, one in facts.resources.items() for key in one.get("known", {})]
    for pattern in facts.facts["from_memory"]:
        assert any(fnmatchcase(path, pattern) for path in paths), pattern


def test_no_topic_belongs_to_two_resources() -> None:
    for key in KEYS:
        topics = [topic for one in provider.load(key).resources.values() for topic in one.get("webhooks", ())]
        assert len(topics) == len(set(topics)), key


def test_topics_are_given_to_the_resource_that_they_speak_of() -> None:
    found = provider.load("shopify").topics(["order_transactions/create", "orders/paid", "app/uninstalled"])
    assert found["transaction"] == ["order_transactions/create"]
    assert found["order"] == ["orders/paid"]


@pytest.mark.parametrize(
    ("name", "one"),
    [
        ("ShopifyLineItems", "line_item"),
        ("shopify_refund_line_item", "refund_line_item"),
        ("shopify_addresses", "address"),
        ("shopify_inventories", "inventory"),
        ("shopifyTaxes", "tax"),
        ("shopify_status", "status"),
    ],
)
def test_names_become_words(name: str, one: str) -> None:
    assert words.one(name, "shopify") == one
