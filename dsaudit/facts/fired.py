"""Alerts that are made to fire: a local Prometheus, rules in which time goes faster, and flows that are done."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from dsaudit.background import kept
from dsaudit.background.calls import refuse_unless_acting
from dsaudit.background.kept import Seen
from dsaudit.facts import flow_runs, watched
from dsaudit.observability import shortening
from dsaudit.observability.exposition import NotExposed, fetched
from dsaudit.observability.prometheus import NoPrometheus, Prometheus, running
from dsaudit.observability.promql import NotPromql
from dsaudit.parameters.secret import SecretMissing
from dsaudit.wording import did_you_mean, span

if TYPE_CHECKING:
    from dsaudit.audit import Audit
    from dsaudit.parameters.monitoring import Fires
    from dsaudit.progress import Progress

NAME = "alerts_fired"
BETWEEN = 0.3  # seconds between two times that a flow is done
PAUSE = 0.2
ENOUGH = 0.8  # of the scrapes: with fewer, a rate over four of them is often none
FIRST_SCRAPE = 15.0  # seconds: Prometheus takes its targets over every five


def fired(audit: Audit) -> Seen | None:
    """Make every declared alert fire and end, unless this run has; None in a replay of a run that did not.

    Keys: ``alerts``, each with ``alert``, ``flow``, ``faster``, ``times`` (the flow was done), ``fired_after`` and
    ``ended_after`` (seconds, or None), ``problem`` (what is wrong with the alert, or None) and ``unknown`` (why nothing
    can be said, or None).
    """
    return kept.seen(audit, NAME, _fired)


def fired_before(audit: Audit) -> Seen | None:
    """Return what was seen of it, None where nothing was done; a table does nothing."""
    return kept.before(audit, NAME)


def _fired(audit: Audit, progress: Progress) -> Seen:
    refuse_unless_acting(audit.parameters)
    return {"alerts": [_one(audit, one, progress) for one in watched.section(audit).fires]}


def _one(audit: Audit, one: Fires, progress: Progress) -> dict[str, Any]:
    seen = {"alert": one.alert, "flow": one.flow, "faster": one.faster, "times": 0, "for": None}
    seen |= {"fired_after": None, "ended_after": None, "problem": None, "unknown": None}
    told, _ = watched.rules(audit)
    rule = next((each.rule for each in told if each.is_alert and each.name == one.alert), None)
    if rule is None:
        hint = did_you_mean(one.alert, [each.name for each in told if each.is_alert])
        return {**seen, "problem": "no rule has this name" + (f"; {hint}" if hint else "")}
    seen["for"] = rule.get("for")
    try:
        if problem := shortening.why_not(rule):
            return {**seen, "unknown": problem}
        rules = [shortening.faster(each.rule, one.faster) for each in told if not each.is_alert]
        rules.append(shortening.faster(rule, one.faster))
        every = shortening.interval(rules)
        _exposed(audit)  # whether it can be scraped at all
        with running([{"name": "audited", "rules": rules}], lambda: _exposed(audit), every) as prometheus:
            return seen | _watched(audit, one, prometheus, progress, every)
    except (NoPrometheus, NotExposed, NotPromql) as error:
        return {**seen, "unknown": str(error)}


def _exposed(audit: Audit) -> str:
    exposed = watched.section(audit).exposed
    assert exposed
    try:
        return fetched(exposed, audit.parameters.environment)
    except SecretMissing as error:
        raise NotExposed(str(error)) from None


def _watched(audit: Audit, one: Fires, prometheus: Prometheus, progress: Progress, every: float) -> dict[str, Any]:
    begun = time.monotonic()
    while (problem := prometheus.scrape_problem()) and time.monotonic() - begun < FIRST_SCRAPE:
        time.sleep(PAUSE)
    if problem:
        return {"unknown": f"Prometheus cannot scrape: {problem}"}
    time.sleep(2 * every)  # what is held against an earlier scrape needs one
    if prometheus.alerts().get(one.alert):
        return {"unknown": "it was beyond its limit before anything was done"}
    seen: dict[str, Any] = {"times": 0}
    begun, trouble = time.monotonic(), None
    while prometheus.alerts().get(one.alert) != "firing":
        trouble = _trouble(prometheus, one.alert) or trouble  # it may be told of one evaluation alone
        if time.monotonic() - begun > one.wait_seconds:
            words = f"it did not fire within {span(one.wait_seconds)}, though {one.flow} was done {seen['times']} times"
            share = 1.0 if trouble else prometheus.scraped_share(one.wait_seconds, every)
            if share < ENOUGH:
                return {
                    **seen,
                    "unknown": f"{words}: this machine was too busy, only {share:.0%} of the scrapes went well",
                }
            return {**seen, "problem": trouble or words}
        progress(f"{one.flow} until {one.alert} fires, {span(time.monotonic() - begun)} of {span(one.wait_seconds)}")
        if problem := flow_runs.run(audit, one.flow, progress):
            return {**seen, "unknown": f"{one.flow} could not be done: {problem}"}
        seen["times"] += 1
        time.sleep(BETWEEN)
    seen["fired_after"] = round(time.monotonic() - begun, 2)
    begun = time.monotonic()
    while prometheus.alerts().get(one.alert) == "firing":
        if time.monotonic() - begun > one.wait_seconds:
            return {**seen, "problem": f"it still fires {span(one.wait_seconds)} after the last {one.flow}"}
        progress(f"waiting for {one.alert} to end, {span(time.monotonic() - begun)} of {span(one.wait_seconds)}")
        time.sleep(PAUSE)
    return {**seen, "ended_after": round(time.monotonic() - begun, 2)}


def _trouble(prometheus: Prometheus, alert: str) -> str | None:
    """Return what Prometheus says of a rule that it cannot reckon."""
    said = prometheus.troubles().get(alert)
    return f"Prometheus cannot reckon it: {said}" if said else None
