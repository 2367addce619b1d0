"""A probe in a run: told before it is sent, sent once, told in the report, and not sent again by a replay."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.checks.receiver import SECRET, Receiver, receiving
from tests.run.conftest import Project
from tests.run.test_run import command

CHECKS = ["forged_deliveries_refused", "forged_deliveries_not_stored"]


def found(folder: Path) -> dict[str, Any]:
    result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    assert (result["probe"]["address"], len(result["probe"]["kinds"])) == (address(result), 6)
    return {one["check"]: (one["status"], one["rows"]) for one in result["verdicts"]}


def address(result: dict[str, Any]) -> str:
    return str(result["probe"]["address"])


def test_a_probe_is_told_sent_and_replayed(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    project.notebook("03_webhooks", [f"audit.check('{name}')" for name in CHECKS])
    with receiving(Receiver(looks_at_time=False)) as receiver:
        probe = f"webhooks: {{probe: {{url: '{receiver.url}?key=abc', secret_env: HOOK_SECRET}}, address: "
        project.ledger.edit("parameters/ledger.yml", "webhooks: {address: ", probe)
        project.ledger.edit("parameters/ledger.yml", "integration: ledger\n", "integration: ledger\nprovider: stripe\n")
        tried = command("check", str(project.ledger.parameters))
        assert f"✓ probe: a run sends 6 forged deliveries to {receiver.url}?…, each to be refused\n" in tried.output
        assert receiver.came == []
        first = project.run().folder
        assert len(receiver.came) == 6
        told = found(first)
        assert [told[name][0] for name in CHECKS] == ["fail", "pass"]
        (row,) = told[CHECKS[0]][1]
        assert row[0] == "signed rightly, but too long ago"
        page = (first / "report.html").read_text(encoding="utf-8")
        assert f"6 deliveries of our own sent to {receiver.url}?…, to see forged ones refused" in page
        done = command("run", str(project.ledger.parameters), "--replay", str(first))
        assert done.exit_code == 1, done.output
        (second,) = {*(project.root / "reports" / "ledger").glob("2*")} - {first}
        assert len(receiver.came) == 6 and found(second) == told


def test_check_says_what_is_lacking(project: Project) -> None:
    tried = command("check", str(project.ledger.parameters))
    assert "webhooks.probe" in next(line for line in tried.output.splitlines() if line.startswith("– not given: "))
    probe = "provider: shopify\nwebhooks: {probe: {secret_env: NOT_SET}, address: "
    project.ledger.edit("parameters/ledger.yml", "webhooks: {address: ", probe)
    tried = command("check", str(project.ledger.parameters))
    place = r"✗ probe: [^ ]*ledger\.yml:\d+:\d+: webhooks\.probe\.secret_env"
    assert tried.exit_code == 3 and re.search(f"{place}: the environment variable NOT_SET is not set", tried.output)
