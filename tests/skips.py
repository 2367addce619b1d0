"""Where CI=true, a test may be skipped for a listed reason only: a suite that skips its tests proves nothing."""

import os
from collections.abc import Generator
from typing import TypeVar

import pytest

# Each is what a machine may lack and `.ci/run` cannot always give it. A reason counts when it starts with one of these.
LISTED = (
    "chromium is not installed",
    "namespaces and setpriv are Linux's",
    "needs root",
    "prometheus is not installed",
    "promtool is not installed",
    "the package lies where another user cannot read it",
    "the server was given",
    "this rival is not installed",
)

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


def _judged(report: Report) -> Report:
    """Turn an unlisted skip into a failure that says so."""
    if os.environ.get("CI") == "true" and report.skipped and not hasattr(report, "wasxfail"):
        reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
        if not reason.removeprefix("Skipped: ").startswith(LISTED):
            report.outcome = "failed"
            report.longrepr = f"{reason}\nCI=true allows no skip that tests/skips.py does not list"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _judged((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _judged((yield))
