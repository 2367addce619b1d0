"""Forged deliveries on a receiver that verifies them rightly or wrongly, and on addresses where nobody does."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dsaudit import audit
from dsaudit.parameters import load
from dsaudit.source import record
from dsaudit.verdict import Status, Verdict
from tests.checks.auditing import opened, told, variables, verdicts
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
    assert found[STORED].results[0].examined == len(FORGERIES)
    # Those that are signed by means of the secret may be refused for a wrong one, where no genuine one was taken.
    assert found[REFUSED].results[0].examined == 2
    limits = found[REFUSED].limits
    assert limits[0] == "the deliveries named north alone, of 2 tenants, and went to one address"
    assert [limit.partition(":")[0] for limit in limits[1:]] == FORGERIES[2:]
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


@pytest.mark.parametrize(
    ("status", "words"), [(404, "nobody looks"), (429, "does not look now"), (307, "not followed")]
)
def test_an_answer_of_nobody_proves_nothing(
    status: int, words: str, new_ledger: Callable[..., Ledger], receiver: Receiver
) -> None:
    receiver.forged = receiver.genuine = status
    found = judged(allowed(new_ledger(), receiver))
    assert statuses(found) == ["inconclusive", "inconclusive"], told(found[REFUSED])
    assert words in reason_of(found[REFUSED])
    assert len(receiver.came) == len(FORGERIES)  # the redirect leads here, and was not followed


@pytest.mark.parametrize("status", [400, 403, 409, 422, 429])
def test_what_is_refused_for_any_reason_proves_nothing(
    status: int, new_ledger: Callable[..., Ledger], receiver: Receiver
) -> None:
    receiver.forged = receiver.genuine = status
    found = judged(allowed(new_ledger(), receiver))
    assert statuses(found) == ["inconclusive", "inconclusive"], told(found[REFUSED])
    assert ("nothing shows that the signature was the reason" in reason_of(found[REFUSED])) is (status != 429)


def test_with_a_wrong_secret_no_refusal_is_judged(new_ledger: Callable[..., Ledger], receiver: Receiver) -> None:
    ledger = allowed(new_ledger(), receiver, ", valid: true")
    ledger.environment["HOOK_SECRET"] = "rotated since"
    found = judged(ledger)
    assert statuses(found) == ["inconclusive", "inconclusive"], told(found[REFUSED])
    assert found[REFUSED].results[0].examined == 0
    assert "the genuine one was not accepted either; is the secret the right one?" in reason_of(found[REFUSED])
    receiver.forged = 200  # what is accepted is accepted all the same
    assert statuses(judged(ledger)) == ["fail", "pass"]


@pytest.mark.parametrize("status", [408, 425, 429])
def test_not_now_is_no_refusal(status: int, new_ledger: Callable[..., Ledger], receiver: Receiver) -> None:
    receiver.forged = status
    found = judged(allowed(new_ledger(), receiver, ", valid: true"))
    assert statuses(found) == ["inconclusive", "inconclusive"], told(found[REFUSED])
    assert f"answered {status}, as an address does that does not look now" in reason_of(found[REFUSED])


def test_the_address_is_that_of_the_tenant_that_is_named(new_ledger: Callable[..., Ledger], receiver: Receiver) -> None:
    ledger = allowed(new_ledger(), receiver)
    ledger.edit("parameters/ledger.yml", f"url: '{receiver.url}',", "")
    ledger.edit("parameters/ledger.yml", "'https://ledger\\.example/hooks'", "'http://127.0.0.1:\\d+/hooks'")
    hooks = ledger.folder / "export" / "south" / "hooks.jsonl"
    hooks.write_text(f'{{"topic": "member.removed", "address": "{receiver.url}"}}\n', encoding="utf-8")
    limits = judged(ledger)[REFUSED].limits
    assert limits[0] == "the deliveries named south alone, of 2 tenants, and went to one address"
    assert len(receiver.came) == len(FORGERIES)


def test_an_address_in_a_variable_is_shown_by_its_name(new_ledger: Callable[..., Ledger], receiver: Receiver) -> None:
    ledger = allowed(new_ledger(), receiver)
    ledger.edit("parameters/ledger.yml", f"url: '{receiver.url}',", "url_env: HOOK_URL,")
    ledger.environment["HOOK_URL"] = receiver.url
    with opened(ledger.parameters, ledger.environment) as one:
        probe = one.source.probe
    assert probe and probe["address"] == "the address in HOOK_URL" and len(receiver.came) == len(FORGERIES)
    assert receiver.url not in str(probe)


def test_a_reading_that_is_resumed_is_not_probed_again(
    new_ledger: Callable[..., Ledger], receiver: Receiver, tmp_path: Path
) -> None:
    ledger = allowed(new_ledger(), receiver, ", valid: true")
    with variables(ledger.environment):
        for resume in (False, True):
            record(load(ledger.parameters), tmp_path / "recording", resume=resume)
            assert len(receiver.came) == len(FORGERIES) + 2
            kept = json.loads((tmp_path / "recording" / "probe.json").read_text(encoding="utf-8"))
            assert kept.get("is_earlier", False) is resume
        record(load(ledger.parameters), tmp_path / "recording")
    assert len(receiver.came) == 2 * (len(FORGERIES) + 2)


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
    with opened(ledger.parameters, ledger.environment, resources=["member"]) as one:
        assert one.source.probe is None
        assert one.check(REFUSED).status is Status.SKIPPED
    assert receiver.came == []


def test_one_record_s_story_sends_nothing(new_ledger: Callable[..., Ledger], receiver: Receiver) -> None:
    ledger = allowed(new_ledger(), receiver)
    with variables(ledger.environment), closing(audit.open(str(ledger.parameters), "why")) as one:
        assert one.source.index
    assert receiver.came == []


def test_the_table_says_what_was_sent_and_masks_what_came_back(
    new_ledger: Callable[..., Ledger], receiver: Receiver
) -> None:
    ledger = allowed(new_ledger(), receiver)
    with opened(ledger.parameters, ledger.environment) as one:
        assert one.source.index
        frame = one.frame("webhook_probe")
        shown = one.table("webhook_probe")._repr_mimebundle_()["text/html"]
    assert list(frame["delivery"]) == FORGERIES
    assert set(frame["answer"]) == {401} and set(frame["body_of_the_answer"]) == {"anne@x.yz"}
    assert "refused with 401" in shown and "anne" not in shown
    assert shown.count(">401</td>") == len(FORGERIES)
