"""The metrics: can they be declared, are they exposed, do they tell what happened, and what does it cost?"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dsaudit.database import QueryError, RelationMissing
from dsaudit.facts import flow_runs, watched
from dsaudit.facts.followed import followed
from dsaudit.facts.invariants import from_table
from dsaudit.functions import Found, Row, frames
from dsaudit.observability import declaring, promql
from dsaudit.observability.exposition import NotExposed, Scrape, scraped
from dsaudit.parameters.secret import SecretMissing
from dsaudit.wording import unless_whole

if TYPE_CHECKING:
    from dsaudit.audit import Audit
    from dsaudit.parameters.monitoring import Gauged

NOT_DONE = "the run that is replayed did not do it"
DECLARED, FLOW = "monitoring.metrics", "the flow "
PATIENCE, PAUSE = 5.0, 0.3  # seconds that a gauge has to follow the table, and between two looks


def metrics_module_can_be_imported(audit: Audit) -> Found:
    """The code that declares the metrics can be imported: prometheus_client takes each declaration.

    why: an argument that the library does not know raises as the module is imported, and with it every service that
      records anything
    requirement: PI4
    severity: critical
    needs: monitoring.module
    key: metric, line
    show: metric, line, problem, instead
    explains: metrics_are_exposed, gauges_are_set, metrics_follow_the_flows, dashboards_name_known_metrics,
      instrumentation_is_cheap, alerts_fire
    remedy: write the declaration as the row shows; what a metric means is its second argument
    """
    found, problem = watched.declared(audit)
    if problem and "it cannot be read" not in problem:
        rows: list[Row] = [{"metric": None, "line": None, "problem": problem, "instead": None}]
        return frames(rows, [{"examined": 1}])
    rows = [
        {"metric": one.name or one.variable, "line": one.line, "problem": one.problem, "instead": one.instead or None}
        for one in found
        if one.problem
    ]
    unread = [f"line {one.line}: {one.unknown}" for one in found if one.unknown]
    reason = problem or "; ".join(unread) or ("it declares no metric" if not found else None)
    return frames(rows, [{"examined": len(found) - len(unread), "reason": reason}])


def metrics_are_exposed(audit: Audit) -> Found:
    """Every metric that rules, flows and the parameter file name is exposed, with the labels that they name.

    why: a rule on a metric or label that is not there never fires, and looks as if all were well
    requirement: PI4
    severity: high
    needs: monitoring.exposed
    instant: now
    key: metric, named_by, problem
    show: metric, named_by, problem
    explains: metrics_follow_the_flows, gauges_are_set, alerts_fire
    remedy: declare and register the metric in the process that is scraped, or correct the name where it is asked for
    """
    found, problem = watched.scrape(audit)
    if found is None:
        return frames([], [{"examined": 0, "reason": problem}])
    named, unread = _named(audit)
    labels, others = watched.kinds(audit), watched.elsewhere(audit)
    names = set(found.names) | others
    families = names | {family.name for family in found.families}  # a histogram has no series of its own name
    rows: list[Row] = []
    examined, unseen = 0, list[str]()
    for where, expression in named:
        tree = promql.parsed(expression)
        examined += sum(name not in others for name, _ in watched.asks(tree))
        for name, words in watched.lacking(audit, tree, families if where == DECLARED else names, labels):
            rows.append({"metric": name, "named_by": where, "problem": words})
        unseen += [] if where.startswith(FLOW) else [f"{one} ({where})" for one in watched.unseen(audit, tree)]
    line: Row = {"examined": examined, "reason": "; ".join(unread) or None}
    if not examined and not unread:
        line["reason"] = "neither rules nor flows name a metric of this endpoint"
    told = frames(rows, [line])
    told[1].attrs["limits"] = [f"no series was exposed as yet of {one}" for one in dict.fromkeys(unseen)]
    return told


def _named(audit: Audit) -> tuple[list[tuple[str, str]], list[str]]:
    """Return where metrics are named, with the expression that does, and what could not be read."""
    rules, unread = watched.rules(audit)
    given = [(one.name, str(one.rule["expr"])) for one in rules]
    section = watched.section(audit)
    given += [(DECLARED, name) for name in section.metrics or ()]
    given += [("monitoring.gauges", name) for name in section.gauges]
    flows = flow_runs.moved(audit.parameters)
    given += [(f"{FLOW}{flow}", metric) for flow, metrics in flows.items() for metric in metrics]
    named = []
    for where, expression in given:
        try:
            promql.parsed(expression)
        except promql.NotPromql as error:
            unread.append(f"{where}: {error}")
            continue
        named.append((where, expression))
    return named, unread


def gauges_are_set(audit: Audit) -> Found:
    """Every gauge is set, and says as many as its table has rows where the file names them.

    why: a gauge that nothing sets is 0 for ever, and the alert on it never fires
    requirement: PI4
    severity: high
    needs: monitoring.exposed or monitoring.module
    instant: now
    key: metric
    show: metric, problem, exposed, rows
    explains: metrics_follow_the_flows
    remedy: set it where its value changes, or from the database as it is scraped (set_function)
    """
    section, reasons = watched.section(audit), list[str]()
    declared, unread = watched.declared(audit)
    gauges = [one for one in declared if one.kind == "Gauge"]
    found, unscraped = watched.scrape(audit)
    reasons += [one for one in (unread, unscraped) if one]
    rows: list[Row] = []
    names = {one.name for one in gauges}
    if section.module and gauges:
        module, code = audit.parameters.folder(section.module), audit.parameters.whole.code
        folder = audit.parameters.folder(code.folder) if code else module.parent
        moved = {one.name for one in found.series if abs(one.value) > 0} if found else set()  # whatever sets them does
        unset = [one.name for one in declaring.unset(gauges, module, folder) if one.name and one.name not in moved]
        rows += [{"metric": name, "problem": "nothing in the code sets it"} for name in unset] if code else []
        # Beside the module alone something else may do it.
        where = f"in the folder of {section.module}; name all of the code under `code.folder`"
        reasons += [f"nothing sets {', '.join(unset)} {where}"] if unset and not code else []
    if found:
        exposed = {one.name for one in found.families if one.type == "gauge"}
        names |= {name for name in exposed if not watched.is_beside(name)}
        for name, gauge in section.gauges.items():
            row, reason = _counted(audit, name, gauge)
            rows += [row] if row and name not in {one["metric"] for one in rows} else []
            reasons += [f"{name}: {reason}"] if reason else []
    reason = "; ".join(reasons) or ("there is no gauge" if not names else None)
    return frames(rows, [{"examined": len(names), "reason": reason}])


def _counted(audit: Audit, name: str, gauge: Gauged) -> tuple[Row | None, str | None]:
    """Return a row where a gauge says another number than its table, again and again, and why that is not known."""
    exposed = watched.section(audit).exposed
    assert exposed
    begun = time.monotonic()
    while True:
        try:
            before = _rows(audit, gauge)
            value = scraped(exposed, audit.parameters.environment).total(name)
            after = _rows(audit, gauge)
        except (QueryError, RelationMissing, NotExposed, SecretMissing, promql.NotPromql) as error:
            return None, str(error)
        if value is not None and min(before, after) <= value <= max(before, after):
            return None, None
        if time.monotonic() - begun > PATIENCE:
            problem = "it has no value" if value is None else "it is not how many rows there are"
            return {"metric": name, "problem": problem, "exposed": unless_whole(value), "rows": after}, None
        time.sleep(PAUSE)


def _rows(audit: Audit, gauge: Gauged) -> int:
    table = audit.relations.whole.table(audit.parameters.whole.resources[gauge.resource].table)
    condition = gauge.where.replace("%", "%%")
    query = f"select count(*) as rows from {from_table(table)} where ({condition}\n)"
    return int(audit.database.now().query(query, most=None).rows[0][0])


def metrics_follow_the_flows(audit: Audit) -> Found:
    """Each flow moves the metrics by exactly what the file declares, and no counter falls.

    why: a counter that does not move hides every failure, and one that counts twice spoils every share made of it
    requirement: PI4
    severity: high
    needs: monitoring.exposed, flows
    instant: now
    acts: it does the flows that say which metrics they move, and looks at the metrics before and after
    key: flow, metric
    show: flow, metric, problem, declared, change
    explains: alerts_fire
    remedy: record the metric once, where the thing has happened; look whether something else counts it
      too, such as a completion that is taken for another import
    """
    seen = followed(audit)
    if seen is None:
        return frames([], [{"examined": 0, "reason": NOT_DONE}])
    rows: list[Row] = []
    reasons = [f"{flow['flow']}: {flow['problem']}" for flow in seen["flows"] if flow["problem"]]
    examined = 0
    for flow in seen["flows"]:
        for one in flow["moved"]:
            if one.get("problem"):
                reasons.append(f"{one['metric']}: {one['problem']}")
            examined += one["is_right"] is not None
            if one["is_right"] is False:
                problem = "it did not move" if one["change"] == 0 else "it moved otherwise"
                told = {name: unless_whole(one[name]) for name in ("declared", "change")}
                rows.append({"flow": flow["flow"], "metric": one["metric"], "problem": problem, **told})
    for one in seen["fell"]:
        gone = one["after"] is None
        change = None if gone else round(one["after"] - one["before"], 6)
        problem = "the counter is gone" if gone else "the counter fell"
        rows.append({"flow": one["flow"], "metric": one["metric"], "problem": problem, "change": unless_whole(change)})
    reason = "; ".join(reasons) or ("no flow says which metrics it moves" if not seen["flows"] else None)
    return frames(rows, [{"examined": examined, "reason": reason}])


def instrumentation_is_cheap(audit: Audit) -> Found:
    """To record every metric once takes no longer than the file allows an operation.

    why: whoever waits for the operation waits for its metrics too
    requirement: PI4
    severity: low
    needs: monitoring.exposed or monitoring.module
    instant: now
    key: metric
    show: metric, kind, labels, milliseconds
    remedy: keep labels and their values few; hold on to a child that is recorded often
    """
    found, unscraped = watched.scrape(audit)
    measured, problem = watched.costs_of(audit)
    total = sum(one.milliseconds for one in measured)
    rows: list[Row] = []
    if total > watched.section(audit).overhead_milliseconds:
        rows = [
            {"metric": one.name, "kind": one.kind, "labels": one.labels, "milliseconds": round(one.milliseconds, 5)}
            for one in sorted(measured, key=lambda one: -one.milliseconds)
        ]
    reason = problem or unscraped or (None if measured else "there is no metric that an operation records")
    unit = "ms (all metrics once)"
    line: Row = {"examined": len(measured), "value": round(total, 5), "unit": unit, "reason": reason}
    told = frames(rows, [line])
    told[1].attrs["limits"] = ["timed on metrics like those declared, in a process of our own", *_of_the_scrape(found)]
    return told


def _of_the_scrape(found: Scrape | None) -> Iterator[str]:
    if found:
        yield f"a scrape took {found.seconds * 1000:.1f} ms and brought {len(found.series)} series"
