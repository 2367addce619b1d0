"""The metrics before and after each flow: done once in a run, and what was seen of it is kept."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from dsaudit.background import kept
from dsaudit.background.calls import refuse_unless_acting
from dsaudit.background.kept import Seen
from dsaudit.facts import flow_runs, watched
from dsaudit.observability.exposition import NotExposed, Scrape, scraped
from dsaudit.observability.promql import NotPromql
from dsaudit.parameters.secret import SecretMissing

if TYPE_CHECKING:
    from dsaudit.audit import Audit
    from dsaudit.progress import Progress

NAME = "metrics_followed"
PAUSE, SETTLED = 0.2, 0.5  # seconds: between two scrapes, and before the last, which sees what was counted twice
PATIENCE = 10.0  # seconds in which the metrics have to follow
ERROR = 1e-6


def followed(audit: Audit) -> Seen | None:
    """Do every flow that says what it moves, unless this run has; None in a replay of a run that did not.

    Keys: ``flows`` (flow, problem, and ``moved``: metric, declared, before, after, change, is_right) and ``fell``
    (flow, metric, before, after: counters that fell).
    """
    return kept.seen(audit, NAME, _followed)


def followed_before(audit: Audit) -> Seen | None:
    """Return what was seen of it, None where nothing was done; a table does nothing."""
    return kept.before(audit, NAME)


def _followed(audit: Audit, progress: Progress) -> Seen:
    refuse_unless_acting(audit.parameters)
    seen: Seen = {"flows": [], "fell": []}
    for name, wanted in flow_runs.moved(audit.parameters).items():
        progress(f"the metrics before and after {name}")
        try:
            told, fell = _one(audit, name, wanted, progress)
        except (NotExposed, SecretMissing) as error:
            told, fell = {"flow": name, "problem": str(error), "moved": []}, []
        seen["flows"].append(told)
        seen["fell"] += fell
    return seen


def _one(
    audit: Audit, name: str, wanted: dict[str, float], progress: Progress
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    before, seen = _scraped(audit), list[Scrape]()
    problem = flow_runs.run(audit, name, progress, lambda: seen.append(_settled(audit, before, wanted)))
    if problem or not seen:
        return {"flow": name, "problem": problem or "it did not come to its end", "moved": []}, []
    moved = [*_moved(before, seen[0], wanted), *_besides(before, seen[0], wanted)]
    return {"flow": name, "problem": None, "moved": moved}, [{"flow": name, **one} for one in _fell(before, seen[0])]


def _settled(audit: Audit, before: Scrape, wanted: dict[str, float]) -> Scrape:
    """Return what is exposed once it has followed, and a little later, or in the end."""
    begun = time.monotonic()
    while not _all_right(_moved(before, _scraped(audit), wanted)) and time.monotonic() - begun < PATIENCE:
        time.sleep(PAUSE)
    time.sleep(SETTLED)
    return _scraped(audit)


def _scraped(audit: Audit) -> Scrape:
    exposed = watched.section(audit).exposed
    assert exposed
    return scraped(exposed, audit.parameters.environment)


def _moved(before: Scrape, after: Scrape, wanted: dict[str, float]) -> list[dict[str, Any]]:
    lines = []
    for metric, difference in wanted.items():
        try:
            values = [(one.total(metric) or 0.0) for one in (before, after)]
        except NotPromql as error:
            lines.append({"metric": metric, "declared": difference, "is_right": None, "problem": str(error)})
            continue
        change = values[1] - values[0]
        is_right = abs(change - difference) < ERROR
        told = {"before": values[0], "after": values[1], "change": round(change, 6), "is_right": is_right}
        lines.append({"metric": metric, "declared": difference, **told})
    return lines


def _all_right(lines: list[dict[str, Any]]) -> bool:
    return all(line["is_right"] is not False for line in lines)


def _besides(before: Scrape, after: Scrape, wanted: dict[str, float]) -> list[dict[str, Any]]:
    """Return the counters that moved besides, of metrics that no line of the flow names."""
    named = {metric.partition("{")[0] for metric in wanted}
    kinds, earlier = after.kinds, {one.key: one.value for one in before.series}
    lines = []
    for one in after.series:
        change = one.value - earlier.get(one.key, 0.0)
        is_own = kinds.told.get(one.name) == "counter" and not one.name.endswith("_created")
        if is_own and one.name not in named and change > ERROR and not one.name.startswith(("python_", "process_")):
            told = {"before": earlier.get(one.key, 0.0), "after": one.value, "change": round(change, 6)}
            lines.append({"metric": str(one), "declared": None, **told, "is_right": None})
    return lines


def _fell(before: Scrape, after: Scrape) -> list[dict[str, Any]]:
    """Return the counters that fell, or are gone."""
    later = {one.key: one.value for one in after.series}
    counting = {name for name, kind in before.names.items() if kind in ("counter", "histogram")}
    return [
        {"metric": str(one), "before": one.value, "after": later.get(one.key)}
        for one in before.series
        if one.name in counting
        and not one.name.endswith("_created")
        and (later.get(one.key) is None or later[one.key] < one.value - ERROR)
    ]
