"""What the provider could announce of each resource, and what is advised of each topic."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dsaudit.documents.webhook_analysis import _figures
from dsaudit.facts import offers
from dsaudit.facts.coverage import _available
from dsaudit.facts.topics import Topic
from dsaudit.functions.offers import (
    available_changes_are_wanted,
    wanted_topics_exist,
    what_is_ruled_out_has_no_topic,
)
from dsaudit.parameters import load

PROVIDER = """
name: Acme
resources: {member: {topics: members}, coupon: {topics: coupons}}
topics:
  members:
    {create: [member.created], update: [member.updated, member.renamed], end: [member.left], other: [member.seen]}
  coupons: {impact: high, create: [coupon.created], delete: [coupon.deleted]}
"""
FILE = """
integration: shop
database: {url_env: SHOP_URL}
provider: parameters/acme.yml
resources:
  member: {table: member, webhooks: [member.created, member.updated]}
  coupon: {table: coupon, no_webhooks: the provider has no topic}
  page: {table: page, no_webhooks: the provider has no topic}
  line: {table: line, nested: {in: member, at: lines}}
"""


@pytest.fixture
def audit(tmp_path: Path) -> Any:
    """An audit as far as these facts need one: the parameter file beside the provider's."""
    folder = tmp_path / "parameters"
    folder.mkdir()
    (folder / "acme.yml").write_text(PROVIDER, encoding="utf-8")
    (folder / "shop.yml").write_text(FILE, encoding="utf-8")
    return SimpleNamespace(parameters=load(folder / "shop.yml"), kept={})


def changed(audit: Any, old: str, new: str) -> Any:
    path = audit.parameters.path
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    return SimpleNamespace(parameters=load(path), kept={})


def test_each_topic_is_added_kept_or_skipped_and_what_has_none_is_polled(audit: Any) -> None:
    found = [(one.resource, one.topic, one.advice, one.why) for one in offers.advised(audit)]
    ruled_out = "nothing tells of this change; the file says: the provider has no topic"
    assert found == [
        ("coupon", "coupon.created", "add", ruled_out),
        ("coupon", "coupon.deleted", "add", ruled_out),
        ("member", "member.created", "keep", "it tells of a change"),
        ("member", "member.updated", "keep", "it tells of a change"),
        ("page", "", "keep", "the provider has no topic"),
        ("line", "", "keep", "each topic of member carries it"),
        ("member", "member.renamed", "skip", "member.updated tells the same"),
        ("member", "member.left", "skip", "member.updated tells of that state too"),
        ("member", "member.seen", "skip", "the catalogue counts it as none of creation, update and deletion"),
    ]


def test_a_topic_that_tells_of_one_way_of_being_created_does_not_stand_for_another(audit: Any) -> None:
    path = audit.parameters.path.parent / "acme.yml"
    text = path.read_text(encoding="utf-8").replace("member.created", "member.joined, member.invited")
    path.write_text(text, encoding="utf-8")
    advice = offers.advised(changed(audit, "member.created", "member.joined"))
    found = {one.topic: (one.advice, one.why) for one in advice}
    assert found["member.joined"][0] == "keep"
    assert found["member.invited"] == ("add", "member.joined need not tell of it")


def test_an_advice_says_what_brings_the_change_today(audit: Any) -> None:
    found = {(one.resource, one.topic): (one.now, one.impact, one.documented) for one in offers.advised(audit)}
    assert found["coupon", "coupon.created"] == ("polled", "high", "")
    assert found["member", "member.renamed"] == ("member.updated", "low", "")
    assert found["page", ""] == ("polled", "", "not known")
    assert found["line", ""] == ("with member", "low", "not known")


def test_the_share_of_wanted_changes_and_what_is_ruled_out_wrongly(audit: Any) -> None:
    rows, examined = available_changes_are_wanted(audit)
    assert examined.to_dict("records")[0]["value"] == 50
    assert [tuple(row) for row in rows[["resource", "action"]].to_numpy()] == [
        ("coupon", "create"),
        ("coupon", "delete"),
    ]
    rows, _ = what_is_ruled_out_has_no_topic(audit)
    assert rows["topics"].tolist() == ["coupon.created", "coupon.deleted"]
    never = changed(audit, "member.updated]", "member.updated], never: {create: it is made by us}")
    assert what_is_ruled_out_has_no_topic(never)[0]["resource"].tolist() == ["member", "coupon", "coupon"]


def test_a_topic_that_the_provider_does_not_have_is_named_with_a_hint(audit: Any) -> None:
    rows, examined = wanted_topics_exist(audit)
    assert rows.empty and examined["examined"].tolist() == [2]
    rows, _ = wanted_topics_exist(changed(audit, "member.updated]", "member.update]"))
    assert rows.to_dict("records") == [
        {"topic": "member.update", "named_in": "member", "hint": "did you mean member.updated?"}
    ]


@pytest.mark.parametrize(
    ("facts", "read", "reason"),
    [
        ("as_of: 2025-06-01", "", "was last held against the provider's pages on 2025-06-01"),
        ("version: v2, prefix: 'api/{version}/'", "api/v3/members", "is of version v2, where the file reads v3"),
        ("as_of: 2026-06-01", "", None),
        ("version: v2, prefix: 'api/{version}/'", "api/v2/members", None),
        ("version: v2, prefix: 'api/{version}/'", "members", None),
    ],
)
def test_a_catalogue_that_is_old_or_of_another_version_reproaches_no_topic(
    facts: str, read: str, reason: str | None, audit: Any
) -> None:
    own = audit.parameters.path.with_name("acme.yml")
    own.write_text(f"{facts.replace(', ', chr(10))}\n{PROVIDER}", encoding="utf-8")
    wanting = changed(audit, "member.updated]", f"member.update]{f', read: {read}' if read else ''}")
    rows, examined = wanted_topics_exist(SimpleNamespace(**vars(wanting), instant="2026-11-26T10:00:00+00:00"))
    assert rows.empty is bool(reason)
    told = f"the catalogue has no member.update, and {reason}" if reason else None
    assert examined["reason"].tolist() == [told]


