"""The catalogue's files are whole: a parameter file takes what is drafted from them, and each fact has its source."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from dsaudit import catalogue, naming
from dsaudit.drafting.code import Told
from dsaudit.drafting.draft import Draft
from dsaudit.drafting.refined import Refined
from dsaudit.drafting.resources import _put_scope
from dsaudit.facts.webhooks import tells
from dsaudit.parameters.resource import Resource
from dsaudit.parameters.source import Source

KEYS = catalogue.known()
# Digests of the sets of topics and scopes as they were collected from the providers' own lists.
TOPICS = {
    "quickbooks": (101, "27c983e092a6c03e6425c3e6c7aaf12e6b7038a5980a68d95cfcf7067c4972ce"),
    "shopify": (218, "5d9d1a9988b8bded085916c23502195fe3537c5ef180336aa2947dff06d905f2"),
    "stripe": (275, "4d41b9ae84a3f2c10b0565536cc52300cf0368b843307a6b663e6f0980aea4c8"),
}
SCOPES = {
    "quickbooks": (10, "a30b8ce81b2fa91b5127cede0f994b940aeb4ecfe2143a1f8c244ac1dfcc10dd"),
    "shopify": (37, "b59ebd070cca4344350e91c175d1f88242cc86661a7e0cb948e23ea6cc1c4267"),
}


def digest(names: Iterable[str]) -> tuple[int, str]:
    listed = sorted(set(names))
    return len(listed), hashlib.sha256("\n".join(listed).encode()).hexdigest()


def test_three_providers_are_known() -> None:
    assert KEYS == ["quickbooks", "shopify", "stripe"]


@pytest.mark.parametrize("key", KEYS)
def test_a_file_has_all_topics_and_scopes_that_the_provider_lists(key: str) -> None:
    facts = catalogue.load(key)
    assert digest(topic for one in facts.topics.values() for topic in one.all) == TOPICS[key]
    # Those that no topic needs were collected besides, where some are needed by topics.
    needed = {scope for one in facts.topics.values() for scope in one.scopes}
    assert digest(needed or facts.scopes) == SCOPES.get(key, digest([]))


@pytest.mark.parametrize("key", KEYS)
def test_a_providers_facts_are_accepted_in_a_parameter_file(key: str) -> None:
    facts = catalogue.load(key)
    Source.model_validate({"kind": "rest", "base_url": facts.base_url, **facts.source})
    for name, one in facts.resources.items():
        given = one.model_dump(include={"read", "count", "scope", "no_webhooks", "never", "known"}, exclude_unset=True)
        webhooks = facts.webhooks(name)
        Resource.model_validate({"table": name, **given, **({"webhooks": webhooks} if webhooks else {})})


@pytest.mark.parametrize("key", KEYS)
def test_each_kind_of_fact_names_its_source_and_what_is_from_memory_is_there(key: str) -> None:
    facts = catalogue.load(key)
    used = {name for one in facts.resources.values() for name in one.model_fields_set}
    used = used & {"read", "scope", "topics", "known", "hides"} | {"source", "signature", "delivery"}
    used |= facts.model_fields_set & {"includes", "untold", "spellings", "added"}
    assert used <= set(facts.sources)
    assert all(re.fullmatch(r"https://\S+", link) for link in facts.sources.values())
    paths = [f"{name}.{field}" for name, one in facts.resources.items() for field in one.model_fields_set]
    paths += [*facts.model_fields_set, *(f"source.{field}" for field in facts.source)]
    paths += [f"delivery.{field}" for field in facts.delivery.model_fields_set]
    paths += [f"{name}.known.{field}" for name, one in facts.resources.items() for field in one.known]
    for pattern in facts.from_memory:
        assert any(fnmatchcase(path, pattern) for path in paths), pattern


def test_topics_are_given_to_the_resource_that_they_speak_of() -> None:
    found = catalogue.load("shopify").grouped(
        ["order_transactions/create", "orders/paid", "orders/new", "app/uninstalled"]
    )
    assert found == {
        "transaction": ["order_transactions/create"],
        "order": ["orders/paid", "orders/new"],
        "app": ["app/uninstalled"],
    }
    assert catalogue.load("stripe").grouped(["charge.dispute.created", "charge.updated"]) == {
        "dispute": ["charge.dispute.created"],
        "charge": ["charge.updated"],
    }


# One of each kind, and where the names are made up of several words; QuickBooks' are those of its own pages.
WRITTEN = {
    ("quickbooks", "Account.Create"): "qbo.account.created.v1",
    ("quickbooks", "Customer.Merge"): "qbo.customer.merged.v1",
    ("quickbooks", "SalesReceipt.Update"): "qbo.salesreceipt.updated.v1",
    ("quickbooks", "CreditMemo.Void"): "qbo.creditmemo.voided.v1",
    ("quickbooks", "Bill.Delete"): "qbo.bill.deleted.v1",
    ("quickbooks", "Estimate.Emailed"): "qbo.estimate.emailed.v1",
    ("shopify", "orders/updated"): "ORDERS_UPDATED",
    ("shopify", "fulfillment_orders/placed_on_hold"): "FULFILLMENT_ORDERS_PLACED_ON_HOLD",
}


@pytest.mark.parametrize(("key", "topic"), WRITTEN)
def test_a_topic_is_known_however_it_is_written(key: str, topic: str) -> None:
    facts, other = catalogue.load(key), WRITTEN[key, topic]
    assert facts.written(topic) == [topic, other]
    assert facts.written(other) == [other, topic]
    assert facts.named(other) == facts.named(topic) == topic
    in_theirs = facts.written_as([other])
    assert in_theirs.named(topic) == in_theirs.named(other) == other
    assert facts.grouped([topic]).keys() == in_theirs.grouped([other]).keys()
    assert sum(len(one.all) for one in in_theirs.topics.values()) == TOPICS[key][0]


@pytest.mark.parametrize("key", KEYS)
def test_no_two_topics_are_written_alike(key: str) -> None:
    facts = catalogue.load(key)
    topics = [topic for one in facts.topics.values() for topic in one.all]
    assert len({one for topic in topics for one in facts.written(topic)}) == len(topics) * (1 + len(facts.spellings))


@pytest.mark.parametrize("form", ["{objekt}/{change}", "{object/{change}", "x", "{object}", "{object}{change}{}"])
def test_a_spelling_that_cannot_tell_topics_apart_is_refused(form: str, tmp_path: Path) -> None:
    path = tmp_path / "acme.yml"
    path.write_text(f"name: Acme\nspellings: [{{form: '{form}'}}]\n", encoding="utf-8")
    with pytest.raises(catalogue.ProviderError, match=r"has to hold \{object\} and \{change\}, and no other place"):
        catalogue.load(str(path))


@pytest.mark.parametrize(
    ("key", "topic", "kind"),
    [
        ("stripe", "charge.succeeded", "create"),  # its last word says nothing of it
        ("shopify", "orders/paid", None),
        ("shopify", "orders/updated", "update"),
        (None, "order.created", "create"),
        (None, "order.shipped", None),
    ],
)
def test_what_a_topic_tells_is_known_from_the_catalogue_before_its_last_word(
    key: str | None, topic: str, kind: str | None
) -> None:
    audit: Any = SimpleNamespace(kept={"provider": (catalogue.load(key), None)})
    assert tells(audit, topic) == kind


def test_a_topic_that_is_not_known_has_its_own_name_alone() -> None:
    facts = catalogue.load("shopify")
    assert facts.written("orders/shipped") == ["orders/shipped"]
    assert facts.named("orders/shipped") == "orders/shipped"


@pytest.mark.parametrize(
    ("key", "given", "wanted", "by"),
    [
        ("shopify", ["read_orders"], "read_orders", "read_orders"),
        ("shopify", ["write_orders"], "read_orders", "write_orders"),
        ("shopify", ["read_orders"], "write_orders", None),
        ("shopify", ["write_orders"], "read_all_orders", None),
        ("quickbooks", ["write_orders"], "read_orders", None),
        ("quickbooks", ["com.intuit.quickbooks.accounting"], "com.intuit.quickbooks.payment", None),
    ],
)
def test_which_scope_includes_another_is_the_providers_rule(
    key: str, given: list[str], wanted: str, by: str | None
) -> None:
    assert catalogue.load(key).holds(given, wanted) == by


def test_the_scope_for_older_records_is_drafted_though_the_code_does_not_ask_for_it() -> None:
    draft, told, facts = Draft(), Told(scopes=("SCOPES", ["read_orders", "read_products"])), catalogue.load("shopify")
    for name in ("order", "customer"):
        one = cast(Refined, SimpleNamespace(name=name))
        _put_scope(draft, f"resources.{name}", one, facts.resource(name), told, facts)
    assert draft.value("resources.order.scope") == ["read_orders", "read_all_orders"]
    assert not draft.value("resources.customer.scope")


OWN = """
name: Acme
base_url: https://api.acme.example
resources: {member: {read: members, topics: members}}
topics:
  members: {create: [member.created]}
