"""Documents of an integration, drafted from its audit: names, places and figures, and nothing of a record."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from dsaudit.documents.webhook_analysis import webhook_analysis

if TYPE_CHECKING:
    from dsaudit.audit import Audit

DRAFTS: dict[str, Callable[[Audit], str]] = {"webhook_analysis": webhook_analysis}

__all__ = ["DRAFTS"]
