"""What is offered to mend a finding is what mends it, and holds neither a secret nor a trap."""

from __future__ import annotations

import ast
import contextlib
import html
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pandas as pd
import psycopg
import pytest

from dsaudit.audit import registering, remedies
from dsaudit.checks import all_checks
from dsaudit.parameters import ParameterError, load
from dsaudit.verdict import Result, Status, Verdict, card
from examples.storefront.faults.subscribing import subscribed
from tests.checks.auditing import opened, told, verdicts
from tests.ledger import Ledger


def commands(verdict: Verdict) -> list[str]:
    return [remedy["command"] for remedy in verdict.remedies if "command" in remedy]


def test_remedies_are_offered_for_checks_that_exist() -> None:
    assert set(all_checks()) >= remedies.RESYNC | remedies.REGISTER | remedies.REFINE_AGAIN


def test_the_script_that_syncs_again_mends_what_was_missed(sample: Any) -> None:
    check = "raw_differs_from_source"
    with sample.clone() as clone:
        clone.plant("orders_update_dropped")
        verdict = verdicts(clone.parameters, clone.environment, [check])[check]
        assert verdict.status is Status.FAIL
        (script,) = commands(verdict)
        # The integration's own surroundings, as whoever runs the script has them.
        variables = {
            **clone.environment,
            "DATABASE_URL": clone.owner_url,
            "SHOPIFY_BASE_URL": clone.source_url,
            "STOREFRONT_CONTROL_TOKEN": "unused",
            "PUBLIC_URL": clone.backend_url,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        }
        folder = clone.parameters.parent.parent
        done = subprocess.run(["bash", "-c", script], cwd=folder, env=variables, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        clone.settle()
        assert verdicts(clone.parameters, clone.environment, [check])[check].status is Status.PASS


def in_a_shell(command: str, environment: dict[str, str]) -> str:
    """Run a command as whoever copied it has it: in a plain shell, with the variables that it names."""
    surroundings = {**environment, "PATH": os.environ["PATH"]}
    done = subprocess.run(["sh", "-c", command], env=surroundings, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def judged_deliveries(clone: Any) -> int:
    return verdicts(clone.parameters, clone.environment, ["deliveries_succeed"])["deliveries_succeed"].examined


def test_what_is_printed_registers_what_is_missing(sample: Any) -> None:
    check = "wanted_topics_are_registered"
    with sample.clone() as clone:
        topic = clone.plant("subscription_removed").must[0].keys[0]
        verdict = verdicts(clone.parameters, clone.environment, [check])[check]
        offered = {remedy["say"]: remedy["command"] for remedy in verdict.remedies if "command" in remedy}
        assert clone.environment["STOREFRONT_TOKEN"] not in str(verdict.to_json())
        assert any("register_webhooks" in remedy["say"] for remedy in verdict.remedies)
        listing, reaching, making, syncing = offered
        listed = json.loads(in_a_shell(offered[listing], clone.environment))["webhooks"]
        assert listed and topic not in {one["topic"] for one in listed}
        before = judged_deliveries(clone)
        assert in_a_shell(offered[reaching], clone.environment) == "401\n"
        assert judged_deliveries(clone) == before, "what was tried by hand counts as no delivery"
        assert json.loads(in_a_shell(offered[making], clone.environment))["webhook"]["topic"] == topic
        assert "fetch_and_ingest_" in offered[syncing]
        assert verdicts(clone.parameters, clone.environment, [check])[check].status is Status.PASS


def test_what_is_printed_takes_back_what_went_elsewhere(sample: Any) -> None:
    """It is pointed at this system; what comes here already is removed, as it would come twice."""
    check = "webhook_addresses_right"
    with sample.clone() as clone:
        planted = clone.plant("registered_elsewhere").must[0]
        topic, tenant = planted.keys[0], planted.scope["tenant"]
        twice = "orders/create"
        subscribed(clone, f"{tenant}.myshopify.example", twice, "https://old.storefront.example/hooks")
        verdict = verdicts(clone.parameters, clone.environment, [check])[check]
        offered = {one["say"]: one["command"] for one in verdict.remedies if "command" in one}
        away = f"what the provider sends elsewhere for {tenant}, with a token that may write"
        moving = offered[f"point at this system {away}: {topic}"]
        removing = offered[f"remove, as it comes here too, {away}: {twice}"]
        assert not any(one.startswith("register the topics") for one in offered)
        assert json.loads(in_a_shell(moving, clone.environment))["webhook"]["topic"] == topic
        assert json.loads(in_a_shell(removing, clone.environment)) == {}
        found = verdicts(clone.parameters, clone.environment, [check, "wanted_topics_are_registered"])
        assert {one.status for one in found.values()} == {Status.PASS}, "\n".join(map(told, found.values()))


MANY = (
    *("subscription_removed", "registered_elsewhere", "wrong_tenant", "refinement_fails", "index_dropped"),
    *("raw_index_dropped", "last_sync_long_ago", "orders_update_dropped"),
)


def test_every_command_is_whole_and_can_be_copied(sample: Any) -> None:
    """Shell, Python and SQL parse as they stand; a card shows them unfolded, in one block, without a sign too many."""
    seen = set()
    with sample.clone() as clone:
        for fault in MANY:
            clone.plant(fault)
        found = verdicts(clone.parameters, clone.environment)
        with clone.owner() as connection:
            for verdict in found.values():
                page = card.html(verdict.to_json())
                for command in commands(verdict):
                    kind = command.split(" ", 1)[0]
                    seen.add((verdict.check, kind))
                    assert f'<pre class="ds-copied">{html.escape(command)}</pre>' in page and not command.startswith(
                        ("$", ">", "#")
                    )
                    assert not any(value in command for name, value in clone.environment.items() if "API" not in name)
                    parses(command, kind, connection)
    assert {kind for _, kind in seen} == {"curl", "cd", "update", "create", "alter"}
    assert {check for check, _ in seen} >= {"webhook_addresses_right", "refined_missing_at_source", "webhooks_arrive"}
    (again,) = (one for one in found["failed_refinements"].remedies if "refine again" in one["say"])
    assert "refine_open" in again["say"]


def parses(command: str, kind: str, connection: psycopg.Connection[Any]) -> None:
    if kind in ("curl", "cd"):
        subprocess.run(["sh", "-n"], input=command, text=True, check=True, capture_output=True)
        if kind == "cd":
            ast.parse(command.partition("<<'END'\n")[2].removesuffix("END"))
        return
    for statement in command.splitlines():
        assert statement.endswith(";")
        with connection.transaction(force_rollback=True):
            connection.execute(statement.replace("index concurrently", "index"))  # that is not for a transaction


@pytest.mark.parametrize("provider", ["shopify", "stripe", "quickbooks"])
def test_each_providers_own_call_subscribes(provider: str, new_ledger: Callable[..., Ledger]) -> None:
    ledger = new_ledger()
    topics = {
        "shopify": ["orders/paid"],
        "stripe": ["invoice.paid", "invoice.voided"],
        "quickbooks": ["Invoice.Create"],
    }
    text = ledger.parameters.read_text(encoding="utf-8")
    with listening() as (address, heard):
        source = f"source: {{kind: rest, base_url: '{address}', token_env: LEDGER_TOKEN, token_header: X-Token"
        text = re.sub(r"source: \{kind: files.*", f"{source}, subscriptions: hooks.json}}\nprovider: {provider}", text)
        ledger.parameters.write_text(text, encoding="utf-8")
        rows = [["north", topic] for topic in [*topics[provider], "a'; reboot '"]]
        columns = [{"name": name, "role": "key"} for name in ("tenant", "topic")]
        result = Result({"tenant": "north"}, Status.FAIL, total=len(rows))
        verdict = Verdict(
            "webhook_addresses_right", "", "", [], "high", Status.FAIL, [result], columns=columns, rows=rows
        )
        with opened(ledger.parameters, ledger.environment) as audit:
            found = [*registering.registration(audit, verdict)]
        made = [one for one in found if one["say"].startswith("register ") and "anew" not in one["say"]]
        assert len(made) == 1 and "reboot" not in str(made)
        if provider == "quickbooks":
            assert "in the settings of the app" in made[0]["say"] and "command" not in made[0]
            return
        in_a_shell(made[0]["command"], {"LEDGER_TOKEN": "it is $ecret"})
    ((path, headers, body),) = heard
    assert path == "/hooks.json" and headers["X-Token"] == "it is $ecret"
    if provider == "shopify":
        webhook = {"topic": "orders/paid", "address": "https://ledger.example/hooks", "format": "json"}
        assert headers["Content-Type"] == "application/json" and json.loads(body) == {"webhook": webhook}
    else:
        wanted = {"url": ["https://ledger.example/hooks"], "enabled_events[]": topics["stripe"]}
        assert parse_qs(body) == wanted


ENDPOINTS = [
    {"id": "we_1", "url": "https://ledger.example/hooks", "enabled_events": ["invoice.paid"]},
    {"id": "we_2", "url": "https://old.example/hooks", "enabled_events": ["invoice.paid", "invoice.voided"]},
    {"id": "we_3", "url": "https://older.example/hooks", "enabled_events": ["invoice.voided"]},
    {"id": "we_4; reboot", "url": "https://oldest.example/hooks", "enabled_events": ["invoice.sent"]},
]


def test_an_endpoint_of_several_topics_keeps_its_secret_when_it_is_moved(new_ledger: Callable[..., Ledger]) -> None:
    ledger = new_ledger()
    text = ledger.parameters.read_text(encoding="utf-8")
    with listening(json.dumps(ENDPOINTS)) as (address, heard):
        keys = "token_env: LEDGER_TOKEN, subscriptions: v1/hooks?all=1"
        source = f"source: {{kind: rest, base_url: '{address}', {keys}}}"
        text = re.sub(r"source: \{kind: files.*", f"{source}\nprovider: stripe", text)
        ledger.parameters.write_text(text, encoding="utf-8")
        surroundings = {**ledger.environment, "LEDGER_TOKEN": "it is $ecret"}
        with opened(ledger.parameters, surroundings) as audit:
            assert audit.source.index
            verdict = audit.check("webhook_addresses_right")
        made = {one["say"]: one.get("command") for one in verdict.remedies if "elsewhere for north" in one["say"]}
        moving, removing = made.values()
        assert moving and removing and "reboot" not in str(made)
        for command in (moving, removing):
            in_a_shell(command, surroundings)
    (moved, _, body), (removed, _, nothing) = heard
    assert (moved, removed) == ("/v1/hooks/we_2", "/v1/hooks/we_3")
    assert parse_qs(body) == {"url": ["https://ledger.example/hooks"]} and nothing == "DELETE"


@contextlib.contextmanager
def listening(listed: str = "[]") -> Iterator[tuple[str, list[tuple[str, Any, str]]]]:
    """Listen as a provider would, whose hooks are `listed`; yield the address, and what is heard."""
    heard: list[tuple[str, Any, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append((self.path, self.headers, self.rfile.read(int(self.headers["Content-Length"])).decode()))
            self.send_response(201)
            self.end_headers()

        def do_DELETE(self) -> None:
            heard.append((self.path, self.headers, self.command))
            self.send_response(200)
            self.end_headers()

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write((listed if self.path.startswith("/v1/hooks") else "[]").encode())

        def log_message(self, *words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", heard
    finally:
        server.shutdown()
        server.server_close()


def test_a_refused_token_is_tried_by_what_is_printed(sample: Any) -> None:
    check = "credentials_accepted"
    with sample.clone() as clone:
        surroundings = {**clone.environment, "STOREFRONT_TOKEN": "outlived"}
        verdict = verdicts(clone.parameters, surroundings, [check])[check]
        tries = [one for one in verdict.remedies if one["say"].startswith("try the token of")]
        assert [one["say"].split()[4] for one in tries] == ["acme:", "borealis:"], told(verdict)
        assert "renew it and set STOREFRONT_TOKEN anew" in tries[0]["say"]
        assert "outlived" not in str(verdict.to_json())
        assert in_a_shell(tries[0]["command"], surroundings) == "401\n"
        assert in_a_shell(tries[0]["command"], clone.environment) == "200\n"


def test_rows_are_marked_in_tables_of_any_name(new_ledger: Callable[..., Ledger]) -> None:
    ledger = new_ledger()
    ledger.execute("""insert into ledger."Member" (org, code) values ('S', '77')""")
    check = "refined_missing_at_source"
    verdict = verdicts(ledger.parameters, ledger.environment, [check])[check]
    frame = pd.DataFrame([{"tenant": "south", "resource": "member", "source_id": "77", "cause": "GHOST"}])
    verdict.causes = {"GHOST": 1}
    with opened(ledger.parameters, ledger.environment) as audit:
        (command,) = [one["command"] for one in remedies.offered(audit, verdict, frame) if "command" in one]
    assert command == """update "ledger"."Member" set "void" = true where "org" = 'S' and "code" in ('77');"""
    ledger.execute(command)
    assert verdicts(ledger.parameters, ledger.environment, [check])[check].status is Status.PASS


def test_a_constraint_that_was_never_validated_comes_with_its_statement(new_ledger: Callable[..., Ledger]) -> None:
    ledger, check = new_ledger(), "constraints_are_enforced"
    ledger.execute("""alter table ledger."Member" add constraint "Odd one" check (code <> '') not valid""")
    (command,) = commands(verdicts(ledger.parameters, ledger.environment, [check])[check])
    assert command == """alter table ledger."Member" validate constraint "Odd one";"""
    ledger.execute(command)
    assert verdicts(ledger.parameters, ledger.environment, [check])[check].status is Status.PASS


def test_a_missing_constraint_comes_with_its_statement(new_ledger: Callable[..., Ledger]) -> None:
    ledger = new_ledger()
    ledger.execute("alter table ledger.invoice drop constraint invoice_org_store_number_key")
    verdict = verdicts(ledger.parameters, ledger.environment, ["source_keys_are_unique"])["source_keys_are_unique"]
    (statement,) = commands(verdict)
    ledger.execute(statement)
    again = verdicts(ledger.parameters, ledger.environment, ["source_keys_are_unique"])
    assert again["source_keys_are_unique"].status is Status.PASS


def test_where_the_code_does_not_show_how_to_call_it_the_function_is_named(new_ledger: Callable[..., Ledger]) -> None:
    ledger = new_ledger()
    ledger.execute("update ledger.invoice set void = true where org = 'N' and store = 'A'")
    check = "source_missing_in_refined"
    verdict = verdicts(ledger.parameters, ledger.environment, [check])[check]
    assert commands(verdict) == []
    assert any(remedy["say"].startswith("run pull_invoices again for north: invoice") for remedy in verdict.remedies)


def test_an_id_that_could_end_the_command_is_left_out(sample: Any) -> None:
    rows = [["acme", "order", one] for one in ("1001", "2\nimport os", {"masked": "k1:00", "length": 3}, "gid://x/1")]
    columns = [{"name": name, "role": "key"} for name in ("tenant", "resource", "source_id")]
    result = Result({"tenant": "acme", "resource": "order"}, Status.FAIL, total=4)
    verdict = Verdict("field_differences", "", "", [], "high", Status.FAIL, [result], columns=columns, rows=rows)
    verdict.causes = {"UNDELIVERED": 4}
    frame = pd.DataFrame([{"tenant": "acme", "resource": "order", "source_id": "1", "cause": "UNDELIVERED"}])
    with opened(sample.parameters, sample.environment) as audit:
        words, remedy = remedies.offered(audit, verdict, frame)
    assert words == {"say": "4 UNDELIVERED: fetch these ids again; see at the provider why it did not deliver"}
    assert "# acme: order; ids 1001\n" in remedy["command"]


def test_what_passes_needs_no_remedy(sample: Any) -> None:
    verdict = Verdict("field_differences", "", "", [], "high", Status.PASS, [])
    with opened(sample.parameters, sample.environment) as audit:
        assert remedies.offered(audit, verdict, pd.DataFrame()) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("webhooks: {address: '('}\n", "webhooks.address: is no pattern"),
        ("webhooks: {}\n", "webhooks.address: missing"),
        ("resources: {order: {table: t, key: id, never: {archive: no}}}\n", "never.archive"),
        ("resources: {order: {table: t, key: id, never: {delete: ' '}}}\n", "never.delete"),
    ],
)
def test_what_the_file_says_of_webhooks_is_checked(tmp_path: Path, change: str, words: str) -> None:
    path = tmp_path / "small.yml"
    path.write_text("integration: small\ndatabase: {url_env: SMALL_URL}\n" + change, encoding="utf-8")
    with pytest.raises(ParameterError) as caught:
        load(path)
    assert words in str(caught.value)
