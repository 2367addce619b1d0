"""Checks: found by name, parsed from their files, planned against the parameter file."""

from dsaudit.checks.finding import COUNTS, Check, CheckError, all_checks, find_table, own_checks
from dsaudit.checks.planning import (
    Planned,
    check_scopes,
    is_declared,
    lacking_ways_in,
    notebooks,
    plan,
    plan_check,
    planned_resources,
    sent_for,
)

__all__ = [
    "COUNTS",
    "Check",
    "CheckError",
    "Planned",
    "all_checks",
    "check_scopes",
    "find_table",
    "is_declared",
    "lacking_ways_in",
    "notebooks",
    "own_checks",
    "plan",
    "plan_check",
    "planned_resources",
    "sent_for",
]
