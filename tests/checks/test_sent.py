"""The provider's log of deliveries held against ours: odd but clean data, lists of failures, a list that is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from dsaudit.verdict import Status, Verdict
from examples.storefront.faults.choosing import living
from examples.storefront.faults.subscribing import subscribed
from examples.storefront.faults.switching import source
from tests.checks.auditing import all_rows, opened, told, verdicts

TAKEN, LOGGED = "deliveries_were_taken", "taken_deliveries_are_logged"
PATH = "webhook_deliveries.json"
SHOP = "acme.myshopify.example"


def judged(clone: Any, edit: Callable[[str], str] = lambda text: text) -> dict[str, Verdict]:
    """Judge a clone by its parameter file, perhaps edited."""
    text = clone.parameters.read_text(encoding="utf-8")
    edited = edit(text.replace("in_flight_seconds: 2", "in_flight_seconds: 0"))
    clone.parameters.write_text(edited, encoding="utf-8")
    try:
        return verdicts(clone.parameters, clone.environment, [TAKEN, LOGGED])
    finally:
        clone.parameters.write_text(text, encoding="utf-8")


def examined(verdict: Verdict) -> int:
    return sum(result.examined for result in verdict.results)


def evidence_in(clone: Any, resource: str) -> list[str]:
    """Return the evidence of each record of a resource whose newest version here is old."""
    text = clone.parameters.read_text(encoding="utf-8")
    clone.parameters.write_text(text.replace("in_flight_seconds: 2", "in_flight_seconds: 0"), encoding="utf-8")
    try:
        with opened(clone.parameters, clone.environment) as audit:
            found = all_rows(audit, audit.check("raw_differs_from_source"))
    finally:
        clone.parameters.write_text(text, encoding="utf-8")
    return [str(row["evidence"]) for row in found if row["resource"] == resource]


def failures_alone(text: str) -> str:
    """Describe the same log as a list of failures, of which no entry says what it is."""
    text = text.replace(PATH, f"{PATH}?status=failed").replace("status: state", "status: none")
    begin, end = text.index("    taken: delivered"), text.index("  rate_share")
    return f"{text[:begin]}    retried_hours: 0.0001\n{text[end:]}"


@pytest.fixture(scope="module")
def odd(sample: Any) -> Any:
    """A clone in which much is odd and nothing is wrong."""
    with sample.clone() as clone:
        with clone.owner() as connection:  # what came first was cleaned away
            connection.execute(
                """delete from shopify_webhook_delivery where received_at <= (
                    select percentile_disc(0.3) within group (order by received_at) from shopify_webhook_delivery)"""
            )
        location, other = living(clone, "acme", "location")[:2]
        subscribed(clone, SHOP, "locations/update", "http://127.0.0.1:9/of/another/system")
        with source(clone, duplicate_all=True):
            clone.record(SHOP, "locations", "update", int(location), phone="+47 555 10 101")
        with source(clone, drop_deliveries=True):
            clone.record(SHOP, "locations", "update", int(other), phone="+47 555 20 202")
        yield clone


def test_odd_but_clean_data_passes(odd: Any) -> None:
    """Cleaned logs, deliveries that came twice, that were never sent, and those to another system's address."""
    found = judged(odd)
    for verdict in found.values():
        assert verdict.status is Status.PASS, told(verdict)
    assert 0 < examined(found[LOGGED]) < examined(found[TAKEN])


def test_what_was_never_sent_is_told_by_the_log(odd: Any) -> None:
    (evidence,) = evidence_in(odd, "location")
    assert re.search(r"nothing came, and the provider's log, read back to .*, has no delivery of it;", evidence)


def test_a_list_of_failures_alone_is_held_against_our_own_log(odd: Any) -> None:
    verdict = judged(odd, failures_alone)[TAKEN]
    assert verdict.status is Status.PASS and examined(verdict) > 0, told(verdict)


def test_a_list_of_failures_alone_names_them(sample: Any) -> None:
    with sample.clone() as clone:
        planted = clone.plant("deliveries_given_up", seed=2)
        clone.settle()
        found = judged(clone, failures_alone)
        evidence = evidence_in(clone, "customer")
        with clone.owner() as connection:  # it was another endpoint that did not take this one
            connection.execute(
                """update shopify_webhook_delivery set delivery_id = %s where ctid = (
                    select ctid from shopify_webhook_delivery where outcome = 'accepted' limit 1)""",
                [planted.must[0].keys[0]],
            )
        others = judged(clone, failures_alone)[TAKEN]
    assert len(evidence) == len(planted.must[1].keys)
    assert all(re.search(r"its delivery, sent [^,]*, was tried 5 times, and given up;", one) for one in evidence)
    place = [column["name"] for column in found[TAKEN].columns].index("delivery_id")
    assert found[TAKEN].status is Status.FAIL, told(found[TAKEN])
    assert {row[place] for row in found[TAKEN].rows} <= set(planted.must[0].keys)
    assert found[TAKEN].results[0].total + found[TAKEN].results[1].total == len(planted.must[0].keys)
    assert len(others.rows) == len(found[TAKEN].rows) - 1
    assert found[LOGGED].status is Status.SKIPPED


def test_a_log_that_is_not_there_is_inconclusive(odd: Any) -> None:
    for verdict in judged(odd, lambda text: text.replace(PATH, "nowhere.json")).values():
        assert verdict.status is Status.INCONCLUSIVE, told(verdict)
        assert "the provider's log of deliveries is not known" in str(verdict.results[0].reason)


def test_without_an_entry_nothing_is_proven(odd: Any) -> None:
    for verdict in judged(odd, lambda text: text.replace(PATH, f"{PATH}?status=nothing")).values():
        assert verdict.status is Status.INCONCLUSIVE, told(verdict)
        assert verdict.results[0].reason == "nothing was examined"