COUPON = "coupon: {table: coupon, no_webhooks: the provider has no topic}"
RICHER = """
name: Acme
version: v2
prefix: api/{version}/
added: {2026-03-01: [coupon.created, page], 2026-08-01: [member.renamed]}
spellings: [{form: "{object}_{change}", case: upper, since: 2026-06-01}]
resources:
  member: {read: members, topics: members}
  coupon: {read: coupons, scope: [read_coupons], topics: coupons}
  voucher: {read: vouchers, impact: medium, no_webhooks: polled by all}
  page: {read: pages, no_webhooks: polled by all}
topics:
  members:
    {create: [member.created], update: [member.updated, member.renamed], end: [member.left], other: [member.seen]}
  coupons: {impact: high, create: [coupon.created], delete: [coupon.deleted]}
  prizes: {scopes: [read_prizes], create: [prize.created]}
"""


def richer(audit: Any, *changes: tuple[str, str]) -> Any:
    audit.parameters.path.with_name("acme.yml").write_text(RICHER, encoding="utf-8")
    for old, new in changes:
        audit = changed(audit, old, new)
    return SimpleNamespace(parameters=load(audit.parameters.path), kept={})


def test_what_only_the_catalogue_or_only_the_file_has_is_told_with_what_it_needs(audit: Any) -> None:
    audit = richer(audit, (f"  {COUPON}\n", ""), ("page:", "leaf:"))
    topics = "coupon.created, coupon.deleted"
    assert offers.unmet(audit) == [
        offers.Unmet("leaf", "alone"),
        offers.Unmet("coupon", "no", "high", "read_coupons", "coupons", topics),
        offers.Unmet("voucher", "no", "medium", "", "vouchers", "none: polled by all"),
        offers.Unmet("page", "no", "low", "", "pages", "none: polled by all"),
        offers.Unmet("prize", "no", "low", "read_prizes", "", "prize.created"),
    ]


def test_a_resource_of_another_name_that_wants_its_topics_is_declared(audit: Any) -> None:
    audit = richer(
        audit,
        (
            "coupon: {table: coupon, no_webhooks: the provider has no topic}",
            "gift: {table: c, webhooks: COUPON_CREATED}",
        ),
    )
    assert [one.resource for one in offers.unmet(audit)] == ["voucher", "prize"]
    assert offers.unmet(changed(audit, "acme.yml", "acne.yml")) == []


def test_a_resource_without_topics_is_rated_by_the_catalogue_and_a_nested_one_by_its_parent(audit: Any) -> None:
    audit = richer(audit, ("  page:", "  voucher: {table: v, no_webhooks: polled by all}\n  leaf: {table: l}\n  page:"))
    rated = {one.resource: one.impact for one in offers.advised(audit) if not one.topic}
    assert rated == {"voucher": "medium", "page": "low", "line": "low", "leaf": ""}


def test_what_came_since_the_last_look_is_told(audit: Any) -> None:
    assert offers.news(richer(audit)) == []
    audit = changed(audit, "provider:", "provider_reviewed: 2026-03-01\nprovider:")
    assert [(one.since.isoformat(), one.new, one.what, one.resource, one.wanted) for one in offers.news(audit)] == [
        ("2026-06-01", "{object}_{change}", "way of writing the topics", "all", False),
        ("2026-08-01", "member.renamed", "topic", "member", False),
    ]
    audit = changed(audit, "2026-03-01", "2026-02-28")
    assert [one.new for one in offers.news(audit)][:2] == ["coupon.created", "page"]


def test_the_matrix_tells_how_the_catalogue_knows_each_resource(audit: Any) -> None:
    audit = richer(
        audit, ("  page: {table: page,", "  prize: {table: p, webhooks: [prize.created]}\n  leaf: {table: page,")
    )
    told = {name: _available(audit, name, one) for name, one in audit.parameters.resources.items()}
    assert told == {
        "member": ("covered", "list"),
        "coupon": ("covered", "list"),
        "prize": ("covered", "1 topic"),
        "leaf": ("unasked", "not in the catalogue"),
        "line": ("parent", "in member"),
    }


def test_without_the_providers_file_nothing_is_known(audit: Any) -> None:
    lost = changed(audit, "acme.yml", "acne.yml")
    for check in (available_changes_are_wanted, what_is_ruled_out_has_no_topic, wanted_topics_exist):
        rows, examined = check(lost)
        assert rows.empty and str(examined["reason"].iloc[0]).startswith("there is no file ")


def test_tenants_whose_subscriptions_are_not_known_are_counted(audit: Any) -> None:
    def share(registered: tuple[str, ...]) -> str:
        one = Topic("member.created", "member", "member", "", None, registered, (), (), (), ())
        tenants = SimpleNamespace(tenant_names=["a", "b"], policy=audit.parameters.policy)
        return next(_figures(SimpleNamespace(parameters=tenants, kept={"topics": [one], "offers": {}})))[1]  # type: ignore[arg-type]

    assert [share(("a", "b")), share(("a",)), share(())] == [
        "2 of 2 (100 %)",
        "1 of 1 (100 %), 1 not known",
        "not known",
    ]
