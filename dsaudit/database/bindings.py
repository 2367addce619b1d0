"""The values that every query may bind."""

from __future__ import annotations

from typing import Any

from dsaudit.clock import Offset
from dsaudit.parameters import Parameters


def bindings(parameters: Parameters, instant: str, offset: Offset | None = None) -> dict[str, Any]:
    """Return what every query may bind: the limits of the policy, the instant, the declared tables.

    `offset` says how far the source's clock is ahead of the database's, where that was measured. A bound that the file
    itself declares narrows it, as long as the two do not contradict each other.
    """
    policy = parameters.policy
    own = Offset(-policy.clock_error_seconds, policy.clock_error_seconds)
    is_declared = "clock_error_seconds" in policy.model_fields_set
    low, high = own if offset is None else (is_declared and offset.narrowed(own)) or offset
    return {
        **policy.model_dump(),
        "clock_low": low,
        "clock_high": high,
        "instant": instant,
        "table_prefix": parameters.table_prefix,
        "declared_tables": parameters.tables,
        "is_probed": bool(parameters.webhooks and parameters.webhooks.probe),
    }
