"""The checks of the datasource blueprint, and those of all checks that act on the system when they are asked to."""

from __future__ import annotations

from dsaudit.checks import all_checks, notebooks
from dsaudit.checks.planning import check_calls
from dsaudit.parameters import project_root

DATASOURCE = {
    name for path in notebooks(project_root() / "notebooks" / "datasource") for _, name in check_calls(path) if name
}
ACTING = {name for name, check in all_checks().items() if "acts" in check.headers}  # see `test_live_probe`
READING = sorted(DATASOURCE - ACTING)
