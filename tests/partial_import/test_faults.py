"""Each fault of partial imports is found by its root check, before what follows from it, and nothing else changes."""

from __future__ import annotations

import re
from inspect import getsource
from typing import Any

import pytest

from dsaudit.checks import all_checks
from dsaudit.server import Server
from dsaudit.verdict import Status
from examples.listings.faults import FAULTS, LIVE_FAULTS
from tests.checks.auditing import decision, told
from tests.partial_import.auditing import CHECKS, READING, audited_again, needing

GROUPS = 2  # samples at once: each fault is planted alone, and healed
OF_PROGRAMS = {"alert_tests_fail": "alert_rules_pass_promtool", "alert_never_fires": "alerts_fire"}
# What is declared, and what other blueprints have faults for.
OTHERS = {
    *("declared_tables_exist", "declared_columns_exist", "constraints_are_enforced", "errors_have_one_format"),
    *("queries_within_budget", "queries_use_an_index", "api_serves_the_rows", "api_values_equal_tables"),
    *("monitoring_rules_cover_every_danger", "monitoring_rules_name_known_metrics"),
}


def grouped(faults: dict[str, Any]) -> list[Any]:
    return [
        needing(fault, OF_PROGRAMS.get(fault, ""), f"partial_import-{place % GROUPS}")
        for place, fault in enumerate(sorted(faults))
    ]


def judge(fault: str, names: list[str], live: bool, listings: Any, server: str) -> None:
    try:
        planted = listings.plant(fault)
        found = audited_again(listings, names, server, live)
    finally:
        listings.heal()
    for expected in planted.must:
        verdict = found.verdicts[expected.check]
        assert verdict.status == expected.status, told(verdict)
        key = all_checks()[expected.check].listed("key")[0]
        texts = [{name: str(value) for name, value in row.items()} for row in found.rows[expected.check]]
        inside = [row for row in texts if expected.scope.items() <= row.items()]
        assert inside and set(expected.keys) <= {row[key] for row in inside}, told(verdict)
        assert set(expected.fields) <= {value for row in inside for value in row.values()}, told(verdict)
    musts = [expected.check for expected in planted.must]
    allowed = {*musts, *planted.may}
    alarms = [
        told(one) for name, one in found.verdicts.items() if one.status is not Status.PASS and name not in allowed
    ]
    assert alarms == []
    decided = decision(found.parameters, found.verdicts)
    assert (decided["order"][0], decided["reasons"][0]["check"]) == (musts[0], musts[0]), decided["order"]


@pytest.mark.parametrize("fault", grouped(FAULTS))
def test_a_fault_is_found_by_its_root_and_nothing_else_changes(fault: str, listings: Any, postgres: Server) -> None:
    judge(fault, READING, False, listings, postgres.url)


@pytest.mark.parametrize("fault", grouped(LIVE_FAULTS))
def test_what_the_app_does_wrong_is_found_by_what_an_audit_does(fault: str, listings: Any, postgres: Server) -> None:
    judge(fault, CHECKS, True, listings, postgres.url)


def test_every_check_of_this_blueprint_is_the_root_of_a_fault() -> None:
    told = [re.search(r'Expected\(\s*"(\w+)"', getsource(fault)) for fault in (FAULTS | LIVE_FAULTS).values()]
    assert set(CHECKS) - {root[1] for root in told if root} == OTHERS
