"""Each fault of partial imports is found by its root check, before what follows from it, and nothing else changes."""

from __future__ import annotations

import re
from inspect import getsource
from typing import Any

import pytest

from dsaudit.server import Server
from examples.listings.faults import FAULTS, LIVE_FAULTS
from tests.faults.judging import in_full, judged, what_is_wrong
from tests.faults.systems import SYSTEMS
from tests.partial_import.auditing import CHECKS, needing

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


def judge(fault: str, live: bool, listings: Any, server: str) -> None:
    try:
        planted = listings.plant(fault)
        found = SYSTEMS["listings"].audit(listings, server, live)
    finally:
        listings.heal()
    trial = judged(f"listings/{fault}", "partial_import", planted, found)
    assert what_is_wrong(trial) == [], in_full(trial, found)
    assert found.decided["order"][0] == trial.root


@pytest.mark.parametrize("fault", grouped(FAULTS))
def test_a_fault_is_found_by_its_root_and_nothing_else_changes(fault: str, listings: Any, postgres: Server) -> None:
    judge(fault, False, listings, postgres.url)


@pytest.mark.parametrize("fault", grouped(LIVE_FAULTS))
def test_what_the_app_does_wrong_is_found_by_what_an_audit_does(fault: str, listings: Any, postgres: Server) -> None:
    judge(fault, True, listings, postgres.url)


def test_every_check_of_this_blueprint_is_the_root_of_a_fault() -> None:
    told = [re.search(r'Expected\(\s*"(\w+)"', getsource(fault)) for fault in (FAULTS | LIVE_FAULTS).values()]
    assert set(CHECKS) - {root[1] for root in told if root} == OTHERS
