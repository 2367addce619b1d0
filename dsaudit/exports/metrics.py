"""The state of the last audit as a file that Prometheus' node exporter picks up (its textfile collector)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from dsaudit.exports.words import groups, plain
from dsaudit.report.telling import DECISIONS
from dsaudit.verdict import Status

Record = dict[str, Any]
SYSTEM = ("integration", "environment", "blueprint")


def exposition(result: Record) -> str:
    """Return a result as Prometheus' text format. No label has a value out of the data; there are some hundred lines.

    Of a state each possible one is told, as 1 or 0, so that no line comes or goes from one run to the next.
    """
    registry = CollectorRegistry()
    run, changes = result["run"], result.get("changes", {})
    system = {name: plain(run[name]) for name in SYSTEM}

    def tell(name: str, means: str, values: Mapping[str, float], label: str = "") -> None:
        gauge = Gauge(name, means, [*SYSTEM, *filter(None, [label])], registry=registry)
        for value, number in values.items():
            gauge.labels(**system, **({label: plain(value)} if label else {})).set(number)

    started, ended = (datetime.fromisoformat(run[name]).timestamp() for name in ("started", "ended"))
    checks = Counter(verdict["status"] for verdict in result["verdicts"])
    rows = sum(len(verdict["findings"]) for verdict in result["verdicts"] if verdict["status"] == Status.FAIL)
    tell("dsaudit_last_run_timestamp_seconds", "When the last audit ended.", {"": ended})
    tell("dsaudit_last_run_duration_seconds", "How long the last audit took.", {"": ended - started})
    tell(
        "dsaudit_last_run_whole", "Whether it was a whole audit (1) and not of a part (0).", {"": not result["limits"]}
    )
    tell("dsaudit_decision", "How it was decided.", _state(result["decision"], DECISIONS), "decision")
    tell("dsaudit_checks", "Checks by their status.", {one: checks[one] for one in Status}, "status")
    tell("dsaudit_failing_rows", "Rows found by checks that fail.", {"": rows})
    tell("dsaudit_findings", "Differences by group of their cause.", groups(result["verdicts"]), "group")
    found = {name: changes.get(name, 0) for name in ("new", "known", "fixed")} if changes.get("against") else {}
    tell("dsaudit_changed_rows", "Rows found, against the last comparable audit.", found, "change")
    criteria = Gauge(
        "dsaudit_criterion",
        "The status of each success criterion.",
        [*SYSTEM, "criterion", "status"],
        registry=registry,
    )
    for one in result["criteria"]:
        for status, number in _state(one["status"], Status).items():
            criteria.labels(**system, criterion=plain(one["id"]), status=status).set(number)
    return generate_latest(registry).decode()


def _state(current: str, states: Iterable[str]) -> dict[str, float]:
    return {str(state): float(state == current) for state in states}
