"""Watches an integration between two audits: metrics for an exporter, alert rules, and a look at those there are."""

from dsaudit.monitoring.given import has_alerts
from dsaudit.monitoring.metrics import METRICS, Metric, measured, why_not
from dsaudit.monitoring.queries import Queries
from dsaudit.monitoring.writing import MonitoringError, collector, rules, write

__all__ = [
    "METRICS",
    "Metric",
    "MonitoringError",
    "Queries",
    "collector",
    "has_alerts",
    "measured",
    "rules",
    "why_not",
    "write",
]
