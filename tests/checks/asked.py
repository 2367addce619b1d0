"""The checks that act on the system, and so run only when they are asked to: see `test_live_probe`."""

from __future__ import annotations

from dsaudit.checks import all_checks

ACTING = {name for name, check in all_checks().items() if "acts" in check.headers}
READING = sorted(set(all_checks()) - ACTING)
