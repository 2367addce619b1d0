"""The values that every query may bind."""

from __future__ import annotations

from typing import Any

from dsaudit.clock import Offset
from dsaudit.parameters import Parameters


def bindings(parameters: Parameters, instant: str, offset: Offset | None = None) -> dict[str, Any]:
    """Return what every query may bind: the limits of the policy, the instant, the declared tables.

    `offset` says how far the source's clock is ahead of the database's, where that was measured.
    """
    error = parameters.policy.clock_error_seconds
    low, high = offset or (-error, error)
    return {
        **parameters.policy.model_dump(),
        "clock_low": low,
        "clock_high": high,
        "instant": instant,
        "table_prefix": parameters.table_prefix,
        "declared_tables": parameters.tables,
    }
