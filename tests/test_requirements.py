"""Every requirement of a blueprint has its check, its phase and its fault; the table is printed."""

from __future__ import annotations

from inspect import getsource

import pytest

from dsaudit.checks import all_checks, notebooks
from dsaudit.checks.planning import check_calls
from dsaudit.parameters import project_root
from examples.discovery import faults as discovery
from examples.listings import faults as listings
from examples.referrals import faults as referrals
from examples.storefront import faults as storefront

BLUEPRINTS = ("datasource", "background_sync", "data_integrity", "partial_import")
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


def _table() -> list[tuple[str, str, str, list[str]]]:
    """Return requirement, phase, check and the faults that name the check."""
    planters = storefront.FAULTS | storefront.LIVE_FAULTS | referrals.FAULTS | discovery.FAULTS | discovery.LIVE_FAULTS
    planters |= listings.FAULTS | listings.LIVE_FAULTS
    sources = {name: getsource(fault) for name, fault in planters.items()}
    rows = []
    folder = project_root() / "notebooks"
    for notebook in [path for blueprint in BLUEPRINTS for path in notebooks(folder / blueprint)]:
        for _, name in check_calls(notebook):
            if name is None:
                continue
            faults = [fault for fault, text in sources.items() if f'"{name}"' in text]
            rows += [(one, notebook.stem, name, faults) for one in all_checks()[name].listed("requirement")]
    return sorted(rows)


def test_the_table_of_requirements_checks_and_faults(capsys: pytest.CaptureFixture[str]) -> None:
    rows = _table()
    with capsys.disabled():
        print()
        for requirement, phase, check, faults in rows:
            print(f"{requirement:6} {phase:20} {check:38} {', '.join(faults)}")
    assert rows


@pytest.mark.parametrize(("phase", "ids"), PHASES.items(), ids=PHASES)
def test_a_phase_is_built_when_each_of_its_requirements_has_a_check_with_a_fault(phase: str, ids: list[str]) -> None:
    having = {requirement for requirement, at, _, faults in _table() if at == phase and faults}
    assert set(ids) <= having


def test_every_check_is_called_by_a_notebook() -> None:
    called = {check for _, _, check, _ in _table()}
    assert set(all_checks()) - called == set()
