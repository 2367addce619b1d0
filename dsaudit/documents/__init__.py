"""Documents of an integration, drafted from its audit: names, places and figures, and nothing of a record."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from dsaudit.documents.api_coverage import api_coverage
from dsaudit.documents.data_model import data_model
from dsaudit.documents.integration import integration
from dsaudit.documents.orphan_cleanup import orphan_cleanup
from dsaudit.documents.uat_results import uat_results
from dsaudit.documents.webhook_analysis import webhook_analysis

if TYPE_CHECKING:
    from dsaudit.audit import Audit

DRAFTS: dict[str, Callable[[Audit], str]] = {
    "integration": integration,
    "data_model": data_model,
    "api_coverage": api_coverage,
    "webhook_analysis": webhook_analysis,
    "uat_results": uat_results,
    "orphan_cleanup": orphan_cleanup,
}

__all__ = ["DRAFTS"]
