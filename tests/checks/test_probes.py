"""Forged deliveries on a receiver that verifies them rightly or wrongly, and on addresses where nobody does."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dsaudit.verdict import Status, Verdict
from tests.checks.auditing import opened, told, verdicts
from tests.checks.receiver import SECRET, Receiver, receiving
from tests.ledger import Ledger

REFUSED, STORED = "forged_deliveries_refused", "forged_deliveries_not_stored"
FORGERIES = [
    "without a signature",
    "signed with another secret",
    "altered after it was signed",
    "signed without the blanks that it holds",
    "signed with blanks that it does not hold",
    "signed rightly, but too long ago",
]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving(Receiver()) as one:
        yield one


def allowed(ledger: Ledger, receiver: Receiver, more: str = "") -> Ledger:
    """Let the ledger's provider be Stripe, and its file allow a probe of the receiver."""
    probe = f"webhooks: {{probe: {{url: '{receiver.url}', secret_env: HOOK_SECRET{more}}}, address: "
    ledger.edit("parameters/ledger.yml", "webhooks: {address: ", probe)
    ledger.edit("parameters/ledger.yml", "integration: ledger\n", "integration: ledger\nprovider: stripe\n")
    ledger.environment["HOOK_SECRET"] = SECRET
    return ledger


def judged(ledger: Ledger) -> dict[str, Verdict]:
    return verdicts(ledger.parameters, ledger.environment, [REFUSED, STORED, "deliveries_succeed"])


def statuses(found: dict[str, Verdict]) -> list[str]:
    return [found[name].status.value for name in (REFUSED, STORED)]


def reason_of(verdict: Verdict) -> str:
    return str(verdict.results[0].reason)


