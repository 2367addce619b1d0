"""Every check also passes, and fails on its fault, on a system of another shape: see `tests.ledger`."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dsaudit import server
from dsaudit.checks import all_checks
from dsaudit.checks.planning import plan_check
from dsaudit.parameters import load
from dsaudit.verdict import Status
from tests import ledger
from tests.checks.asked import CALLED
from tests.checks.auditing import Verdicts, told, verdicts
from tests.ledger.faults import FAULTS, damage


def _applicable() -> list[str]:
    """Return the checks that the ledger's parameter file gives something to run on."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("export", "code", "docs"):
            (Path(folder) / name).mkdir()
        parameters = load(ledger.parameters_in(Path(folder)))
        return sorted(name for name in CALLED if plan_check(all_checks()[name], parameters).skipped is None)


APPLICABLE = _applicable()


@pytest.fixture(scope="module")
def clean(postgres: server.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Verdicts]:
    with ledger.running(postgres.url, tmp_path_factory.mktemp("ledger")) as one:
        yield verdicts(one.parameters, one.environment, APPLICABLE)


@pytest.mark.parametrize("name", APPLICABLE)
def test_passes_on_clean_data_of_another_shape(name: str, clean: Verdicts) -> None:
    assert clean[name].status is Status.PASS, told(clean[name])


@pytest.mark.parametrize("name", APPLICABLE)
def test_fails_on_its_fault(name: str, new_ledger: Callable[..., ledger.Ledger]) -> None:
    assert name in FAULTS, f"the ledger has no fault for {name}"
    damaged = new_ledger()
    damage(damaged, name)
    verdict = verdicts(damaged.parameters, damaged.environment, [name])[name]
    assert verdict.status is Status.FAIL, told(verdict)
    assert any(FAULTS[name] in str(row) for row in verdict.rows), told(verdict)
