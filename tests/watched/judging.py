"""What the tests of watching judge by: the checks and tables, the files of the small service, and a judgement."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from dsaudit.verdict import Verdict
from tests.checks.auditing import all_rows, opened
from tests.watched.conftest import Watched

needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")

EXPOSED, GAUGES, MODULE, CHEAP = (
    *("metrics_are_exposed", "gauges_are_set", "metrics_module_can_be_imported", "instrumentation_is_cheap"),
)
KNOWN, SAYS = "dashboards_name_known_metrics", "dashboards_say_what_they_show"
SOUND, PROMTOOL, COVER = "alert_rules_are_sound", "alert_rules_pass_promtool", "monitoring_rules_cover_every_danger"
ALL = (EXPOSED, GAUGES, MODULE, CHEAP, KNOWN, SAYS, SOUND, PROMTOOL, COVER)
TABLES = ("metrics_exposed", "instrumentation_costs", "dashboard_panels", "corrected_rules")
RULES, BOARD, CODE, FILE = (
    *("backend/rules.yml", "backend/dashboard.json", "backend/metrics.py", "parameters/small-discovery.yml"),
)


def judged(watched: Watched, *names: str) -> dict[str, tuple[Verdict, list[dict[str, Any]]]]:
    """Each named check with its rows."""
    with opened(watched.system.parameters, watched.environment) as audit:
        found = {name: audit.check(name) for name in names}
        return {name: (verdict, all_rows(audit, verdict)) for name, verdict in found.items()}
