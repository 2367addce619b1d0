"""What a probe sends: each delivery has the one thing wrong that it names, by the verification of its provider."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dsaudit import catalogue
from dsaudit.parameters import ParameterError, Parameters, load
from dsaudit.probes import MARK, NUMBERED
from dsaudit.probes.forging import GENUINE, WORDS, Subject, kinds, made
from dsaudit.probes.signatures import refusal

NOW = 1_790_000_000.5
TOPICS = {"shopify": "orders/delete", "stripe": "customer.deleted", "quickbooks": "Customer.Delete"}
MISMATCH = "it does not match the body"
REASONS = {
    "unsigned": "there is no header {header}",
    "other_secret": MISMATCH,
    "altered": MISMATCH,
    "minified": MISMATCH,
    "spaced": MISMATCH,
    "stale": "its time is too old",
    GENUINE: None,
}


def parameters_of(tmp_path: Path, provider: str, environment: str = "development", probe: str = "") -> Parameters:
    path = tmp_path / "parameters" / "small.yml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        f"integration: small\ndatabase: {{url_env: SMALL_URL}}\nprovider: {provider}\nenvironment: {environment}\n"
        f"webhooks:\n  address: .*\n  probe: {{{probe}}}\n"
        f"resources: {{order: {{table: orders, key: id, webhooks: ['{TOPICS.get(provider, 'a/b')}']}}}}\n",
        encoding="utf-8",
    )
    return load(path)


def sent(provider: str, kind: str, is_numbered: bool = True, id_path: str = "id") -> Any:
    subject = Subject(TOPICS[provider], "acct", id_path, is_numbered)
    return made(kind, catalogue.load(provider), "hush", subject, NOW)


@pytest.mark.parametrize("provider", TOPICS)
@pytest.mark.parametrize("kind", REASONS)
def test_each_forgery_is_refused_for_what_it_names(kind: str, provider: str) -> None:
    scheme = catalogue.load(provider).signature
    assert scheme is not None
    one = sent(provider, kind)
    if kind == "stale" and scheme.tolerance_seconds is None:
        assert refusal(scheme, "hush", one.headers, one.body, NOW) is None  # which is why it is not sent
        return
    reason = REASONS[kind]
    assert refusal(scheme, "hush", one.headers, one.body, NOW) == (reason and reason.format(header=scheme.header))
    # A receiver that verifies what it parsed takes those that are signed with other blanks, if it writes as they are.
    anew = {
        "minified": json.dumps(json.loads(one.body), separators=(",", ":")),
        "spaced": json.dumps(json.loads(one.body)),
    }
    if kind in anew:
        assert refusal(scheme, "hush", one.headers, anew[kind].encode(), NOW) is None


def test_shopify_s_delivery_is_the_record_and_its_headers_tell_the_rest() -> None:
    one = sent("shopify", "unsigned")
    assert json.loads(one.body) == {"id": int(one.source_id)}
    assert one.source_id.startswith(NUMBERED) and len(one.source_id) == 15
    assert one.delivery_id.startswith(MARK)
    assert one.headers["X-Shopify-Webhook-Id"] == one.delivery_id
    assert (one.headers["X-Shopify-Topic"], one.headers["X-Shopify-Shop-Domain"]) == ("orders/delete", "acct")


def test_stripe_s_delivery_is_an_event_around_the_record() -> None:
    one = sent("stripe", "unsigned", is_numbered=False)
    event = json.loads(one.body)
    assert event["id"] == f"evt_{one.delivery_id}" and event["data"]["object"] == {"id": one.source_id}
    assert (event["type"], event["created"]) == ("customer.deleted", int(NOW))
    assert one.source_id.startswith(MARK) and one.source_id != one.delivery_id


def test_quickbooks_delivery_names_what_changed() -> None:
    one = sent("quickbooks", "unsigned")
    (notice,) = json.loads(one.body)["eventNotifications"]
    (entity,) = notice["dataChangeEvent"]["entities"]
    assert notice["realmId"] == "acct"
    assert (entity["name"], entity["operation"], entity["id"]) == ("Customer", "Delete", one.source_id)


def test_an_id_may_stand_inside() -> None:
    one = sent("shopify", "unsigned", is_numbered=False, id_path="order.key")
    assert json.loads(one.body) == {"order": {"key": one.source_id}}


@pytest.mark.parametrize(
    ("provider", "environment", "probe", "expected"),
    [
        ("shopify", "production", "", ["unsigned", "other_secret"]),
        ("stripe", "production", "secret_env: S", ["unsigned", "other_secret"]),
        ("stripe", "development", "secret_env: S", [one for one in REASONS if one != GENUINE]),
        ("stripe", "staging", "secret_env: S, valid: true", [*REASONS]),
        ("shopify", "staging", "secret_env: S, valid: true", [one for one in REASONS if one != "stale"]),
    ],
)
def test_what_is_signed_rightly_stays_out_of_production(
    provider: str, environment: str, probe: str, expected: list[str], tmp_path: Path
) -> None:
    scheme = catalogue.load(provider).signature
    assert scheme is not None
    assert kinds(parameters_of(tmp_path, provider, environment, probe), scheme) == expected
    assert set(expected) <= set(WORDS)
    without = kinds(parameters_of(tmp_path, provider, environment, probe), scheme, is_deletion=False)
    assert without == ([] if environment == "production" else [one for one in expected if one != GENUINE])


@pytest.mark.parametrize(
    ("provider", "environment", "probe", "words"),
    [
        (
            "stripe",
            "production",
            "secret_env: S, valid: true",
            "probe.valid: a genuine delivery is not sent to production",
        ),
        ("stripe", "staging", "valid: true", "probe.valid: a genuine delivery needs `secret_env`"),
        ("stripe", "staging", "url: 'http://x.example'", "probe.url: has to be https outside development"),
        ("stripe", "staging", "url: 'ftp://x.example'", "probe.url"),
        (
            "stripe",
            "staging",
            "topic: customer.delete",
            "probe.topic: no resource has it; did you mean customer.deleted?",
        ),
        ("stripe", "staging", "secret: abc", "probe.secret: unknown key"),
        ("''", "staging", "", "probe: needs `provider`"),
    ],
)
def test_what_may_not_be_sent_is_refused_by_the_file(
    provider: str, environment: str, probe: str, words: str, tmp_path: Path
) -> None:
    with pytest.raises(ParameterError) as caught:
        parameters_of(tmp_path, provider, environment, probe)
    assert words in str(caught.value) and "small.yml:" in str(caught.value)


def test_the_secret_is_one_that_no_file_may_hold(tmp_path: Path) -> None:
    assert "HOOK" in parameters_of(tmp_path, "stripe", probe="secret_env: HOOK").secrets()


def test_so_is_an_address_that_stands_in_a_variable(tmp_path: Path) -> None:
    assert "HOOK_URL" in parameters_of(tmp_path, "stripe", probe="url_env: HOOK_URL").secrets()
    path = tmp_path / "parameters" / "small.yml"
    path.write_text(
        "integration: small\ndatabase: {url_env: SMALL_URL}\nsyncs: {table: runs, run: {url_env: SYNC_URL}}\n",
        encoding="utf-8",
    )
    assert load(path).secrets() == ["SMALL_URL", "SYNC_URL"]


def test_an_envelope_of_unknown_places_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "own.yml"
    path.write_text("delivery: {envelope: {kind: '{topik}'}}\n", encoding="utf-8")
    with pytest.raises(catalogue.ProviderError, match=r"\{topik\} is none of account, .*topic"):
        catalogue.load(str(path))
