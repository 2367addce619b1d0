"""What the checks of webhooks make of odd input: other providers' lists, lists that are not known, unread code."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from dsaudit import plots
from dsaudit.facts import webhooks
from dsaudit.verdict import Status, Verdict
from dsaudit.wording import shown
from tests.checks.auditing import opened, told, verdicts
from tests.ledger import Ledger

ADDRESS = "https://ledger.example/hooks"


@pytest.mark.parametrize(
    ("topic", "group", "action"),
    [
        ("orders/create", "orders", "create"),
        ("orders/updated", "orders", "update"),
        ("inventory_levels/connect", "inventory_levels", "create"),
        ("inventory_levels/disconnect", "inventory_levels", "delete"),
        ("orders/paid", "orders", None),
        ("customer.subscription.deleted", "customer.subscription", "delete"),
        ("Customer.Create", "Customer", "create"),
        ("qbo.customer.created.v1", "qbo.customer", "create"),
        ("qbo.invoice.voided.v1", "qbo.invoice", None),
        ("app/uninstalled", "app", None),
        ("ping", "ping", None),
    ],
)
def test_a_topic_tells_of_a_kind_of_change(topic: str, group: str, action: str | None) -> None:
    assert (webhooks.group(topic), webhooks.action(topic)) == (group, action)


def test_an_address_is_shown_without_its_secrets() -> None:
    assert shown("https://user:word@host.example:8443/hooks?token=abc") == "https://host.example:8443/hooks?…"
    assert shown(ADDRESS) == ADDRESS


def subscribed(ledger: Ledger, *entries: dict[str, object]) -> None:
    """Let the provider's list of the north be these entries."""
    lines = [json.dumps(one) for one in entries]
    (ledger.folder / "export" / "north" / "hooks.jsonl").write_text("\n".join(lines), encoding="utf-8")


def judged(ledger: Ledger, check: str) -> Verdict:
    return verdicts(ledger.parameters, ledger.environment, [check])[check]


def topics_found(verdict: Verdict) -> list[object]:
    place = [column["name"] for column in verdict.columns].index("topic")
    return [row[place] for row in verdict.rows]


def of_tenant(verdict: Verdict, tenant: str) -> set[Status]:
    return {result.status for result in verdict.results if result.scope["tenant"] == tenant}


def test_an_endpoint_with_a_list_of_topics_counts_for_each(new_ledger: Callable[..., Ledger]) -> None:
    ledger = new_ledger()
    topics = ["member.created", "member.updated", "member.removed", "invoice.created", "invoice.updated"]
    subscribed(
        ledger,
        {"id": "we_1", "url": ADDRESS, "enabled_events": topics, "status": "enabled"},
        {"id": "we_2", "url": ADDRESS, "enabled_events": ["invoice.removed"], "status": "disabled"},
    )
    verdict = judged(ledger, "wanted_topics_are_registered")
    assert topics_found(verdict) == ["invoice.removed"], told(verdict)
    assert of_tenant(verdict, "south") == {Status.PASS}


def test_a_subscription_to_everything_covers_every_topic(new_ledger: Callable[..., Ledger]) -> None:
    ledger = new_ledger()
    subscribed(ledger, {"url": ADDRESS, "enabled_events": ["*"]})
    found = verdicts(ledger.parameters, ledger.environment, ["wanted_topics_are_registered", "webhook_addresses_right"])
    assert {one.status for one in found.values()} == {Status.PASS}


def test_no_subscription_at_all_is_a_failure_of_every_topic(new_ledger: Callable[..., Ledger]) -> None:
    ledger = new_ledger()
    subscribed(ledger)
    verdict = judged(ledger, "wanted_topics_are_registered")
    assert (verdict.status, len(verdict.rows)) == (Status.FAIL, 6), told(verdict)
    addresses = judged(ledger, "webhook_addresses_right")
    assert of_tenant(addresses, "north") == {Status.INCONCLUSIVE}, told(addresses)


@pytest.mark.parametrize(
    "check", ["wanted_topics_are_registered", "recorded_topics_are_registered", "webhook_addresses_right"]
)
def test_a_list_that_cannot_be_read_is_inconclusive(check: str, new_ledger: Callable[..., Ledger]) -> None:
    ledger = new_ledger()
    (ledger.folder / "export" / "north" / "hooks.jsonl").unlink()
    verdict = judged(ledger, check)
    assert of_tenant(verdict, "north") == {Status.INCONCLUSIVE}, told(verdict)
    assert "list of subscriptions is not known" in str(verdict.results[0].reason)
    assert of_tenant(verdict, "south") == {Status.PASS}


