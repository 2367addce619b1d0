"""dsaudit: a workbook that proves, notebook by notebook, that PostgreSQL holds what the source has."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from dsaudit.audit import Audit

__all__ = ["open"]
__version__ = "0.1.0"


def open(
    system: str, phase: str, replay: str = "", live: bool = False, probe: bool = False, **part: Any
) -> Audit:  # it reads like the open it resembles
    """Open the audit of one phase: see `dsaudit.audit.open`, which is imported only when it is called."""
    from dsaudit import audit

    return audit.open(system, phase, replay, live, probe, **part)