"""


def test_a_provider_of_ones_own_is_one_more_file(tmp_path: Path) -> None:
    path = tmp_path / "acme.yml"
    path.write_text(OWN, encoding="utf-8")
    facts = catalogue.load(str(path))
    assert (facts.key, facts.name, facts.webhooks("member")) == ("acme", "Acme", ["member.created"])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("read: members", "raed: members", "acme.yml:4:22: resources.member.raed: unknown key; did you mean read?"),
        ("topics: members", "topics: member", "acme.yml:4:37: resources.member.topics: there is no member under"),
        (", topics: members", "", "acme.yml:4:13: resources.member: name its topics, or say under no_webhooks"),
        ("[member.created]", "[a.b, a.b]", "acme.yml:6:3: topics.members: a.b stands under members already"),
        (
            "name: Acme",
            "name: Acme\nadded: {2026-01-01: [left]}",
            "acme.yml:3:9: added.2026-01-01: there is no resource",
        ),
        ("name: Acme", "name: [", "not YAML"),
    ],
)
def test_a_mistake_in_a_file_is_named_with_its_place(old: str, new: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "acme.yml"
    path.write_text(OWN.replace(old, new), encoding="utf-8")
    with pytest.raises(catalogue.ProviderError, match=re.escape(said)):
        catalogue.load(str(path))


def test_a_file_that_is_missing_or_empty_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "acme.yml").write_text("", encoding="utf-8")
    for name, words in (("acme.yml", "1:1: the file is empty"), ("other.yml", "there is no file .*other.yml")):
        with pytest.raises(catalogue.ProviderError, match=words):
            catalogue.load(str(tmp_path / name))


def test_a_provider_that_is_not_there_is_told_with_what_could_be_meant() -> None:
    with pytest.raises(catalogue.ProviderError, match=r"no provider shopfy, .*; did you mean shopify\?"):
        catalogue.load("shopfy")


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
    assert naming.one(name, "shopify") == one