def test_a_topic_that_was_registered_twice_is_judged_by_both_addresses(new_ledger: Callable[..., Ledger]) -> None:
    ledger = new_ledger()
    subscribed(
        ledger,
        {"topic": "member.created", "address": ADDRESS},
        {"topic": "member.created", "address": f"{ADDRESS}/old?key=secret"},
    )
    verdict = judged(ledger, "webhook_addresses_right")
    assert verdict.rows == [["north", "member.created", f"{ADDRESS}/old?…", "not the declared address"]]
    assert sum(result.examined for result in verdict.results) == 2 + 6


def test_outside_development_an_address_is_https(new_ledger: Callable[..., Ledger]) -> None:
    ledger = new_ledger()
    text = ledger.parameters.read_text(encoding="utf-8")
    text = text.replace("address: 'https:", "address: 'https?:") + "environment: staging\n"
    ledger.parameters.write_text(text, encoding="utf-8")
    subscribed(ledger, {"topic": "member.created", "address": ADDRESS.replace("https", "http")})
    verdict = judged(ledger, "webhook_addresses_right")
    assert [row[-1] for row in verdict.rows] == ["not https"]


@pytest.mark.parametrize("kept", ['{"status": "completed"}', '{"topics": "all"}', "null"])
def test_a_record_without_its_topics_is_inconclusive(kept: str, new_ledger: Callable[..., Ledger]) -> None:
    ledger = new_ledger()
    ledger.execute("update ledger.connection set hooks = %s where org = 'N'", kept)
    verdict = judged(ledger, "recorded_topics_are_registered")
    assert of_tenant(verdict, "north") == {Status.INCONCLUSIVE}, told(verdict)


def test_a_record_may_list_its_topics_as_texts(new_ledger: Callable[..., Ledger]) -> None:
    ledger = new_ledger()
    listed = json.dumps({"topics": [f"{kind}.{what}" for kind in ("member", "invoice") for what in ("created", "new")]})
    ledger.execute("update ledger.connection set hooks = %s where org = 'N'", listed)
    verdict = judged(ledger, "recorded_topics_are_registered")
    sides = {(row[1], row[2]) for row in verdict.rows}
    assert ("member.new", "the record") in sides
    assert ("member.updated", "the provider's list") in sides


def test_a_list_that_only_running_the_code_would_tell_is_unresolved(new_ledger: Callable[..., Ledger]) -> None:
    ledger = new_ledger()
    ledger.edit("code/rights.py", "HOOKS = tuple(", "HOOKS = chosen_by_the_tenant(")
    for check in ("wanted_topics_are_in_the_code", "topics_have_handlers", "create_update_delete_covered"):
        verdict = judged(ledger, check)
        assert verdict.status is Status.INCONCLUSIVE, told(verdict)
        assert any("not resolved in the code" in str(result.reason) for result in verdict.results)


def test_a_resource_without_topics_and_without_a_reason_is_a_gap(new_ledger: Callable[..., Ledger]) -> None:
    ledger = new_ledger()
    text = ledger.parameters.read_text(encoding="utf-8")
    text = text.replace("    webhooks: [member.created, member.updated, member.removed]\n", "")
    ledger.parameters.write_text(text, encoding="utf-8")
    verdict = judged(ledger, "create_update_delete_covered")
    assert [row[:2] for row in verdict.rows] == [["member", one] for one in ("create", "update", "delete")]


def test_code_that_takes_no_webhooks_in_is_not_accused_of_not_verifying_them(new_ledger: Callable[..., Ledger]) -> None:
    ledger = new_ledger()
    (ledger.folder / "code" / "receive.py").unlink()
    verdict = judged(ledger, "signature_verified_in_code")
    assert verdict.status is Status.INCONCLUSIVE, told(verdict)
    assert "no function that receives webhooks was found" in str(verdict.results[0].reason)


def test_a_reason_stands_for_a_topic(new_ledger: Callable[..., Ledger]) -> None:
    ledger = new_ledger()
    text = ledger.parameters.read_text(encoding="utf-8")
    text = text.replace(
        "webhooks: [member.created, member.updated, member.removed]",
        "webhooks: [member.created]\n    never: {update: members do not change, delete: members stay}",
    )
    ledger.parameters.write_text(text, encoding="utf-8")
    ledger.edit("code/rights.py", 'for kind in ("member", "invoice")', 'for kind in ("invoice",)')
    verdict = judged(ledger, "create_update_delete_covered")
    assert [row[1] for row in verdict.rows] == ["create"], told(verdict)


