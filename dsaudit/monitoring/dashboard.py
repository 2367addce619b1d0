"""A dashboard for Grafana: a panel for each metric, with the limit from which on its line is red."""

from __future__ import annotations

import json
from typing import Any

from dsaudit.monitoring.metric import Metric
from dsaudit.monitoring.metrics import measured
from dsaudit.parameters import Parameters

SCHEMA = 39  # of Grafana 10.4; a newer one brings it up to its own
WIDTH, HEIGHT = 12, 8  # of a panel; a row of the grid has 24 columns
UNITS = {"seconds": "s", "ratio": "percentunit", "count": "short"}
UID_LENGTH = 40
SOURCE = {"type": "prometheus", "uid": "${source}"}


def dashboard(parameters: Parameters) -> str:
    """Return the dashboard as JSON, to be imported or provisioned; the data source is a variable of it."""
    name = parameters.integration
    panels = [_panel(number, metric, parameters) for number, metric in enumerate(measured(parameters))]
    source = {"name": "source", "label": "Data source", "type": "datasource", "query": "prometheus", "current": {}}
    told = {
        "uid": f"dsaudit-{name}"[:UID_LENGTH],
        "title": f"{name}: between two audits",
        "tags": ["dsaudit"],
        "schemaVersion": SCHEMA,
        "version": 1,
        "editable": True,
        "timezone": "utc",
        "refresh": "1m",
        "time": {"from": "now-24h", "to": "now"},
        "templating": {"list": [source]},
        "annotations": {"list": []},
        "panels": panels,
    }
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def _panel(number: int, metric: Metric, parameters: Parameters) -> dict[str, Any]:
    limits = metric.limits(parameters).values()
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    # Of several limits the least: what is above it is to be looked at.
    steps += [{"color": "red", "value": _above(metric, min(limits))}] if limits else []
    legend = " ".join(f"{{{{{label}}}}}" for label in metric.labels) or parameters.integration
    expression = f'{metric.name}{{integration="{parameters.integration}"}}'
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": _title(metric),
        "description": metric.help,
        "datasource": SOURCE,
        "gridPos": {"x": number % 2 * WIDTH, "y": number // 2 * HEIGHT, "w": WIDTH, "h": HEIGHT},
        "targets": [{"refId": "A", "datasource": SOURCE, "expr": expression, "legendFormat": legend}],
        "fieldConfig": {
            "defaults": {
                "unit": UNITS[metric.unit],
                "min": 0,
                "thresholds": {"mode": "absolute", "steps": steps},
                "custom": {"thresholdsStyle": {"mode": "line" if limits else "off"}},
            },
            "overrides": [],
        },
        "options": {"legend": {"displayMode": "table", "placement": "right", "calcs": ["lastNotNull"]}},
    }


def _above(metric: Metric, limit: float) -> float:
    """Return from where on a value is beyond its limit, as Grafana colours what is at a threshold too."""
    return limit + 1 if metric.unit == "count" else limit


def _title(metric: Metric) -> str:
    words = metric.name.removeprefix("integration_").replace("_", " ")
    return words[:1].upper() + words[1:]
