"""Writes the metrics as an exporter takes them, the alerts on them as Prometheus does, and a dashboard for Grafana.

The exporter is sql_exporter (github.com/burningalchemist/sql_exporter): postgres_exporter has given up queries of one's
own and names it as the place for them. A collector is one file, has a query for each metric and opens no connection.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import yaml

from dsaudit.monitoring.dashboard import dashboard
from dsaudit.monitoring.metric import Metric
from dsaudit.monitoring.metrics import lacking, measured
from dsaudit.monitoring.queries import Queries
from dsaudit.parameters import Parameters, project_root

LASTS = "5m"  # how long a value has to be beyond its limit: a moment's is no reason to wake somebody
IS_GONE = "15m"  # how long a metric has to be absent: a restarted exporter is none
COLLECTOR = """\
# What watches the integration {integration} between two audits: a collector for sql_exporter, one query a metric.
# Written by `dsaudit monitor`; the tables, columns and limits are those of {file}.
# Use a role that may only read (`dsaudit role` prints one) and whose time zone is UTC:
#   alter role dsaudit_reader set timezone to 'UTC';
#   alter role dsaudit_reader set row_security to off;  -- an error where a policy would hide rows, and not fewer rows
# Each query can be pasted into psql. All values are gauges: take no rate() of them.
# NaN: nothing happened that could be measured. +Inf: it never happened.
"""
RULES = """\
# When the integration {integration} has to be looked at: alert rules for Prometheus on {integration}.collector.yml.
# Written by `dsaudit monitor`; the limits are those of {file}.
# Proof: promtool check rules {integration}.rules.yml
"""


class MonitoringError(Exception):
    """The monitoring cannot be written; the message says where and why."""


def write(parameters: Parameters, folder: Path, force: bool) -> list[str]:
    """Write collector, rules and dashboard into `folder`, and return what is to be told.

    Raises
    ------
    MonitoringError
        Nothing can be measured, a file is there already (without `force`), or the folder cannot be written to.
    """
    refuse_nothing(parameters)
    texts = {"collector.yml": collector, "rules.yml": rules, "dashboard.json": dashboard}
    paths = {folder / f"{parameters.integration}.{kind}": made(parameters) for kind, made in texts.items()}
    there = next((path for path in paths if path.exists()), None)
    if there and not force:
        raise MonitoringError(f"{there} is there already; name another folder, or --force to write over it")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in paths.items():
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise MonitoringError(f"{folder}: cannot be written to: {error.strerror}") from None
    return [*(f"{path}: written" for path in paths), *lacking(parameters)]


def refuse_nothing(parameters: Parameters) -> None:
    """Raise MonitoringError where nothing can be measured."""
    if not measured(parameters):
        head = f"{parameters.path.name}: there is nothing to watch"
        raise MonitoringError("\n".join([head, *lacking(parameters)]))


def collector(parameters: Parameters) -> str:
    """Return the collector: what sql_exporter asks the database."""
    queries = Queries(parameters)
    metrics = [
        {
            "metric_name": metric.name,
            "type": "gauge",
            "help": metric.help,
            "key_labels": ["integration", *metric.labels],
            "values": ["value"],
            "query": metric.query(queries) + "\n",
        }
        for metric in measured(parameters)
    ]
    name = parameters.integration.replace("-", "_")
    return _written(COLLECTOR, parameters, {"collector_name": name, "min_interval": "60s", "metrics": metrics})


def rules(parameters: Parameters) -> str:
    """Return the alert rules: one for each metric beyond its limit, and one for each that is gone."""
    limits = {metric: metric.limits(parameters) for metric in measured(parameters)}
    name = parameters.integration
    beyond = [_beyond(metric, parameters, *one) for metric, some in limits.items() for one in some.items()]
    gone = [_absent(metric, parameters) for metric, some in limits.items() if some]
    groups = [
        {"name": f"{name}: beyond a limit", "rules": beyond},
        {"name": f"{name}: not watched", "rules": gone},
    ]
    return _written(RULES, parameters, {"groups": groups})


SHOWN = {
    "seconds": "$value | humanizeDuration",
    "ratio": "$value | humanizePercentage",
    "count": 'printf "%.0f" $value',
}


def _beyond(metric: Metric, parameters: Parameters, relation: str, limit: float) -> dict[str, Any]:
    told = {label: f"{{{{ $labels.{label} }}}}" for label in metric.labels}
    value = f"{{{{ {SHOWN[metric.unit]} }}}}"
    summary = metric.summary.format(value=value, limit=f"at most {metric.told(limit)}", **told)
    return {
        "alert": metric.alert,
        "expr": f"{_selector(metric, parameters, relation)} > {_number(limit)}",
        "for": LASTS,
        "labels": {"severity": metric.severity},
        "annotations": {
            "summary": f"{parameters.integration}, {summary}",
            "runbook": f"Look {metric.look}. Then let an audit tell more: {_command(metric, parameters)}",
        },
    }


def _absent(metric: Metric, parameters: Parameters) -> dict[str, Any]:
    return {
        "alert": "IntegrationNotWatched",
        "expr": f"absent({_selector(metric, parameters)})",
        "for": IS_GONE,
        "labels": {"severity": "warning", "metric": metric.name},
        "annotations": {
            "summary": f"{parameters.integration}, {metric.name} is gone: whatever it would tell, nobody hears",
            "runbook": "Look whether sql_exporter runs and reaches the database, and what it logs of this query. "
            f"Until it is back: {_command(metric, parameters)}",
        },
    }


def _selector(metric: Metric, parameters: Parameters, relation: str = "") -> str:
    told = f',relation="{relation}"' if relation else ""
    return f'{metric.name}{{integration="{parameters.integration}"{told}}}'


def _command(metric: Metric, parameters: Parameters) -> str:
    checks = "".join(f" --check {name}" for name in metric.runnable(parameters))
    which = f" --blueprint {metric.blueprint}" if metric.blueprint and len(parameters.blueprints) > 1 else ""
    return f"dsaudit run {shlex.quote(_shown(parameters))}{which}{checks}"


def _shown(parameters: Parameters) -> str:
    root, path = project_root(), parameters.path
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _number(value: float) -> str:
    """Return a limit as PromQL has it, without the last digits of a float that was reckoned."""
    return f"{value:.12g}"


class _Dumper(yaml.SafeDumper):
    """Writes a text of several lines as it stands."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def _written(head: str, parameters: Parameters, document: dict[str, Any]) -> str:
    told = head.format(integration=parameters.integration, file=_shown(parameters))
    return told + yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)