def test_the_tables_say_what_is_missing_where(new_ledger: Callable[..., Ledger]) -> None:
    ledger = new_ledger()
    subscribed(ledger, {"topic": "member.created", "address": ADDRESS}, {"topic": "ledger.closed", "address": ADDRESS})
    with opened(ledger.parameters, ledger.environment) as audit:
        assert audit.source.index
        topics = audit.frame("webhook_topics").set_index("topic")
        matrix = audit.frame("webhook_matrix").set_index("resource")
        axes = plots.webhook_matrix(audit.frame("webhook_matrix"))
    assert topics.loc["member.updated", "state"] == "not registered for north"
    assert topics.loc["member.created", "registered_for"] == "all 2 tenants"
    assert topics.loc["ledger.closed", ["registered_for", "handled", "state"]].tolist() == [
        "north",
        "none",
        "no handler",
    ]
    assert topics.loc["invoice.removed", "handled"].startswith("receive.py:")
    assert matrix.loc["member", "update"] == "not registered for north"
    assert matrix.loc["line", "delete"] == "with invoice"
    assert "not registered" in {text.get_text() for text in axes.texts}


OWN_PROVIDER = """
name: Ledger
topics:
  members: {create: [member.created], update: [member.updated], delete: [member.removed]}
  invoices: {create: [invoice.created], update: [invoice.updated], delete: [invoice.removed]}
resources: {member: {topics: members}, invoice: {topics: invoices}}
spellings: [{form: "books.{object}.{change}.v1", case: lower}]
"""
ENDINGS = ("created", "updated", "removed")
OF_CATALOGUE = ("wanted_topics_exist", "available_changes_are_wanted")
OF_TOPICS = (
    *("wanted_topics_are_in_the_code", "topics_have_handlers", "wanted_topics_are_registered", "deliveries_succeed"),
    *("recorded_topics_are_registered", "subscriptions_are_wanted", "create_update_delete_covered"),
    "documents_name_every_topic",
)
OF_LOG = "select resource, count(*) as found from {deliveries} as d group by 1 order by 1"


def spelled(ledger: Ledger) -> None:
    """Let the file write its topics in the provider's other way; code, list, record, log and documents do not."""
    (ledger.folder / "parameters" / "books.yml").write_text(OWN_PROVIDER, encoding="utf-8")
    text = ledger.parameters.read_text(encoding="utf-8")
    for thing in ("member", "invoice"):
        for change in ENDINGS:
            text = text.replace(f"{thing}.{change}", f"books.{thing}.{change}.v1")
    ledger.parameters.write_text(f"provider: parameters/books.yml\n{text}", encoding="utf-8")


def test_a_topic_is_the_same_however_it_is_written(new_ledger: Callable[..., Ledger]) -> None:
    ledger = new_ledger()
    with opened(ledger.parameters, ledger.environment) as audit:
        before = {name: audit.check(name).examined for name in OF_TOPICS}
        log = audit.query(OF_LOG).to_dict("records")
    spelled(ledger)
    found = verdicts(ledger.parameters, ledger.environment, [*OF_TOPICS, *OF_CATALOGUE])
    assert {one.status for one in found.values()} == {Status.PASS}, "\n".join(map(told, found.values()))
    assert {name: found[name].examined for name in OF_TOPICS} == before
    with opened(ledger.parameters, ledger.environment) as audit:
        topics = audit.frame("webhook_topics")
        assert set(zip(topics["state"], topics["available"], strict=True)) == {("registered", "yes")}
        assert audit.query(OF_LOG).to_dict("records") == log
        assert len(log) == 2


def test_a_topic_that_is_missing_is_missing_in_all_its_spellings(new_ledger: Callable[..., Ledger]) -> None:
    ledger = new_ledger()
    spelled(ledger)
    subscribed(ledger, {"id": "we_1", "url": ADDRESS, "enabled_events": ["member.created", "books.member.updated.v1"]})
    found = topics_found(judged(ledger, "wanted_topics_are_registered"))
    assert found == [
        "books.member.removed.v1",
        *(f"books.invoice.{one}.v1" for one in ("created", "updated", "removed")),
    ]


