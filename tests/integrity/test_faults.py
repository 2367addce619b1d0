"""Each check of relations, tenancy and invariants: it passes on clean data, and fails on its fault naming the rows."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dsaudit.verdict import Status
from tests.checks.auditing import all_rows, opened, told, verdicts
from tests.integrity.faults import RELATIONS
from tests.integrity.system import System
from tests.integrity.tenancy_faults import TENANCY

pytestmark = pytest.mark.xdist_group("integrity")

CHECKS = (
    *("relations_are_foreign_keys", "delete_rules_are_declared", "foreign_keys_are_declared", "references_are_indexed"),
    *("required_references_are_not_null", "enough_children_are_linked", "parents_count_their_children", "orphans"),
    *("tenant_columns_are_filled", "children_share_the_tenancy", "references_stay_within_the_tenant"),
    *("tables_have_row_security", "application_cannot_bypass", "invariants_hold", "invariants_are_constraints"),
    *("tenant_tables_are_audited", "constraints_are_enforced", "declared_tables_exist", "declared_columns_exist"),
)
FAULTS = {**RELATIONS, **TENANCY}


@pytest.mark.parametrize("check", CHECKS)
def test_passes_on_clean_data_odd_as_it_is(check: str, clean: System) -> None:
    verdict = verdicts(clean.parameters, clean.environment, [check])[check]
    assert verdict.status is Status.PASS, told(verdict)
    assert verdict.examined > 0


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_with_its_rows_and_nothing_else(name: str, new: Callable[..., System]) -> None:
    planted, system = FAULTS[name], new()
    system.execute(*planted.statements)
    with opened(system.parameters, system.environment) as audit:
        found = {check: audit.check(check) for check in CHECKS}
        rows = all_rows(audit, found[planted.check])
    assert found[planted.check].status is Status.FAIL, told(found[planted.check])
    assert len(rows) == len(planted.rows), rows
    for expected in planted.rows:
        assert any(expected.items() <= {**row}.items() for row in rows), (expected, rows)
    others = {check for check in CHECKS if found[check].status is not Status.PASS} - {planted.check, *planted.may}
    assert not others, [told(found[check]) for check in others]


def test_every_check_has_a_fault() -> None:
    old = {"constraints_are_enforced", "declared_tables_exist", "declared_columns_exist"}
    assert {one.check for one in FAULTS.values()} == set(CHECKS) - old