def test_what_a_right_receiver_refuses_is_proven_to_be_refused(
    new_ledger: Callable[..., Ledger], receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = allowed(new_ledger(), receiver)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")  # nothing is taken from there

    def log(event: dict[str, Any], is_right: bool) -> None:
        values = (event["id"], event["type"], event["data"]["object"]["code"], "bad signature")
        ledger.execute("insert into ledger.hook_log values (%s, 'N', %s, %s, now(), now(), %s)", *values)

    receiver.stores = log
    found = judged(ledger)
    assert {one.status for one in found.values()} == {Status.PASS}, "\n".join(map(told, found.values()))
    assert found[REFUSED].results[0].examined == found[STORED].results[0].examined == len(FORGERIES)
    assert found["deliveries_succeed"].results[0].examined == 12  # what the provider sent, and nothing of ours
    assert {event["type"] for _, event, _ in receiver.came} == {"member.removed"}
    assert not any("authorization" in headers for headers, _, _ in receiver.came)


@pytest.mark.parametrize(
    ("change", "accepted"),
    [
        ({"looks_at_time": False}, FORGERIES[5:]),
        ({"parses_first": True}, FORGERIES[3:4]),
        ({"forged": 200}, FORGERIES),
        ({"forged": 204}, FORGERIES),
    ],
)
def test_what_a_wrong_receiver_accepts_is_named(
    change: dict[str, Any], accepted: list[str], new_ledger: Callable[..., Ledger], receiver: Receiver
) -> None:
    for name, value in change.items():
        setattr(receiver, name, value)
    verdict = judged(allowed(new_ledger(), receiver))[REFUSED]
    assert verdict.status is Status.FAIL, told(verdict)
    assert sorted(str(row[0]) for row in verdict.rows) == sorted(accepted)
    assert all("accepted with 20" in str(row[1]) for row in verdict.rows)


@pytest.mark.parametrize("status", [500, 502, 503])
def test_an_error_is_no_refusal(status: int, new_ledger: Callable[..., Ledger], receiver: Receiver) -> None:
    receiver.forged = status
    found = judged(allowed(new_ledger(), receiver))
    assert statuses(found) == ["fail", "pass"]
    assert {str(row[1]) for row in found[REFUSED].rows} == {f"answered {status}: an error, not a refusal"}


@pytest.mark.parametrize(("status", "words"), [(404, "nobody looks"), (429, "nobody looks"), (307, "not followed")])
def test_an_answer_of_nobody_proves_nothing(
    status: int, words: str, new_ledger: Callable[..., Ledger], receiver: Receiver
) -> None:
    receiver.forged = receiver.genuine = status
    found = judged(allowed(new_ledger(), receiver))
    assert statuses(found) == ["inconclusive", "inconclusive"], told(found[REFUSED])
    assert words in reason_of(found[REFUSED])
    assert len(receiver.came) == len(FORGERIES)  # the redirect leads here, and was not followed


def test_no_answer_proves_nothing(new_ledger: Callable[..., Ledger], receiver: Receiver) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens
        receiver.url = f"http://127.0.0.1:{taken.getsockname()[1]}/hooks"
        found = judged(allowed(new_ledger(), receiver))
    assert statuses(found) == ["inconclusive", "inconclusive"]
    assert "no answer (ConnectError)" in reason_of(found[REFUSED])


def test_where_a_genuine_one_is_taken_every_refusal_is_one(
    new_ledger: Callable[..., Ledger], receiver: Receiver
) -> None:
    receiver.forged = 404
    ledger = allowed(new_ledger(), receiver, ", valid: true")
    found = judged(ledger)
    assert statuses(found) == ["pass", "pass"], told(found[REFUSED])
    sent = [status for _, _, status in receiver.came]
    assert sent == [404] * len(FORGERIES) + [200, 200]
    assert receiver.came[-1][1]["id"] == receiver.came[-2][1]["id"]


def test_what_is_stored_and_then_refused_is_found(new_ledger: Callable[..., Ledger], receiver: Receiver) -> None:
    ledger = allowed(new_ledger(), receiver)

    def store(event: dict[str, Any], is_right: bool) -> None:
        code = event["data"]["object"]["code"]
        if event.get("altered"):
            ledger.execute("""insert into ledger."Member" (org, code) values ('N', %s)""", code)
        elif not receiver.came:
            ledger.execute("insert into ledger.hook_log values (%s, 'N', '', null, now(), now(), 'ok')", event["id"])

    receiver.stores = store
    found = judged(ledger)
    assert statuses(found) == ["pass", "fail"]
    assert {tuple(row) for row in found[STORED].rows} == {
        ("altered after it was signed", "the refined table"),
        ("without a signature", "the deliveries, as accepted"),
    }


@pytest.mark.parametrize(
    ("given", "to", "words"),
    [
        (", secret_env: HOOK_SECRET", ", secret_env: NO_SUCH_SECRET", "variable NO_SUCH_SECRET is not set"),
        ("{probe: {url: 'URL',", "{probe: {url_env: NO_SUCH_URL,", "variable NO_SUCH_URL is not set"),
        ("{probe: {url: 'URL',", "{probe: {", "outside development nothing is sent without https"),
        ("provider: stripe", "provider: own.yml", "does not tell how deliveries are signed"),
        ("webhooks: [member.removed]", "no_webhooks: none", "no resource has a list"),
    ],
)
def test_what_is_not_sent_has_its_reason(
    given: str, to: str, words: str, new_ledger: Callable[..., Ledger], receiver: Receiver
) -> None:
    ledger = allowed(new_ledger(), receiver)
    (ledger.folder / "own.yml").write_text("name: Own\n", encoding="utf-8")
    for kind in ("member", "invoice"):
        topics = f"webhooks: [{kind}.created, {kind}.updated, {kind}.removed]"
        ledger.edit("parameters/ledger.yml", topics, "webhooks: [member.removed]" if kind == "member" else "")
    if "https" in words:
        text = "integration: ledger\nenvironment: staging"
        ledger.edit("parameters/ledger.yml", "integration: ledger", text)
        ledger.edit("parameters/ledger.yml", "'https://ledger", "'https?://ledger")
        hooks = ledger.folder / "export" / "north" / "hooks.jsonl"
        hooks.write_text('{"topic": "member.removed", "address": "http://ledger.example/hooks"}\n', encoding="utf-8")
        ledger.edit("parameters/ledger.yml", f"url: '{receiver.url}',", "")
    else:
        ledger.edit("parameters/ledger.yml", given.replace("URL", receiver.url), to)
    found = judged(ledger)
    assert statuses(found) == ["inconclusive", "inconclusive"]
    assert words in reason_of(found[REFUSED])
    assert receiver.came == []


def test_a_registered_address_of_others_is_left_alone(new_ledger: Callable[..., Ledger], receiver: Receiver) -> None:
    ledger = allowed(new_ledger(), receiver)
    ledger.edit("parameters/ledger.yml", f"url: '{receiver.url}',", "")
    for org in ("north", "south"):
        hooks = ledger.folder / "export" / org / "hooks.jsonl"
        hooks.write_text(f'{{"topic": "member.removed", "address": "{receiver.url}"}}\n', encoding="utf-8")
    found = judged(ledger)
    assert "no registered address is the declared one" in reason_of(found[REFUSED])
    assert receiver.came == []
    ledger.edit("parameters/ledger.yml", "'https://ledger\\.example/hooks'", "'http://127.0.0.1:\\d+/hooks'")
    assert statuses(judged(ledger)) == ["pass", "pass"]


def test_of_a_part_nothing_is_sent_and_nothing_judged(new_ledger: Callable[..., Ledger], receiver: Receiver) -> None:
    ledger = allowed(new_ledger(), receiver)
    with opened(ledger.parameters, ledger.environment, resources=["member"]) as audit:
        assert audit.source.probe is None
        assert audit.check(REFUSED).status is Status.SKIPPED
    assert receiver.came == []


def test_the_table_says_what_was_sent_and_masks_what_came_back(
    new_ledger: Callable[..., Ledger], receiver: Receiver
) -> None:
    ledger = allowed(new_ledger(), receiver)
    with opened(ledger.parameters, ledger.environment) as audit:
        assert audit.source.index
        frame = audit.frame("webhook_probe")
        shown = audit.table("webhook_probe")._repr_mimebundle_()["text/html"]
    assert list(frame["delivery"]) == FORGERIES
    assert set(frame["status"]) == {401} and set(frame["answer"]) == {"anne@x.yz"}
    assert "refused with 401" in shown and "anne" not in shown
