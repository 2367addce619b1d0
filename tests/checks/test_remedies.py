"""What is offered to mend a finding is what mends it, and holds neither a secret nor a trap."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from dsaudit.audit import remedies
from dsaudit.checks import all_checks
from dsaudit.parameters import ParameterError, load
from dsaudit.verdict import Result, Status, Verdict
from tests.checks.auditing import opened, told, verdicts
from tests.ledger import Ledger


def commands(verdict: Verdict) -> list[str]:
    return [remedy["command"] for remedy in verdict.remedies if "command" in remedy]


def test_remedies_are_offered_for_checks_that_exist() -> None:
    assert set(all_checks()) >= remedies.RESYNC | remedies.REGISTER


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


def test_no_command_holds_a_token(sample: Any) -> None:
    with sample.clone() as clone:
        clone.plant("subscription_removed")
        found = verdicts(clone.parameters, clone.environment, ["wanted_topics_are_registered"])
    verdict = found["wanted_topics_are_registered"]
    text = "\n".join(commands(verdict))
    assert "$STOREFRONT_TOKEN" in text and "webhooks.json" in text, told(verdict)
    assert clone.environment["STOREFRONT_TOKEN"] not in str(verdict.to_json())
    assert any("register_webhooks" in remedy["say"] for remedy in verdict.remedies)


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
