"""The values that every query may bind."""

from __future__ import annotations

from typing import Any

from dsaudit.clock import Offset
from dsaudit.parameters import Parameters


def bindings(parameters: Parameters, instant: str, offset: Offset | None = None) -> dict[str, Any]:
    """Return what every query may bind: the limits of the policy, the instant, the declared tables.

    `offset` says how far the source's clock is ahead of the database's, where that was measured. What is received and
    refined is dated by the application's clock, which may be apart from the database's by `clock_error_seconds`. A
    bound that the file itself declares narrows what was measured; where the two contradict each other, both hold.
    """
    policy = parameters.policy
    own = Offset(-policy.clock_error_seconds, policy.clock_error_seconds)
    is_declared = "clock_error_seconds" in policy.model_fields_set
    low, high = own
    if offset is not None:
        measured = offset.beside(own)
        both = measured.narrowed(own) or Offset(min(low, measured.low), max(high, measured.high))
        low, high = both if is_declared else measured
    return {
        **policy.model_dump(),
        "clock_low": low,
        "clock_high": high,
        "instant": instant,
        "table_prefix": parameters.table_prefix,
        "declared_tables": parameters.tables,
        "is_probed": bool(parameters.webhooks and parameters.webhooks.probe),
    }
