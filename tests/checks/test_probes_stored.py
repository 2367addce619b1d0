"""What our own deliveries leave in the tables: where it is found, and where it is not counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from dsaudit.verdict import Status
from tests.checks.auditing import opened, told, verdicts
from tests.checks.receiver import Receiver, receiving
from tests.checks.test_probes import FORGERIES, STORED, allowed, judged, reason_of
from tests.ledger import Ledger


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving(Receiver()) as one:
        yield one


def with_raw_table(ledger: Ledger) -> Ledger:
    """Give the ledger a raw table, in which each delivery that is taken becomes a row."""
    ledger.execute(
        "create table ledger.landed (number serial, org text, kind text, about text, hook text, came timestamptz)"
    )
    ledger.execute(f"grant select on ledger.landed to {urlsplit(ledger.environment['LEDGER_URL']).username}")
    columns = "row_id: number, tenant: org, resource: kind, source_id: about, delivery_id: hook, received_at: came"
    nothing = "payload: none, content_hash: none, via: none, state: none, error: none"
    raw = f"raw: {{table: ledger.landed, columns: {{{columns}, {nothing}}}}}\ndeliveries:\n"
    ledger.edit("parameters/ledger.yml", "deliveries:\n", raw)
    return ledger


LAND = "insert into ledger.landed (org, kind, about, hook, came) values (%s, %s, %s, %s, now())"
REPEATED = "repeated_delivery_changes_nothing"


def test_what_is_our_own_stands_beside_the_raw_table(new_ledger: Callable[..., Ledger], receiver: Receiver) -> None:
    ledger = with_raw_table(allowed(new_ledger(), receiver, ", valid: true"))
    ledger.execute(LAND, "N", "member", "m-1", None)
    known: set[str] = set()

    def land(event: dict[str, Any], is_right: bool) -> None:
        if is_right and event["id"] not in known:
            ledger.execute(LAND, "N", "member", event["data"]["object"]["code"], event["id"])
            known.add(event["id"])

    receiver.stores = land
    with opened(ledger.parameters, ledger.environment) as one:
        assert one.source.index
        assert list(one.query("select source_id from {raw} as r")["source_id"]) == ["m-1"]
        ours = one.query("select delivery_id from {probed_raw} as r")
        assert list(ours["delivery_id"]) == list(known)
        assert one.check(REPEATED).status is Status.PASS
        assert one.check(STORED).status is Status.PASS


def test_what_was_accepted_and_is_nowhere_is_not_stored_once(
    new_ledger: Callable[..., Ledger], receiver: Receiver
) -> None:
    ledger = with_raw_table(allowed(new_ledger(), receiver, ", valid: true"))
    verdict = verdicts(ledger.parameters, ledger.environment, [REPEATED])[REPEATED]
    assert verdict.status is Status.INCONCLUSIVE and verdict.examined == 0
    assert reason_of(verdict) == "accepted, and nothing of it is in the raw table"


def test_a_forgery_of_an_unknown_tenant_is_found_in_the_raw_table(
    new_ledger: Callable[..., Ledger], receiver: Receiver
) -> None:
    ledger = with_raw_table(allowed(new_ledger(), receiver))
    receiver.stores = lambda event, is_right: ledger.execute(
        LAND, "nobody", event["type"], event["data"]["object"]["code"], None
    )
    verdict = judged(ledger)[STORED]
    assert verdict.status is Status.FAIL, told(verdict)
    assert {tuple(row) for row in verdict.rows} == {(one, "the raw table") for one in FORGERIES}


def test_what_has_no_id_may_be_our_own(new_ledger: Callable[..., Ledger], receiver: Receiver) -> None:
    ledger = allowed(new_ledger(), receiver)
    assert judged(ledger)["deliveries_succeed"].limits == []
    receiver.stores = lambda event, is_right: ledger.execute(
        "insert into ledger.hook_log values (null, null, '', null, now(), now(), 'bad signature')"
    )
    told_beside = "a delivery that was not accepted and has no id may be one that webhooks.probe had sent"
    assert judged(ledger)["deliveries_succeed"].limits == [told_beside]


def test_where_nothing_would_show_what_is_stored_nothing_is_judged(
    new_ledger: Callable[..., Ledger], receiver: Receiver
) -> None:
    ledger = allowed(new_ledger(), receiver)
    text = ledger.parameters.read_text(encoding="utf-8")
    start, end = text.index("deliveries:\n"), text.index("syncs:\n")
    ledger.parameters.write_text(text[:start] + text[end:], encoding="utf-8")
    verdict = verdicts(ledger.parameters, ledger.environment, [STORED])[STORED]
    assert verdict.status is Status.SKIPPED
    assert "raw (the raw-ingest table) or deliveries" in reason_of(verdict)