def test_a_matrix_says_at_which_side_a_topic_is_lost(new_ledger: Callable[..., Ledger]) -> None:
    ledger = new_ledger()
    text = ledger.parameters.read_text(encoding="utf-8")
    ledger.parameters.write_text(text.replace("member.removed]", "member.removed, member.merged]"), encoding="utf-8")
    ledger.edit("code/receive.py", '        case "member.removed":\n            return void_member(body)\n', "")
    subscribed(ledger, *({"topic": one, "address": ADDRESS} for one in ("member.created", "member.removed", "ping")))
    listed = json.dumps({"topics": ["member.created", "member.updated", "ping"]})
    ledger.execute("update ledger.connection set hooks = %s where org = 'N'", listed)
    with opened(ledger.parameters, ledger.environment) as audit:
        assert audit.source.index
        cells = audit.frame("topic_matrix")
    told = {(one["topic"], one["side"]): (one["state"], one["told"]) for one in cells.to_dict("records")}
    sides = ("wanted", "in code", "handled", "registered", "recorded")
    assert {told[topic, "available"] for topic, _ in told} == {("unasked", "")}  # the file names no provider
    assert [told["member.created", side] for side in sides] == [("covered", "yes")] * 5
    assert [told["member.removed", side] for side in sides] == [
        *[("covered", "yes")] * 2,
        ("lost", "no"),
        ("covered", "yes"),
        ("lost", "1 of 2"),
    ]
    assert [told["member.updated", side][1] for side in sides[3:]] == ["1 of 2", "not true"]
    assert [told["member.merged", side] for side in sides] == [
        ("covered", "yes"),
        *[("lost", "no")] * 2,
        ("lost", "0 of 2"),
        ("said", "no"),
    ]
    assert [told["ping", side] for side in sides] == [
        *[("said", "no")] * 2,
        ("lost", "no"),
        ("covered", "1 of 2"),
        ("covered", "1 of 2"),
    ]
    assert cells["resource"].unique().tolist() == ["member", "invoice", ""]


def test_the_rhythm_of_the_sync_and_the_last_arrivals_are_told(new_ledger: Callable[..., Ledger]) -> None:
    ledger = new_ledger()
    ledger.execute("delete from ledger.job_run")
    for hour in (0, 6, 12, 12.5, 18.5):
        ledger.execute(
            "insert into ledger.job_run (org, job, began, finished, got, batches) "
            "select org, 'member', at, at, 1, 1 from (values ('N'), ('S')) as orgs (org), "
            "(values ('2026-03-01 00:00+00'::timestamptz + %s * interval '1 hour')) as times (at)",
            hour,
        )
    with opened(ledger.parameters, ledger.environment) as audit:
        frame = audit.frame("webhook_or_polling").set_index("resource")
    assert frame["ways"].to_dict() == {"member": "webhook and sync every 6 h", "invoice": "webhook and sync"}
    assert frame["not_known"].unique().tolist() == ["the file does not say what came by which way"]


def test_the_last_arrival_by_each_way_is_told(sample: Any) -> None:
    with opened(sample.parameters, sample.environment) as audit:
        frame = audit.frame("webhook_or_polling").set_index("resource")
        counted = audit.query("select resource, by_webhook, count(*) as n from {raw} as r group by 1, 2")
    webhooks_of = {one["resource"]: one["n"] for one in counted.to_dict("records") if one["by_webhook"]}
    assert frame.loc["order", "records_by_webhook"] == webhooks_of["order"] > 0
    assert frame.loc["order", "last_by_webhook"] >= frame.loc["order", "last_by_sync"]
    assert frame.loc["payout", ["ways", "last_by_webhook"]].tolist() == ["sync", "never"]
    assert "line_item" not in frame.index


@pytest.mark.parametrize(
    ("is_listed", "outcome", "status"),
    [(True, "lost", Status.PASS), (False, "ok", Status.PASS), (False, "lost", Status.FAIL)],
)
def test_a_topic_that_is_subscribed_to_or_was_delivered_is_there_whatever_the_catalogue_lacks(
    is_listed: bool, outcome: str, status: Status, new_ledger: Callable[..., Ledger]
) -> None:
    ledger = new_ledger()
    facts = "name: Ledger\ntopics:\n  members: {create: [member.created], update: [member.updated]}\n"
    facts += "  invoices: {create: [invoice.created], update: [invoice.updated], delete: [invoice.removed]}\n"
    own = ledger.folder / "ledger_facts.yml"
    own.write_text(facts, encoding="utf-8")
    text = ledger.parameters.read_text(encoding="utf-8")
    text = text if is_listed else text.replace(", subscriptions: hooks.jsonl", "")
    ledger.parameters.write_text(f"{text}provider: {own}\n", encoding="utf-8")
    ledger.execute(f"update ledger.hook_log set verdict = '{outcome}'")
    verdict = verdicts(ledger.parameters, ledger.environment, ["wanted_topics_exist"])["wanted_topics_exist"]
    assert verdict.status is status, told(verdict)
    assert [row[0] for row in verdict.rows] == ([] if status is Status.PASS else ["member.removed"])
