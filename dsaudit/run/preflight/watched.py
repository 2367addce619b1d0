"""What watches the system, tried before a run: its rules, dashboards, unit tests, code of metrics, and one scrape."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from dsaudit.monitoring import given
from dsaudit.observability import declaring, panels
from dsaudit.observability.exposition import NotExposed, asked_for, scraped
from dsaudit.observability.promql import NotPromql
from dsaudit.parameters import Parameters, place_of
from dsaudit.parameters.secret import SecretMissing
from dsaudit.run.preflight.line import Line, not_given
from dsaudit.verdict.card import plural
from dsaudit.wording import did_you_mean


def monitoring(parameters: Parameters) -> Iterator[Line]:
    """Tell what of the section could be read, and what could not."""
    if parameters.monitoring is None:
        yield not_given("monitoring")
        return
    rules = given.read(parameters)
    for name, problem in rules.problems.items():
        yield Line("monitoring", False, f"{place_of(parameters.path, ('monitoring', 'rules'))}: {name}: {problem}")
    if not rules.problems:
        alerts = [rule.name for rule in rules.rules if rule.is_alert]
        yield Line("monitoring", True, plural(len(alerts), "alert rule"))
        yield from _fired(parameters, alerts)
    yield from _dashboards(parameters)
    yield from _module(parameters)
    yield from _metrics(parameters)
    yield from _programs(parameters)


def _fired(parameters: Parameters, alerts: list[str]) -> Iterator[Line]:
    """Tell which alerts have to fire and have no rule."""
    assert parameters.monitoring
    for index, one in enumerate(parameters.monitoring.fires):
        if one.alert not in alerts:
            hint = did_you_mean(one.alert, alerts)
            words = f"no rule has the name {one.alert}" + (f"; {hint}" if hint else "")
            yield Line(
                "monitoring", False, f"{place_of(parameters.path, ('monitoring', 'fires', index, 'alert'))}: {words}"
            )


def _dashboards(parameters: Parameters) -> Iterator[Line]:
    assert parameters.monitoring
    for name in parameters.monitoring.dashboards:
        try:
            found = panels.read(parameters.folder(name))
        except panels.NoDashboard as error:
            where = place_of(parameters.path, ("monitoring", "dashboards"))
            yield Line("dashboard", False, f"{where}: {name}: {error}")
            continue
        unread = [one for one in found if one.problem]
        for one in unread:
            where = place_of(parameters.path, ("monitoring", "dashboards"))
            yield Line("dashboard", False, f"{where}: {name}: panel {one.title or 'without a title'}: {one.problem}")
        if len(found) > len(unread):
            yield Line("dashboard", True, f"{name}: {plural(len(found) - len(unread), 'expression')}")


def _module(parameters: Parameters) -> Iterator[Line]:
    assert parameters.monitoring
    if name := parameters.monitoring.module:
        try:
            found = declaring.declared(parameters.folder(name))
        except declaring.Unreadable as error:
            yield Line("metrics", False, f"{place_of(parameters.path, ('monitoring', 'module'))}: {name}: {error}")
            return
        yield Line("metrics", bool(found), f"{name}: {plural(len(found), 'metric')} declared")


def _metrics(parameters: Parameters) -> Iterator[Line]:
    assert parameters.monitoring
    if exposed := parameters.monitoring.exposed:
        try:
            found = scraped(exposed, parameters.environment)
        except (NotExposed, SecretMissing) as error:
            yield Line("metrics", False, f"{place_of(parameters.path, ('monitoring', 'exposed'))}: {error}")
            return
        told = f"{len(found.series)} series of {plural(len(found.families), 'metric')}"
        yield Line("metrics", True, f"{told}, scraped in {found.seconds * 1000:.0f} ms")
    yield from _moved(parameters, {*found.names} if exposed else None)


def _moved(parameters: Parameters, names: set[str] | None) -> Iterator[Line]:
    """Tell the metrics that flows are to move and that are none, or not among those that are exposed."""
    for number, flow in enumerate(parameters.flows or ()):
        for selector in flow.metrics:
            try:
                name, _ = asked_for(selector)
            except NotPromql as error:
                problem = f"{selector}: {error}"
            else:
                if names is None or name in names:
                    continue
                hint = did_you_mean(name, names)
                problem = f"nothing exposes {name}" + (f"; {hint}" if hint else "")
            yield Line(
                "flows", False, f"{place_of(parameters.path, ('flows', number, 'metrics', selector))}: {problem}"
            )


def _programs(parameters: Parameters) -> Iterator[Line]:
    """Tell which of Prometheus' programs are missing, without which some checks say nothing."""
    assert parameters.monitoring
    wanted = {"promtool": bool(parameters.monitoring.tests), "prometheus": bool(parameters.monitoring.fires)}
    for name, is_wanted in wanted.items():
        if is_wanted and shutil.which(name) is None:
            yield Line("monitoring", False, f"{name} is not installed, so that the checks that need it say nothing")
