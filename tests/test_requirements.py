"""Every requirement of a blueprint has its check, its phase and its fault; the table is printed."""

from __future__ import annotations

import pytest

from dsaudit.checks import all_checks
from tests.faults.library import DEMANDS

# Requirement and the phase that has to hold its checks.
PHASES = {
    "01_manual_sync": ["BS0", "BS1"],
    "02_task": ["BS2"],
    "03_idempotency": ["BS3"],
    "04_schedule": ["BS4"],
    "05_logging": ["BS5"],
    "06_database": ["BS6"],
    "07_feature_flag": ["BS7", "BS8"],
    "01_configuration": ["DS0", "DS1.1", "DS1.2"],
    "02_sync_coverage": ["DS2.1", "DS2.2", "DS2.3"],
    "03_webhook_coverage": ["DS3.1", "DS3.2", "DS3.3", "WH1"],
    "04_deduplication": ["DS4.1", "DS4.2", "DS4.3"],
    "05_accuracy": ["DS5.1", "DS5.3", "WH2", "WH3"],
    "06_realtime": ["DS6.1", "DS6.2"],
    "07_performance": ["DS7.1", "DS7.2", "DS7.3", "DS7.4"],
    "08_documentation": ["DS8.2", "WH6"],
    "01_relationships": ["DI1", "DI2", "DI11"],
    "02_constraints": ["DI2", "DI3"],
    "03_tenancy": ["DI4"],
    "04_api": ["DI5"],
    "05_performance": ["DI6"],
    "06_import": ["DI10"],
    "07_readiness": ["DI8", "DI11"],
    "01_end_to_end": ["PI1"],
    "02_errors": ["PI2"],
    "03_states": ["PI1"],
    "04_migrations": ["PI3"],
    "05_locks": ["PI3"],
    "06_metrics": ["PI4"],
    "07_alerts": ["PI4"],
    "08_readiness": ["PI5"],
}
# What no check can say of itself: DS5.4 is the phase's summary, DS8.1, DS8.3 and DI9 are the report, DS9.1 the
# remedies, DI7 is what `dsaudit monitor` writes.


def test_the_table_of_requirements_checks_and_faults(capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print()
        for one in sorted(DEMANDS, key=lambda one: (one.requirement, one.phase, one.check)):
            names = ", ".join(kind.fault for kind in one.kinds)
            print(f"{one.requirement:6} {one.phase:20} {one.check:38} {names}")
    assert DEMANDS


@pytest.mark.parametrize(("phase", "ids"), PHASES.items(), ids=PHASES)
def test_a_phase_is_built_when_each_of_its_requirements_has_a_check_with_a_fault(phase: str, ids: list[str]) -> None:
    having = {one.requirement for one in DEMANDS if one.phase == phase and one.kinds}
    assert set(ids) <= having


def test_every_check_is_called_by_a_notebook() -> None:
    assert set(all_checks()) - {one.check for one in DEMANDS} == set()
