"""Tables of phase 7: what the application logs, by level and time, and its errors by what they say."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pandas as pd

from dsaudit.facts.logs import lines, log, said, words
from dsaudit.functions import Row
from dsaudit.logs import binned

if TYPE_CHECKING:
    from dsaudit.audit import Audit

STEPS = (1, 10, 60, 600, 3600, 21600)  # seconds of an interval
MOST = 120  # intervals


def logged_errors(audit: Audit) -> pd.DataFrame:
    """Errors that the application logged, by what they say; numbers and all that may be data are left out.

    needs: logs
    show: level, said
    """
    if log(audit).problem:
        return pd.DataFrame()
    known = words(audit)
    found: dict[tuple[str, str], Row] = {}
    for line in lines(audit):
        if line.is_error:
            key = line.level, said(line, known)
            none = {"errors": 0, "naming_a_record": 0, "first": line.at, "last": line.at}
            row = found.setdefault(key, {"level": key[0], "said": key[1], **none})
            row["errors"] += 1
            row["naming_a_record"] += bool(line.delivery_id or line.source_id)
            row["first"], row["last"] = min(row["first"], line.at), max(row["last"], line.at)
    rows = sorted(found.values(), key=lambda row: (-row["errors"], row["level"], row["said"]))
    return pd.DataFrame(rows, dtype=object)


def log_over_time(audit: Audit) -> pd.DataFrame:
    """Lines of the application's logs in each interval of time, by level.

    needs: logs
    show: level
    """
    notes = log(audit).notes
    if not notes.counts:
        return pd.DataFrame()
    length = max(second for second, _ in notes.counts) - min(second for second, _ in notes.counts)
    step = next((one for one in STEPS if one >= notes.step and length <= MOST * one), STEPS[-1])
    errors = audit.parameters.logs.error_levels if audit.parameters.logs else frozenset()
    rows = [
        {"level": level or "none", "is_error": level in errors, "time": datetime.fromtimestamp(second, UTC),
         "lines": count, "seconds": float(step), "until": audit.instant}
        for (second, level), count in sorted(binned(notes.counts, step).items())
    ]  # fmt: skip
    return pd.DataFrame(rows)
