"""Watches an integration between two audits: metrics for an exporter, alert rules, and a look at those there are."""

from dsaudit.monitoring.dashboard import dashboard
from dsaudit.monitoring.given import has_alerts
from dsaudit.monitoring.metric import Metric
from dsaudit.monitoring.metrics import ALL, METRICS, measured, why_not
from dsaudit.monitoring.queries import Queries
from dsaudit.monitoring.writing import MonitoringError, collector, refuse_nothing, rules, write

__all__ = [
    "ALL",
    "METRICS",
    "Metric",
    "MonitoringError",
    "Queries",
    "collector",
    "dashboard",
    "has_alerts",
    "measured",
    "refuse_nothing",
    "rules",
    "why_not",
    "write",
]
