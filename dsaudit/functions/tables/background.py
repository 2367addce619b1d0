"""Tables of the background-sync blueprint: the state of its parts, what this run did, the results, the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from dsaudit.background import calls, disturbances, kept, queueing, results, rollback
from dsaudit.background.broker import BrokerError, connected
from dsaudit.functions import Row
from dsaudit.wording import span

if TYPE_CHECKING:
    from dsaudit.audit import Audit


def quick_status(audit: Audit) -> pd.DataFrame:
    """Each part that a sync needs, as it answers now.

    show: part, state, told
    """
    rows = [*_api(audit), *_broker(audit), *_history(audit)]
    whose = f"{audit.identity.database}, asked as {audit.identity.role}"
    rows.append({"part": "database", "state": "ok", "told": whose})
    if shown := disturbances.shown(audit):
        rows.append({"part": "feature flag", "state": shown, "told": "as the API shows it"})
    return pd.DataFrame(rows, dtype=object)


def _api(audit: Audit) -> list[Row]:
    if audit.parameters.api is None or not audit.parameters.api.health:
        return []
    answered = calls.health(audit.parameters)
    is_well = answered.status is not None and 200 <= answered.status < 300
    return [{"part": "API", "state": "ok" if is_well else "not well", "told": answered.told}]


def _broker(audit: Audit) -> list[Row]:
    if audit.parameters.worker is None:
        return []
    try:
        with connected(audit.parameters) as broker:
            workers, active, queued = broker.workers(), broker.active(), broker.queued()
    except BrokerError as error:
        return [{"part": "broker", "state": "not well", "told": str(error)}]
    told = f"{len(workers)} answer, {sum(map(len, active.values()))} tasks at work"
    told += "" if queued is None else f", {queued} waiting"
    return [
        {"part": "broker", "state": "ok", "told": "answers"},
        {"part": "workers", "state": "ok" if workers else "not well", "told": told},
    ]


def _history(audit: Audit) -> list[Row]:
    if audit.parameters.syncs is None:
        return []
    ended = [run for run in queueing.current(audit) if run["state"] == "success" and run["ended_at"]]
    if not ended:
        return [{"part": "last sync", "state": "none", "told": "no run has completed"}]
    last = max(run["ended_at"] for run in ended)
    age = (pd.Timestamp.now("UTC") - last).total_seconds()
    return [{"part": "last sync", "state": "ok", "told": f"completed {span(max(age, 0))} ago"}]


def syncs_of_this_audit(audit: Audit) -> pd.DataFrame:
    """The syncs that this run has started, and what each of them counted.

    needs: syncs
    show: what, task_id, outcome
    """
    rows: list[Row] = []
    for name, words in WHAT.items():
        if one := kept.before(audit, name):
            runs: list[dict[str, Any]] = one["runs"] if "runs" in one else [one[key] for key in KEYS if one.get(key)]
            for run in runs or ([one] if "outcome" in one else []):
                figures = run["run"] or {}
                counts = {key: figures.get(key) for key in ("fetched", "added", "updated", "skipped", "failed")}
                rows.append({"what": words, "task_id": run["task_id"], "outcome": run["outcome"], **counts})
    return pd.DataFrame(rows, dtype=object)


WHAT = {
    "requested": "asked for by the API",
    "sent": "sent to the workers",
    "twice": "one after the other",
    "at_once": "two at once",
    "killed": "after the one that was killed",
    "outage": "with the source refusing, and after it",
    "bad_record": "with a bad record, and after it",
    "flag_off": "with the flag off",
}
KEYS = ("during", "after", "sent")


def uat_results(audit: Audit) -> pd.DataFrame:
    """Each item of the acceptance test with its result.

    show: item, result, notes
    """
    items = results.items(audit)
    rows = [{"item": one.text, "result": one.result, "notes": one.notes} for one in items]
    rows.append({"item": "Overall", "result": results.overall(items), "notes": ""})
    return pd.DataFrame(rows, dtype=object)


def rollback_steps(audit: Audit) -> pd.DataFrame:
    """The steps that take a sync back, in their order.

    show: step, what, command
    """
    steps = rollback.steps(audit)
    rows = [{"step": number, "what": one.what, "command": one.command} for number, one in enumerate(steps, 1)]
    return pd.DataFrame(rows, dtype=object)
