"""History: what the folders of earlier runs tell. There is no other record of them."""

from dsaudit.history.changes import compare
from dsaudit.history.runs import HistoryError, reports_of

__all__ = ["HistoryError", "compare", "reports_of"]
